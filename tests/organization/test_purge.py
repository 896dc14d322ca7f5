"""What is old goes as the organization says, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from mainstay.kernel import feed
from mainstay.kernel.changes import Change
from mainstay.kernel.feed import FeedPosition
from mainstay.kernel.purge import purgers
from mainstay.kernel.tasks import FINISHED, AsyncTask
from mainstay.modules.monitoring.discovery.tables import Discovery, Finding, Iteration
from mainstay.modules.monitoring.polling import metrics
from mainstay.modules.organization.purge import service
from mainstay.modules.organization.purge.tables import KINDS
from tests.support import World

PATH = "/ux/ims/purge_configuration/"


@pytest.mark.proves(
    f"GET {PATH}", f"POST {PATH}", f"GET {PATH}{{id}}/", f"PUT {PATH}{{id}}/", f"DELETE {PATH}{{id}}/",
    f"GET {PATH}fetch-save-data/", f"GET {PATH}options/",
)  # fmt: skip
async def test_a_configuration_is_kept_as_the_api_spells_it(world: World, stranger: World) -> None:
    await world.get(f"{PATH}fetch-save-data/", expect=404)
    made = await world.post(PATH, {"rawdata": 7, "hoursdata": 400, "upload job": 30, "assets scan history": 60,
                                   "audits": 365, "incident": 0}, expect=201)  # fmt: skip
    one = f"{PATH}{made['id']}/"
    read = await world.get(one)
    assert read["purge_configuration"] == {
        "rawdata": 7, "minutesdata": None, "hoursdata": 400, "events": None, "traps": None, "syslog": None,
        "upload job": 30, "audits": 365, "assets scan history": 60,
    }  # fmt: skip
    assert (read["config_id"], read["is_enabled"]) == (made["id"], True)
    await world.put(one, {**read, "purge_configuration": {"events": 90, "audits": 400}})
    saved = await world.get(f"{PATH}fetch-save-data/")
    assert (saved["id"], saved["events"], saved["audits"]) == (made["id"], 90, 400)
    for wrong, field in (
        ({"incident": 30}, "incident"), ({"daydata": 5}, "daydata"), ({"download jobs": 5}, "download jobs"),
        ({"audits": 3}, "audits"), ({"events": -1}, "events"), ({"traps": "soon"}, "traps"),
        ({"purge_configuration": {"problem": 1}}, "problem"),
    ):  # fmt: skip
        refused = await world.post(PATH, wrong, expect=400)
        assert field in refused["fields"], wrong
    names = {field["name"] for field in (await world.get(f"{PATH}options/"))["fields"]}
    assert set(KINDS) <= names
    assert (await world.get(PATH))["count"] == 1
    await stranger.get(one, expect=404)
    looker = await world.granted({"purge_configuration": ("view",)})
    await world.post(PATH, {"events": 1}, by=looker, expect=403)
    await world.delete(one)
    assert (await world.get(PATH))["count"] == 0


def test_every_kind_has_a_way_to_go() -> None:
    assert set(KINDS) == set(purgers())


async def _age(world: World, model: Any, column: Any, when: datetime, *where: Any) -> None:
    async with world.platform.work(world.organization) as ctx:
        statement = update(model).where(*where).values({column: when})
        await ctx.session.execute(statement.execution_options(synchronize_session=False))


async def _follower(world: World, place: int) -> None:
    async with world.platform.work(world.organization) as ctx:
        await ctx.session.execute(delete(FeedPosition).where(FeedPosition.name == "purge-test"))
        ctx.session.add(FeedPosition(name="purge-test", transaction=place, seq=place))


async def _count(world: World, model: Any, *where: Any) -> int:
    async with world.platform.work(world.organization, write=False) as ctx:
        return await ctx.session.scalar(select(func.count()).select_from(model).where(*where)) or 0


async def test_the_audit_trail_goes_up_to_what_was_handled(
    world: World, stranger: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await world.post("/ux/common/tag/tag/", {"tag": "old", "type": "user"}, expect=201)
    await stranger.post("/ux/common/tag/tag/", {"tag": "theirs", "type": "user"}, expect=201)
    long_ago = datetime.now(UTC) - timedelta(days=100)
    await _age(world, Change, Change.at, long_ago)
    await _age(stranger, Change, Change.at, long_ago)
    theirs = await _count(stranger, Change)
    await world.patch(f"/ux/common/tag/tag/{first['id']}/", {"name": "older"})
    before, kept = await _count(world, Change), await _count(world, Change, Change.at > long_ago)
    await world.post(PATH, {"audits": 365}, expect=201)
    await world.post(PATH, {"audits": 90}, expect=201)
    # Who follows the changes and has not come so far keeps them.
    monkeypatch.setattr(feed, "names", lambda: ["purge-test"])
    await _follower(world, 0)
    assert (await service.purge(world.platform, world.organization))["audits"] == 0
    await _follower(world, 2**40)
    told = await service.purge(world.platform, world.organization)
    assert isinstance(told["audits"], int)
    assert 0 < told["audits"] <= before - kept
    history = (await world.get(f"/ux/common/tag/tag/{first['id']}/history/"))["results"]
    assert [row["action"] for row in history] == ["update"]
    assert await _count(stranger, Change) == theirs
    # Again there is nothing left to go; what it did is told.
    again = await service.purge(world.platform, world.organization)
    assert again["audits"] == 0
    (shown, *_rest) = (await world.get(PATH))["results"]
    assert shown["last_run"] is not None
    assert (await world.get(f"{PATH}{shown['id']}/"))["last_result"] == {"audits": 0}


async def test_measurements_runs_and_imports_go_by_their_age(world: World, stranger: World) -> None:
    now = datetime.now(UTC)
    telemetry = world.platform.telemetry
    assert telemetry is not None
    for organization in (world.organization, stranger.organization):
        # Not older than the installation keeps them.
        for days in (1, 3):
            moment = (now - timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S")
            await telemetry.command(
                f"INSERT INTO {metrics.TABLE} VALUES ({{o:String}}, 'C', 'cpu', '', '{moment}', 5)",
                {"o": organization},
            )
    discovery = await world.post("/ux/ims/discovery/profile/", {"label": "P", "host": "192.0.2.1"}, expect=201)
    async with world.platform.work(world.organization) as ctx:
        for name, days in (("old", 40), ("last", 40), ("new", 1)):
            when = now - timedelta(days=days)
            ctx.session.add(Iteration(organization=ctx.organization, id=f"{name:0<20}", discovery=discovery["id"],
                                      started_at=when, finished_at=when, state="succeeded"))  # fmt: skip
            ctx.session.add(Finding(organization=ctx.organization, iteration=f"{name:0<20}", address="192.0.2.1",
                                    result="added", seen=when))  # fmt: skip
            ctx.session.add(AsyncTask(organization=ctx.organization, id=f"t{name:0<19}", task_name=name,
                                      task_path="import.rows", status=sorted(FINISHED)[0], finished_at=when,
                                      creation_time=when, last_update_time=when))  # fmt: skip
    await _age(world, Discovery, Discovery.job_iteration_id, f"{'last':0<20}", Discovery.id == discovery["id"])  # type: ignore[arg-type]
    await world.post(PATH, {"rawdata": 2, "assets scan history": 30, "upload job": 30}, expect=201)
    assert await service.everywhere(world.platform) >= 1
    (shown,) = (await world.get(PATH))["results"]
    assert shown["last_result"] == {"rawdata": 1, "assets_scan_history": 1, "upload_job": 2}
    assert await _count(world, Iteration) == await _count(world, Finding) == 2
    assert await _count(world, AsyncTask, AsyncTask.task_path == "import.rows") == 1
    left = await telemetry.query(
        f"SELECT organization, count() AS number FROM {metrics.TABLE} "
        "WHERE organization IN ({a:String}, {b:String}) GROUP BY organization",
        {"a": world.organization, "b": stranger.organization},
    )
    assert {row["organization"]: row["number"] for row in left} == {world.organization: 1, stranger.organization: 2}
    await world.patch(f"{PATH}{shown['id']}/", {"is_enabled": False})
    await service.everywhere(world.platform)
    assert (await world.get(f"{PATH}{shown['id']}/"))["last_run"] == shown["last_run"]
