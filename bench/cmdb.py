"""The CMDB at size: a million items with five million relations, listed, walked and added to; beside Nautobot.

    python -m bench.cmdb               everything; the first time some minutes longer, for the peer
    python -m bench.cmdb --quick       a small estate and short rounds, to see that it runs
    python -m bench.cmdb --no-peer     Mainstay alone

The first 100,000 items and as many relations are loaded through the product's own writing, trail and identifying values
included; they give the rates. The others are made inside the database, without their trail: the same tables in a
fraction of the time. Every item depends on five others, scattered over the estate, so that what a failure reaches in
five steps is some thousand items. The peer's load is its VLANs, as in bench.api: plain rows with a status, a
role and a group, which is less than an item is.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import BigInteger, Engine, String, cast, column, create_engine, func, literal, select, table, text

from bench.api import Report
from bench.load import Call, load, once, rounds
from bench.mainstay import Mainstay, mainstay
from bench.nautobot import Nautobot, nautobot
from bench.postgres import Postgres, postgres
from mainstay.app import build_registry
from mainstay.kernel import store, writing
from mainstay.kernel.access.tables import Organization
from mainstay.kernel.platform import Platform
from mainstay.modules.assets.cmdb.tables import Ci, CiAddress, CiIdentity
from mainstay.modules.assets.relations import service
from mainstay.modules.assets.relations.tables import Relation
from mainstay.settings import Settings

ITEMS = "/ux/common/cmdb/profile/"
RELATIONS = "/ux/common/cmdb/relation/"
BATCH = 5000
STRIDE, SPREAD = 514_229, 10_007
CATEGORIES = ("Server", "Virtual Machine", "Application", "Switch", "Database", "Router", "Laptop", "Printer")
STATUSES = ("In Use", "In Use", "In Use", "In Stock", "Allocated", "In Maintenance", "Retired", "In Use")
MEASURES = {
    "load_items": "items loaded with trail, items/s",
    "load_relations": "relations loaded with trail, relations/s",
    "list": "list of 50, another page each time, requests/s",
    "list_p95": "list of 50, p95 in ms",
    "list_one": "  by one client, p95 in ms",
    "filtered_p95": "filtered list of 50, p95 in ms",
    "filtered_one": "  by one client, p95 in ms",
    "filtered_cpu": "  CPU of the server for one, ms",
    "impact": "impact walk of depth 5, median ms",
    "impact_p95": "impact walk of depth 5, p95 in ms",
    "impact_cpu": "  CPU of the server for one, mean ms",
    "impact_nodes": "items such a walk reaches, median",
    "what_if": "what loses its last path, median ms",
    "bulk": "bulk create by API with trail, objects/s",
    "bulk_cpu": "  CPU of the server for one, followers too, µs",
    "import": "import of a CSV file as a job, rows/s",
    "import_cpu": "  CPU of the server for one, followers too, µs",
}
TARGETS = {
    "list_p95": "≤ 50 ms",
    "list_one": "≤ 50 ms",
    "filtered_p95": "≤ 50 ms",
    "filtered_one": "≤ 50 ms",
    "impact": "≤ 50 ms",
    "bulk": "≥ 5,000",
    "import": "≥ 5,000",
}


@dataclass
class Plan:
    """How much is done."""

    items: int = 1_000_000
    written: int = 100_000
    """Items, and relations, that are loaded like a client's; the others without their trail."""
    relations: int = 5
    peer_rows: int = 100_000
    seconds: float = 5.0
    rounds: int = 3
    walks: int = 60
    imported: int = 50_000


def item(number: int) -> dict[str, Any]:
    """An item as a client sends it."""
    return {
        "name": f"ci-{number:07d}",
        "category": CATEGORIES[number % 8],
        "status": STATUSES[number // 8 % 8] if STATUSES[number // 8 % 8] != "Allocated" else "In Use",
        "criticality": number % 4 + 1,
        "serial_number": f"SN-{number:08d}",
        "manufacturer": ("Cisco", "Dell", "HPE", "Lenovo")[number % 4],
        "model": f"Model {number % 300}",
        "ip_address": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
        "os_version": f"{number % 20}.{number % 7}",
    }


async def fill(settings: Settings, plan: Plan) -> tuple[float, float]:
    """Load the estate; items and relations per second of those that are written like a client's, with their trail."""
    platform = Platform(settings, build_registry())
    res = platform.registry.resources["ci"]
    written = min(plan.items, plan.written)
    try:
        async with platform.work("*", write=False) as ctx:
            organization = (await ctx.session.execute(select(Organization.id))).scalars().one()
        began = time.perf_counter()
        for first in range(0, written, BATCH):
            async with platform.work(organization) as ctx:
                await writing.create_many(ctx, res, [item(n) for n in range(first, min(first + BATCH, written))])
        items_took = time.perf_counter() - began
        await asyncio.to_thread(copied, settings, plan.items)
        async with platform.work(organization, write=False) as ctx:
            ids = list((await ctx.session.execute(select(Ci.id).order_by(Ci.id))).scalars())
            kind = await service.kind(ctx, "depends_on")
        began, told = time.perf_counter(), 0
        for pairs in links(ids, plan.relations, written):
            some = [{"source": a, "type": kind.id, "target": b, "origin": "api"} for a, b in pairs]
            async with platform.work(organization) as ctx:
                await store.add_many(ctx, Relation, some)
            told += len(some)
        links_took = time.perf_counter() - began
        await asyncio.to_thread(related, settings, kind.id, plan.relations)
        if not settings.is_sqlite:  # SQLite's planner is told beforehand what such tables are like
            async with platform.database.engine.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                await connection.execute(text("VACUUM ANALYZE"))
        return written / items_took, told / links_took
    finally:
        await platform.close()


def copied(settings: Settings, wanted: int) -> None:
    """Copy items inside the database until there are so many, with their addresses and what identifies them."""
    items, addresses, identities = Ci.__table__, CiAddress.__table__, CiIdentity.__table__
    with bare(settings, Ci, CiAddress, CiIdentity) as engine, engine.begin() as connection:
        counted = select(func.count()).select_from(items)
        while (have := connection.scalar(counted) or 0) < wanted:
            number = func.row_number().over(order_by=items.c.id) + have
            tail = func.substr(cast(number + 10**9, String), 2)
            address: Any = literal("10")
            for shift in (16, 8, 0):
                address = address.concat(".").concat(cast(number.op(">>")(shift).op("&")(255), String))
            columns: dict[str, Any] = {each.name: each for each in items.columns} | {
                "id": func.substr(items.c.id, 1, 16).concat(tail), "display_id": literal("COPY-").concat(tail),
                "name": literal("ci-").concat(tail), "serial_number": literal("SN-").concat(tail),
                "ip_address": address,
            }  # fmt: skip
            source = select(*[value.label(name) for name, value in columns.items()]).limit(wanted - have)
            connection.execute(items.insert().from_select(list(columns), source))
        beside: list[tuple[Any, dict[str, Any]]] = [
            (addresses, {"address": items.c.ip_address, "management": literal(True), "source": literal("manual"),
                         "last_seen": items.c.creation_time}),
            (identities, {"rule": literal("serial_number"), "value": func.lower(items.c.serial_number),
                          "enforced": literal(False)}),
        ]  # fmt: skip
        for other, values in beside:
            values |= {"organization": items.c.organization, "ci": items.c.id}
            copies = select(*values.values()).where(items.c.display_id.like("COPY-%"))
            connection.execute(other.insert().from_select(list(values), copies))


def related(settings: Settings, kind: str, each: int) -> None:
    """Relate every item that relies on nothing yet to some others, inside the database.

    The item at place ``n`` relies on those at ``STRIDE * n + SPREAD * k``: far apart, and none twice.
    """
    now, columns = datetime.now(UTC), Relation.__table__.columns
    blank = {name: value() if callable(value) else value for name, value in store.defaults(Relation).items()}
    blank |= {"creation_time": now, "last_update_time": now, "created_by": 0, "modified_by": 0, "version": 1}
    blank |= {"type": kind, "origin": "api"}
    numbered: Any = table("numbered", column("n", BigInteger), column("id"), column("organization"), column("relies"))
    here, there = numbered.alias("here"), numbered.alias("there")
    with bare(settings, Relation) as engine, engine.begin() as connection:
        connection.execute(text(
            "CREATE TEMPORARY TABLE numbered AS SELECT row_number() OVER (ORDER BY id) - 1 AS n, id, organization,"
            " id IN (SELECT source FROM ci_relation) AS relies FROM ci"
        ))  # fmt: skip
        connection.execute(text("CREATE UNIQUE INDEX numbered_n ON numbered (n)"))
        connection.execute(text("ANALYZE numbered"))
        count = connection.scalar(select(func.count()).select_from(numbered)) or 1
        for k in range(each):
            number = func.substr(cast(here.c.n * each + k + 10**15, String), 2)
            values = {name: literal(value, columns[name].type) for name, value in blank.items()} | {
                "id": literal("0123456789").concat(number), "organization": here.c.organization,
                "source": here.c.id, "target": there.c.id,
            }  # fmt: skip
            source = select(*[value.label(name) for name, value in values.items()]).where(
                there.c.n == (here.c.n * STRIDE + k * SPREAD) % count, there.c.id != here.c.id, ~here.c.relies
            )
            connection.execute(Relation.__table__.insert().from_select(list(values), source))


@contextmanager
def bare(settings: Settings, *models: Any) -> Iterator[Engine]:
    """The tables without their indexes, which are made again at the end: many rows go in sooner."""
    engine = create_engine(settings.sync_database_url)
    indexes = [index for model in models for index in model.__table__.indexes]
    try:
        with engine.begin() as connection:
            for index in indexes:
                index.drop(connection)
        yield engine
        for index in indexes:
            with engine.begin() as connection:
                index.create(connection)
    finally:
        engine.dispose()


def links(ids: list[str], each: int, wanted: int) -> Iterator[list[tuple[str, str]]]:
    """The first items and some others that each of them depends on."""
    dice = random.Random(1)
    batch: list[tuple[str, str]] = []
    for source in ids[: wanted // each]:
        others = {dice.choice(ids) for _ in range(each)} - {source}
        batch += [(source, target) for target in sorted(others)]
        if len(batch) >= BATCH:
            yield batch
            batch = []
    yield batch


def listing(number: int, filters: dict[str, Any] | None = None) -> Call:
    """A page of 50, another one each time; the length varies so that no answer is a repetition."""
    wanted: dict[str, Any] = {"items_per_page": 50, "page": 1 + number % 200}
    if filters:
        wanted["filters"] = json.dumps(filters)
    return Call("GET", f"{ITEMS}?{urlencode(wanted)}")


def filtered(number: int, kinds: list[str]) -> Call:
    """A filtered page: by category, by status, by both, in turn."""
    choices: list[dict[str, Any]] = [
        {"category": kinds[number % len(kinds)]},
        {"status": ("In Use", "In Stock", "Retired")[number % 3]},
        {"category": kinds[number % len(kinds)], "criticality": number % 4 + 1},
    ]
    return listing(number // 3, choices[number % 3])


def ours(report: Report, side: str, server: Postgres | None, plan: Plan) -> None:
    """Mainstay's figures on one database."""
    with mainstay(server) as running:
        items_rate, links_rate = asyncio.run(fill(running.settings, plan))
        report.note(side, "load_items", items_rate)
        report.note(side, "load_relations", links_rate)
        running.start()
        settled(running, 0)  # what follows the loading has caught up
        measure(report, side, running, plan)


def measure(report: Report, side: str, running: Mainstay, plan: Plan) -> None:
    def call(method: str, path: str, body: Any = None) -> tuple[Any, float]:
        answer, took = once(running.base, running.headers, Call(method, path, body))
        return answer.json(), took

    found, _took = call("GET", "/ux/common/cmdb/category/?items_per_page=500")
    kinds = [row["category_id"] for row in found["results"] if row["name"] in CATEGORIES]
    rate, slow = rounds(plan.rounds, partial(load, running.base, running.headers, listing, seconds=plan.seconds))
    report.note(side, "list", rate)
    report.note(side, "list_p95", slow * 1000)
    narrowed = partial(filtered, kinds=kinds)
    busy = cpu(running)
    rate, slow = rounds(plan.rounds, partial(load, running.base, running.headers, narrowed, seconds=plan.seconds))
    report.note(side, "filtered_p95", slow * 1000)
    # A round before the others warms up.
    report.note(side, "filtered_cpu", (cpu(running) - busy) * 1000 / (rate * plan.seconds * (plan.rounds + 1)))
    for name, make in (("list_one", listing), ("filtered_one", narrowed)):
        alone = partial(load, running.base, running.headers, make, connections=1, seconds=plan.seconds)
        report.note(side, name, rounds(plan.rounds, alone)[1] * 1000)
    starts = [
        row["ci_id"]
        for page in range(1, 1 + plan.walks // 50 + 1)
        for row in call("GET", f"{ITEMS}?items_per_page=50&page={page * 7}")[0]["results"]
    ]
    busy = cpu(running)
    walks = [call("GET", f"{RELATIONS}impact/?{urlencode({'ci_id': ci, 'depth': 5})}") for ci in starts[: plan.walks]]
    report.note(side, "impact_cpu", (cpu(running) - busy) * 1000 / len(walks))
    times = sorted(took * 1000 for _graph, took in walks)
    report.note(side, "impact", median(times))
    report.note(side, "impact_p95", times[int(len(times) * 0.95)])
    report.note(side, "impact_nodes", median(len(graph["nodes"]) for graph, _took in walks))
    failing = [call("POST", f"{RELATIONS}what-if/", {"ci_ids": [ci], "depth": 5})[1] * 1000 for ci in starts[:5]]
    report.note(side, "what_if", median(failing))
    busy = cpu(running)
    times = [call("POST", ITEMS, [item(plan.items + 10_000 * turn + n) for n in range(1000)])[1] for turn in range(7)]
    report.note(side, "bulk", 1000 / median(times))
    report.note(side, "bulk_cpu", settled(running, busy) * 1e6 / (1000 * len(times)))
    busy = cpu(running)
    report.note(side, "import", imported(running, plan))
    report.note(side, "import_cpu", settled(running, busy) * 1e6 / plan.imported)


def cpu(running: Mainstay) -> float:
    assert running.process is not None
    return running.process.cpu()


def settled(running: Mainstay, before: float) -> float:
    """CPU that the server took since, once what follows the changes has caught up."""
    while True:
        now = cpu(running)
        time.sleep(2)
        if cpu(running) - now < 0.3:
            return now - before


def imported(running: Mainstay, plan: Plan) -> float:
    """Rows per second of a file that becomes a job, from the upload to its end."""
    import urllib.request

    first = plan.items + 1_000_000
    last = first + plan.imported - 1
    names = list(item(0))
    lines = [",".join(names), *(",".join(str(item(first + n)[name]) for name in names) for n in range(plan.imported))]
    headers = {**running.headers, "Content-Type": "text/csv"}
    began = time.perf_counter()
    request = urllib.request.Request(f"{running.base}{ITEMS}upload-csv/", "\n".join(lines).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        answer.read()
    # The caller's role shows it items, not tasks.
    wanted = Call(
        "GET", f"{ITEMS}?{urlencode({'items_per_page': 1, 'filters': json.dumps({'name': item(last)['name']})})}"
    )
    while time.perf_counter() - began < 600:
        if once(running.base, running.headers, wanted)[0].json()["count"]:
            return plan.imported / (time.perf_counter() - began)
        time.sleep(0.1)
    raise RuntimeError(f"The import of {plan.imported} rows did not end.")


def peer(report: Report, server: Postgres, plan: Plan) -> None:
    """Nautobot's lists and bulk creates."""
    with nautobot(server, rows=plan.peer_rows, processes=1) as running:
        side = f"Nautobot {running.version}"
        make = partial(load, running.base, running.headers, Nautobot.wandering, seconds=plan.seconds)
        rate, slow = rounds(plan.rounds, make)
        report.note(side, "list", rate)
        report.note(side, "list_p95", slow * 1000)
        took = median(once(running.base, running.headers, running.bulk(200))[1] for _ in range(plan.rounds))
        report.note(side, "bulk", 200 / took)


def main() -> None:
    parser = argparse.ArgumentParser(description="The CMDB at size, beside Nautobot.")
    parser.add_argument("--quick", action="store_true", help="a small estate and short rounds")
    parser.add_argument("--no-peer", action="store_true", help="leave Nautobot out")
    parser.add_argument("--items", type=int, help="how many items (default a million)")
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"], help="default: both")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    wanted = parser.parse_args()
    plan = Plan(items=20_000, peer_rows=5000, seconds=1, rounds=1, walks=20, imported=2000) if wanted.quick else Plan()
    plan.items = wanted.items or plan.items
    report = Report(measures=MEASURES)
    with postgres() as server:
        if not wanted.no_peer:
            peer(report, server, plan)
        for name in wanted.database or ["sqlite", "postgresql"]:
            label = {"sqlite": "Mainstay, SQLite", "postgresql": "Mainstay, PostgreSQL"}[name]
            ours(report, label, server if name == "postgresql" else None, plan)
    print(f"\n{plan.items:,} items, {plan.items * plan.relations:,} relations.\n")
    for measure_, label in MEASURES.items():
        cells = [f"{figures[measure_]:,.1f} ({side})" for side, figures in report.sides.items() if measure_ in figures]
        print(f"{label:<52} {TARGETS.get(measure_, ''):>10}   {'   '.join(cells)}")
    if wanted.json:
        wanted.json.write_text(json.dumps({"plan": plan.__dict__, "figures": report.sides}, indent=1) + "\n")


if __name__ == "__main__":
    main()
