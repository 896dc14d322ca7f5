"""Imports as background tasks: progress, pause and cancel, kill -9 in the middle, hostile files."""

from __future__ import annotations

import asyncio
import csv
import io
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from mainstay.kernel import importing, importjob
from mainstay.kernel.transfer import open_table
from tests.conftest import DATABASE
from tests.kernel.processes import Installation
from tests.support import World

PATH = "/ux/common/department/department/"
TASKS = "/ux/common/async_tasks/"


def table(rows: int, *, bad: frozenset[int] = frozenset()) -> bytes:
    """A file of departments; the rows of these numbers (from 0) have no name."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["Name", "Description"])
    writer.writerows(["" if n in bad else f"Department {n}", f"About {n}"] for n in range(rows))
    return text.getvalue().encode()


async def upload(world: World, verb: str, content: bytes, **options: Any) -> Any:
    files = {"file": ("departments.csv", content, "text/csv")}
    return await world.call("POST", f"{PATH}{verb}", files=files, **options)


async def finished(world: World, task: str) -> dict[str, Any]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found: dict[str, Any] = await world.get(f"{TASKS}{task}/")
        if found["status"] in ("succeeded", "failed", "cancelled"):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"The task did not end: {found}")


async def test_columns_validate_and_import_with_a_mapping(world: World) -> None:
    content = b"Dept;About it\r\nSales;Sells\r\n;Nameless\r\n'=SUM(A1);Formula\r\n"
    seen = await upload(world, "csv_columns/", content)
    assert (seen["headers"], seen["rows"]) == (["Dept", "About it"], 3)
    mapping = {"Dept": "dept_name", "About it": "description"}
    checked = await world.post(f"{PATH}validate_csv/", {"file": seen["file"], "mapping": mapping})
    assert (checked["valid"], checked["invalid"]) == (2, 1)
    assert checked["errors"][0]["row"] == 3
    done = await world.post(f"{PATH}upload_csv/", {"file": seen["file"], "mapping": mapping})
    assert (done["created"], done["failed"]) == (2, 1)
    names = {row["dept_name"] for row in (await world.get(PATH))["results"]}
    assert names == {"Sales", "=SUM(A1)"}
    out = await world.get(f"{PATH}export/")
    assert '"\'=SUM(A1)"' in out
    again = await world.post(f"{PATH}upload_csv/", {"file": seen["file"], "mapping": mapping})
    assert (again["created"], again["updated"]) == (0, 2)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_an_export_comes_back_in_elsewhere(world: World, stranger: World, form: str) -> None:
    given = {"=1+1": "Formula, with a comma", "Zürich": 'Umlaut and "quotes"', "-5": "Minus", "Plain": ""}
    await world.post(PATH, [{"dept_name": name, "description": text} for name, text in given.items()])
    file = await world.send("GET", f"{PATH}export/", params={"format": form})
    done = await stranger.call("POST", f"{PATH}upload_csv/", files={"file": (f"x.{form}", file.content)})
    assert (done["created"], done["failed"]) == (4, 0)
    came = {row["dept_name"]: row["description"] for row in (await stranger.get(PATH))["results"]}
    assert came == given


@pytest.mark.proves(f"GET {TASKS}", f"GET {TASKS}{{id}}/")
async def test_a_long_import_is_a_task_with_its_errors(world: World) -> None:
    answer = await upload(world, "upload_csv/", table(1500, bad=frozenset({7, 1200})), expect=202)
    done = await finished(world, answer["task"])
    assert (done["status"], done["total"], done["created"], done["failed"]) == ("succeeded", 1500, 1498, 2)
    assert [item["row"] for item in done["errors"]] == [9, 1202]
    file = await world.get(done["errors_file"])
    assert "Please provide name." in file
    assert (await world.get(PATH))["count"] == 1498
    assert answer["task"] in [row["id"] for row in (await world.get(TASKS))["results"]]


@pytest.mark.proves(f"GET {TASKS}disable_task/", f"GET {TASKS}enable_task/")
async def test_a_task_opens_its_file_once_for_all_batches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []

    def noted(path: Path) -> Any:
        opened.append(path)
        return open_table(path)

    monkeypatch.setattr(importjob, "open_table", noted)
    monkeypatch.setattr(importing, "BATCH", 70)
    started = await upload(world, "upload_csv/", table(300, bad=frozenset({200})), expect=202)
    done = await finished(world, started["task"])
    assert (done["created"], done["failed"], done["done"]) == (299, 1, 300)
    assert len(opened) == 1


async def test_a_task_is_paused_and_goes_on_where_it_was(world: World) -> None:
    answer = await upload(world, "upload_csv/", table(4000), expect=202)
    paused = await world.get(f"{TASKS}disable_task/", params={"id": answer["task"]})
    assert paused["status"] == "paused"
    await asyncio.sleep(1)
    held = await world.get(f"{TASKS}{answer['task']}/")
    assert held["status"] == "paused"
    assert held["done"] < 4000
    resumed = await world.get(f"{TASKS}enable_task/", params={"id": answer["task"]})
    assert resumed["status"] in ("running", "queued")
    assert (await finished(world, answer["task"]))["created"] == 4000
    assert (await world.get(PATH))["count"] == 4000


async def test_a_cancelled_task_stops_and_keeps_what_it_stored(world: World) -> None:
    answer = await upload(world, "upload_csv/", table(8000), expect=202)
    stopped = await world.post(f"{TASKS}{answer['task']}/cancel/")
    assert stopped["status"] == "cancelled"
    await asyncio.sleep(1.5)
    kept = await world.get(f"{TASKS}{answer['task']}/")
    assert kept["status"] == "cancelled"
    assert (await world.get(PATH))["count"] == kept["created"] < 8000


@pytest.mark.proves(f"POST {TASKS}", f"PUT {TASKS}{{id}}/", f"DELETE {TASKS}{{id}}/")
async def test_a_recurring_task_runs_at_its_time(world: World) -> None:
    from datetime import timedelta

    from sqlalchemy import update

    from mainstay.kernel.tasks import AsyncTask
    from mainstay.modules.organization.async_tasks.service import run_one
    from mainstay.modules.servicedesk.incident.tables import Incident

    incident = (await world.post("/ux/sd/inci/incident/", {"summary": "Old"}))["id"]
    await world.post("/ux/sd/inci/incident/inci_resolve/", {"incident_id": incident, "closure_note": "Done"})
    given = {"task_name": "Close", "task_path": "incident.auto_close", "task_trigger_data": "0 3 * * *"}
    made = await world.post(TASKS, given, expect=201)
    assert made["data"]["next_run"]
    changed = await world.put(f"{TASKS}{made['id']}/", {**made["data"], "task_trigger_data": "*/5 * * * *"})
    assert changed["data"]["task_trigger_data"] == "*/5 * * * *"
    await world.post(TASKS, {**given, "task_path": "os.system"}, expect=400)
    await world.post(TASKS, {**given, "task_trigger_data": "often"}, expect=400)
    async with world.platform.work(world.organization) as ctx:
        past = ctx.now - timedelta(minutes=1)
        await ctx.session.execute(update(AsyncTask).values(next_run=past))
        await ctx.session.execute(update(Incident).values(auto_close_at=past))
    assert await run_one(world.platform, world.organization, made["id"]) == 1
    read = await world.get(f"/ux/sd/inci/incident/{incident}/")
    assert read["incident"]["state"] == "Closed"
    await world.delete(f"{TASKS}{made['id']}/", expect=204)
    await world.get(f"{TASKS}{made['id']}/", expect=404)


@pytest.mark.parametrize(
    ("content", "status", "word"),
    [
        (b"", 400, "file"),
        (b"\x00\x01\x02\x03binary", 400, "file"),
        (b"Description\nno name column\n", 400, "Name"),
        (b"Colour,Taste\nred,sweet\n", 400, "column"),
        (b"PK\x03\x04 this is no workbook", 400, "file"),
        (b"Name\n" + b"x" * 400_000, 200, ""),
        ("Name,Description\nMünchen,Größe\n".encode("cp1252"), 200, ""),
        ("Name,Description\nZürich,ja\n".encode("utf-16"), 200, ""),
    ],
)
async def test_hostile_and_odd_files(world: World, content: bytes, status: int, word: str) -> None:
    answer = await world.send("POST", f"{PATH}upload_csv/", files={"file": ("x.csv", content, "text/csv")})
    assert answer.status_code == status, answer.text
    if status == 400:
        assert word in answer.json()["error"] or word in str(answer.json()["fields"])
        assert (await world.get(PATH))["count"] == 0


async def test_a_file_beyond_the_limit_is_refused_unread(world: World) -> None:
    size = world.platform.settings.max_body_mb * 2**20 + 1
    answer = await world.send(
        "POST", f"{PATH}upload_csv/", content=b"x", headers={"Content-Type": "text/csv", "Content-Length": str(size)}
    )
    assert answer.status_code == 413
    assert "MiB" in answer.json()["error"]


@pytest.mark.slow
def test_an_import_of_50_000_rows_is_finished_once_after_kill_9(tmp_path: Path, database_url: str) -> None:
    if DATABASE != "sqlite":
        pytest.skip("the database of the session has other work; the crash of PostgreSQL jobs is in tests/kernel/jobs")
    with Installation(tmp_path / "data") as home:
        home.set_up()
        home.serve()
        answer = httpx.post(
            f"{home.url}{PATH}upload_csv/", headers=home.headers, timeout=60,
            files={"file": ("many.csv", table(50_000), "text/csv")},
        )  # fmt: skip
        assert answer.status_code == 202, answer.text
        task = answer.json()["task"]
        for wanted in (4_000, 20_000):
            until = time.monotonic() + 90
            while home.get(f"{TASKS}{task}/")["done"] < wanted:
                assert time.monotonic() < until
                time.sleep(0.05)
            home.kill()
            home.serve()
        until = time.monotonic() + 150
        while (done := home.get(f"{TASKS}{task}/"))["status"] != "succeeded":
            assert time.monotonic() < until, done
            assert done["status"] in ("running", "queued"), done
            time.sleep(0.2)
        assert (done["created"], done["failed"], done["done"]) == (50_000, 0, 50_000)
        assert home.get(PATH)["count"] == 50_000
