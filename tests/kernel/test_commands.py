"""The ``mainstay`` program: what it says when something is wrong, how it starts and how it stops."""

from __future__ import annotations

import json
import re
import resource
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from mainstay.cli import sentence
from tests.kernel.processes import Installation, once

pytestmark = [pytest.mark.slow, once]
DEPARTMENTS = "/ux/common/department/department/"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    with Installation(tmp_path / "data") as made:
        yield made


def refused(place: Installation, *arguments: str, **environment: str) -> str:
    """What a command says that ends with exit code 2: one line, no trace."""
    said = place.run(*arguments, expect=2, **environment).strip()
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1, said
    return said


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"MAINSTAY_HTTP_PORT": "many"}, "MAINSTAY_HTTP_PORT must be a whole number"),
        ({"MAINSTAY_COLOUR": "blue"}, "MAINSTAY_COLOUR is not a setting"),
        ({"MAINSTAY_DATABASE_URL": "postgresql://a:hidden@127.0.0.1:9/x"}, "cannot be used: .*refused"),
        ({"MAINSTAY_DATA_DIR": "/proc/nowhere"}, "cannot be written to"),
        ({"MAINSTAY_SECRET_KEY": "short"}, "32 bytes in base64"),
    ],
)
def test_a_wrong_setting_is_one_sentence(place: Installation, environment: dict[str, str], words: str) -> None:
    said = refused(place, "serve", **environment)
    assert re.search(words, said)
    assert "hidden" not in said


def test_a_command_before_the_set_up_says_what_to_run(place: Installation) -> None:
    assert "mainstay init" in refused(place, "user", "list")
    assert not (place.folder / "mainstay.db").exists()


def test_a_fault_of_the_program_is_not_dressed_up() -> None:
    assert sentence(ZeroDivisionError("x")) is None


def test_accounts_and_keys_from_the_command_line(place: Installation) -> None:
    place.set_up()
    said = place.run("user", "add", "bob", "--email", "bob@acme.example", "--role", "requester")
    password = re.findall(r"Password:\s+(\S+)", said)[0]
    assert "already has this" in refused(place, "user", "add", "BOB", "--email", "b@acme.example")
    assert "There is no role 'King'" in refused(
        place, "user", "add", "al", "--email", "al@acme.example", "--role", "King"
    )
    place.serve()
    login = {"username": "bob", "password": password}
    answer = httpx.post(f"{place.url}/api/session", json=login)
    assert answer.status_code == 200, answer.text
    assert answer.json()["password_change_required"] is True
    # Beside the running server: a new password ends the old one, a revoked key works no more.
    place.run("user", "password", "bob")
    assert httpx.post(f"{place.url}/api/session", json=login).status_code == 401
    assert place.get("/api/user")["username"] == "admin"
    place.run("apikey", "revoke", place.key[:10])
    assert httpx.get(f"{place.url}/api/user", headers=place.headers).status_code == 401


def test_port_and_folder_belong_to_one_process(place: Installation, tmp_path: Path) -> None:
    place.set_up()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    place.serve(before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard)))
    assert place.server is not None
    # It takes what it may have.
    limits = Path(f"/proc/{place.server.pid}/limits").read_text()
    assert hard == resource.RLIM_INFINITY or hard > 1024, "this machine has no more files to give"
    given = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    assert re.findall(r"Max open files +(\d+)", limits) == [str(given)]
    assert "is in use by another program" in refused(place, "serve")
    said = refused(place, "serve", "--port", "1" + str(place.port)[1:])
    assert re.search(rf"is in use by `mainstay serve` \(process {place.server.pid}\)", said)


def test_a_stop_ends_streams_and_lets_requests_finish(place: Installation) -> None:
    place.set_up()
    place.serve()
    seen: list[str] = []

    def stream() -> None:
        with httpx.stream("GET", f"{place.url}/api/live", headers=place.headers, timeout=30) as live:
            seen.append("open")
            for _line in live.iter_lines():
                pass
            seen.append("ended")

    follower = threading.Thread(target=stream)
    follower.start()
    body = json.dumps({"dept_name": "Half sent"}).encode()
    with socket.create_connection(("127.0.0.1", place.port), timeout=20) as connection:
        head = (
            f"POST {DEPARTMENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: ApiKey {place.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body[:10])
        while seen != ["open"]:
            time.sleep(0.02)
        time.sleep(0.2)
        assert place.server is not None
        place.server.send_signal(signal.SIGTERM)
        started = time.monotonic()
        time.sleep(0.5)
        connection.sendall(body[10:])
        assert connection.recv(4096).startswith(b"HTTP/1.1 201")
    assert place.server.wait(15) == 0
    assert time.monotonic() - started < 8
    follower.join()
    assert seen == ["open", "ended"]
    place.server = None
    place.serve()
    assert [row["dept_name"] for row in place.all(DEPARTMENTS)] == ["Half sent"]
    assert place.stop() < 5


def test_the_demo_is_there_at_once_and_the_same_the_next_time(place: Installation) -> None:
    for _again in range(2):
        place.log.write_text("")
        place.server = place.start_command("demo")
        until = time.monotonic() + 60
        while "is ready" not in place.log.read_text() and time.monotonic() < until:
            time.sleep(0.1)
        said = place.log.read_text()
        shown = re.findall(r"API key\s+(\S+)", said)
        assert shown, said
        assert place.key in ("", shown[0])
        place.key = shown[0]
        kept = place.folder / "demo-login.txt"
        assert kept.stat().st_mode & 0o777 == 0o600
        login = json.loads(kept.read_text())
        answer = httpx.post(
            f"{place.url}/api/session", json={"username": login["username"], "password": login["password"]}
        )
        assert answer.json()["password_change_required"] is False
        incidents = place.all("/ux/sd/inci/incident/")
        assert len(incidents) == 60
        assert len({row["status"] for row in incidents}) == 7
        assert len({row["creation_time"][:10] for row in incidents}) > 20
        assert place.stop() < 8
    assert "real installation" not in said


def test_the_demo_leaves_a_real_installation_alone(place: Installation) -> None:
    place.set_up()
    assert "real installation (organization acme)" in refused(place, "demo")


def test_a_worker_runs_beside_the_server(place: Installation) -> None:
    place.set_up()
    place.environment["MAINSTAY_WORKER"] = "false"
    place.serve()
    worker = place.start_command("worker")
    until = time.monotonic() + 60
    while "runs background jobs" not in place.log.read_text() and time.monotonic() < until:
        assert worker.poll() is None, place.log.read_text()
        time.sleep(0.05)
    assert place.post(DEPARTMENTS, {"dept_name": "Beside"}).status_code == 201
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0


def test_the_descriptions_of_this_version(place: Installation, tmp_path: Path) -> None:
    assert "MAINSTAY_DATA_DIR" in place.run("settings")
    place.run("openapi", str(tmp_path / "api.json"))
    assert json.loads((tmp_path / "api.json").read_text())["openapi"].startswith("3.")
