"""The API beside Nautobot's: lists, creates and bulk creates; then what only Mainstay promises.

    make bench                         everything, about half an hour; the first time longer
    python -m bench.api --quick        short rounds and small tables, to see that it runs
    python -m bench.api --no-peer      Mainstay alone

Both sides run one server process on the same PostgreSQL with its default settings, over loopback, with a
token whose rights are checked. Rates are medians over rounds. The client shares the cores with the server.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench.load import Call, Make, Result, load, once, rounds
from bench.mainstay import Mainstay, mainstay
from bench.nautobot import Nautobot, nautobot
from bench.postgres import Postgres, postgres


@dataclass
class Plan:
    """How much is done."""

    rows: int = 100_000
    deep_rows: int = 1_000_000
    seconds: float = 5.0
    rounds: int = 3
    bulk: int = 1000
    connections: int = 8


@dataclass
class Report:
    """Measured figures by side: ``sides[side][measure] = value``."""

    sides: dict[str, dict[str, float]] = field(default_factory=dict)
    measures: dict[str, str] = field(default_factory=lambda: MEASURES)

    def note(self, side: str, measure: str, value: float) -> None:
        self.sides.setdefault(side, {})[measure] = value
        print(f"  {side}: {self.measures[measure]}: {value:,.2f}", flush=True)


MEASURES = {
    "list": "list of 50, requests/s",
    "list_p95": "list of 50, p95 in ms",
    "fresh": "list of 50, another page each time, requests/s",
    "fresh_p95": "list of 50, another page each time, p95 in ms",
    "create": "single create, requests/s",
    "create_p95": "single create, p95 in ms",
    "bulk": "bulk create, objects/s",
    "bulk_seconds": "bulk create, seconds per 1,000",
    "first_page": "large table: page 1, ms",
    "deep_page": "large table: middle page by cursor, ms",
    "last_page": "large table: last page by number, ms",
    "start": "start to first answer, s",
    "memory": "memory when idle, MiB",
}
TARGETS = {
    "list": "≥ 30x",
    "list_p95": "≤ 30 ms",
    "fresh": "≥ 30x",
    "fresh_p95": "≤ 30 ms",
    "create": "≥ 20x",
    "bulk": "≥ 150x",
    "bulk_seconds": "≤ 0.25 s",
    "start": "≤ 5 s",
    "memory": "≤ 600 MiB",
}


def round_of(server: Nautobot | Mainstay, make: Make, plan: Plan) -> Result:
    return load(server.base, server.headers, make, connections=plan.connections, seconds=plan.seconds)


def common(report: Report, side: str, server: Nautobot | Mainstay, plan: Plan) -> None:
    """What both sides are asked."""
    answer, _took = once(server.base, server.headers, server.listing(0))
    if len(answer.json()["results"]) != 50:
        raise RuntimeError(f"{side} lists {len(answer.json()['results'])} rows instead of 50.")
    for measure, make in (("list", server.listing), ("fresh", server.wandering), ("create", server.creating)):
        rate, slow = rounds(plan.rounds, partial(round_of, server, make, plan))
        report.note(side, measure, rate)
        report.note(side, f"{measure}_p95", slow * 1000)
    took = median(once(server.base, server.headers, server.bulk(plan.bulk))[1] for _ in range(plan.rounds))
    report.note(side, "bulk", plan.bulk / took)
    report.note(side, "bulk_seconds", took * 1000 / plan.bulk)


def peer(report: Report, server: Postgres, plan: Plan) -> None:
    """Nautobot's figures."""
    with nautobot(server, rows=plan.rows, processes=1) as running:
        side = f"Nautobot {running.version}"
        time.sleep(5)
        report.note(side, "memory", running.process.memory())
        common(report, side, running, plan)


def ours(report: Report, side: str, server: Postgres | None, plan: Plan) -> None:
    """Mainstay's figures on one database."""
    with mainstay(server) as running:
        report.note(side, "start", running.start())
        assert running.process is not None
        time.sleep(5)
        report.note(side, "memory", running.process.memory())
        running.seed(plan.rows)
        if server is not None:
            server.analyse("mainstay_bench")
        common(report, side, running, plan)
        running.stop()
        running.multiply(plan.deep_rows)
        running.start()
        deep(report, side, running, plan)


def deep(report: Report, side: str, running: Mainstay, plan: Plan) -> None:
    """A page of many: the first, one in the middle by following a cursor, the last by its number."""

    def time_of(make: Callable[[int], Call]) -> float:
        once(running.base, running.headers, make(50))  # the total is counted once per change, not once per page
        # Another length each time: an answer that was given before would come from memory.
        return median(once(running.base, running.headers, make(size))[1] for size in range(51, 66)) * 1000

    first, _took = once(running.base, running.headers, running.page(1))
    total, pages = int(first.json()["count"]), int(first.json()["total_pages"])
    middle, _took = once(running.base, running.headers, running.page(pages // 2))
    following = "/" + str(middle.json()["next"]).split("/", 3)[3]
    report.note(side, "first_page", time_of(lambda size: running.page(1, size)))
    report.note(
        side,
        "deep_page",
        time_of(lambda size: Call("GET", following.replace("items_per_page=50", f"items_per_page={size}"))),
    )
    report.note(side, "last_page", time_of(lambda size: running.page(total // size, size)))


def shown(report: Report) -> list[str]:
    """Both sides in one table, with what Mainstay is as a multiple of the peer and the target."""
    sides = list(report.sides)
    beside = next((side for side in sides if side.startswith("Nautobot")), "")
    head = f"{'':<46}" + "".join(f"{side:>24}" for side in sides) + f"{'target':>16}"
    lines = [head, "-" * len(head)]
    for measure, label in MEASURES.items():
        cells = []
        for side in sides:
            value = report.sides[side].get(measure)
            cell = "" if value is None else f"{value:,.3f}" if value < 10 else f"{value:,.1f}"
            base = report.sides.get(beside, {}).get(measure)
            if value is not None and base and side != beside and measure in ("list", "fresh", "create", "bulk"):
                cell += f" ({value / base:,.0f}x)"
            cells.append(f"{cell:>24}")
        lines.append(f"{label:<46}" + "".join(cells) + f"{TARGETS.get(measure, ''):>16}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Mainstay's API beside Nautobot's.")
    parser.add_argument("--quick", action="store_true", help="short rounds and small tables")
    parser.add_argument("--no-peer", action="store_true", help="leave Nautobot out")
    parser.add_argument("--only-peer", action="store_true", help="leave Mainstay out")
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"], help="default: both")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    wanted = parser.parse_args()
    plan = Plan(rows=5000, deep_rows=20_000, seconds=2, rounds=1, bulk=100) if wanted.quick else Plan()
    report = Report()
    with postgres() as server:
        if not wanted.no_peer:
            peer(report, server, plan)
        for name in [] if wanted.only_peer else wanted.database or ["sqlite", "postgresql"]:
            label = {"sqlite": "Mainstay, SQLite", "postgresql": "Mainstay, PostgreSQL"}[name]
            ours(report, label, server if name == "postgresql" else None, plan)
    print(f"\nLists over {plan.rows:,} rows; large table {plan.deep_rows:,}; {plan.connections} connections.\n")
    print("\n".join(shown(report)))
    if wanted.json:
        document: dict[str, Any] = {"plan": plan.__dict__, "figures": report.sides}
        wanted.json.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
