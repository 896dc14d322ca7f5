"""A pipeline of three stages, all matching, beside pygrok on the same lines.

    uv run --with pygrok python -m bench.grok            both
    uv run python -m bench.grok --no-peer                Mainstay alone

The lines are sshd log-ins in their syslog clothes. Mainstay's stages: grok takes the header apart, a second grok the
message (typed port), a date stage reads the time; the fields end up in the map that is stored. pygrok does the first
two with the same expressions; it has nothing for the third. Medians over rounds, one process each.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from typing import Any

import polars as pl

from mainstay.modules.logs.grok.library import Library
from mainstay.modules.logs.pipeline import definitions
from mainstay.modules.logs.pipeline.condition import Condition
from mainstay.modules.logs.pipeline.running import Pipeline, World, make, process
from mainstay.modules.logs.pipeline.stages.base import Run

TARGET = 300_000
BATCH = 20_000
HEADER = r"^%{SYSLOGTIMESTAMP:timestamp} %{NOTSPACE:logsource} %{WORD:program}\[%{INT:pid}\]: %{GREEDYDATA:text}"
LOGIN = (
    "^%{WORD:outcome} %{WORD:method} for %{NOTSPACE:user} from %{NOTSPACE:src_ip} "
    "port %{INT:src_port:int} %{WORD:protocol}"
)
STAGES = [
    {"type": "grok", "patterns": [HEADER]},
    {"type": "grok", "field": "text", "patterns": [LOGIN]},
    {"type": "date", "field": "timestamp", "formats": ["MMM d HH:mm:ss"]},
]


def lines(number: int) -> list[str]:
    """Log-ins, no two the same."""
    out = []
    for at in range(number):
        clock = f"Nov {1 + at % 28:2d} {at % 24:02d}:{at % 60:02d}:{at // 60 % 60:02d}"
        what = "Accepted" if at % 3 else "Failed"
        address = f"10.{at % 200}.{at % 250}.{at % 249}"
        out.append(
            f"{clock} web{at % 200:03d} sshd[{1000 + at % 9000}]: {what} password for user{at % 500} from {address} "
            f"port {1024 + at % 60000} ssh2"
        )
    return out


def mainstay(texts: list[str]) -> Callable[[], None]:
    """All lines through the compiled pipeline in batches as the intake hands them on."""
    pipeline = Pipeline(
        id="bench", name="bench", version=1, condition=Condition('app == "sshd"'),
        stages=make(definitions.read(STAGES), World(library=Library())),
    )  # fmt: skip
    now = datetime.now(UTC)
    frames = [
        pl.DataFrame({"message": texts[at : at + BATCH]}).with_columns(
            organization=pl.lit("bench"), received=pl.lit(now), time=pl.lit(now), app=pl.lit("sshd")
        )
        for at in range(0, len(texts), BATCH)
    ]

    def work() -> None:
        for frame in frames:
            out = process([pipeline], frame, Run(deadline=time.monotonic() + 60))
            short = out.filter((pl.col("fields").list.len() != 11) | (pl.col("tags").list.len() > 0))
            assert short.is_empty(), short.row(0)

    return work


def pygrok(texts: list[str]) -> Callable[[], None]:
    """The same two expressions, a line at a time: that is how it works."""
    import pygrok as peer

    header, login = peer.Grok(HEADER), peer.Grok(LOGIN)

    def work() -> None:
        for text in texts:
            first: dict[str, Any] | None = header.match(text)
            assert first is not None
            assert login.match(first["text"]) is not None

    return work


def rate(work: Callable[[], None], number: int, rounds: int) -> tuple[float, float]:
    """Lines a second and microseconds of CPU a line, the medians of some rounds after one to warm up."""
    work()
    seconds, cpu = [], []
    for _ in range(rounds):
        started, used = time.perf_counter(), time.process_time()
        work()
        seconds.append(time.perf_counter() - started)
        cpu.append(time.process_time() - used)
    return number / median(seconds), median(cpu) / number * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--peer-lines", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-peer", action="store_true")
    chosen = parser.parse_args()
    texts = lines(chosen.lines)
    ours, cpu = rate(mainstay(texts), len(texts), chosen.rounds)
    print(f"Mainstay, three stages (grok, grok, date): {ours:>12,.0f} lines/s, {cpu:.2f} us of CPU a line   "
          f"target ≥ {TARGET:,}: {'met' if ours >= TARGET else 'MISSED'}")  # fmt: skip
    if not chosen.no_peer:
        some = texts[: chosen.peer_lines]
        theirs, cpu = rate(pygrok(some), len(some), chosen.rounds)
        print(f"pygrok, the two grok expressions alone:    {theirs:>12,.0f} lines/s, {cpu:.2f} us of CPU a line   "
              f"Mainstay is {ours / theirs:.1f}x")  # fmt: skip


if __name__ == "__main__":
    main()
