"""From an event to the e-mail about its incident: a running server and a real SMTP server."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from tests.kernel.processes import Installation, once
from tests.kernel.test_mail import Inbox, free_port, serving
from tests.servicedesk.triggering import EVENTS, INCIDENTS, TRIGGERS

pytestmark = pytest.mark.slow


def until_mails(inbox: Inbox, count: int) -> None:
    end = time.monotonic() + 30
    while len(inbox.taken) < count and time.monotonic() < end:
        time.sleep(0.1)


@once
def test_an_event_is_mailed_when_its_incident_opens_and_when_it_is_resolved(tmp_path: Path) -> None:
    inbox, port = Inbox(), free_port()
    with serving(inbox, port), Installation(tmp_path / "data") as place:
        place.environment |= {
            "MAINSTAY_SMTP_HOST": "127.0.0.1", "MAINSTAY_SMTP_PORT": str(port), "MAINSTAY_SMTP_TLS": "none",
            "MAINSTAY_PUBLIC_URL": "https://desk.example",
        }  # fmt: skip
        place.set_up()
        place.serve()
        (shipped,) = place.get(TRIGGERS)["results"]
        patch = {"status": "active", "notify_emails": ["noc@example.com"]}
        changed = httpx.patch(f"{place.url}{TRIGGERS}{shipped['id']}/", json=patch, headers=place.headers)
        assert changed.is_success, changed.text
        raised = time.monotonic()
        event = place.post(EVENTS, {"message": "Link down on ge-0/0/1", "severity": "Major", "host": "sw1"}).json()
        until_mails(inbox, 1)
        assert time.monotonic() - raised < 10
        (incident,) = place.get(INCIDENTS)["results"]
        httpx.patch(f"{place.url}{EVENTS}{event['id']}/", json={"cleared": True}, headers=place.headers)
        until_mails(inbox, 2)
    assert [str(mail["Subject"]) for mail in inbox.taken] == [
        "[INC-1] Opened: sw1: Link down on ge-0/0/1", "[INC-1] Resolved: sw1: Link down on ge-0/0/1",
    ]  # fmt: skip
    assert inbox.recipients == ["noc@example.com"] * 2
    body = inbox.taken[0].get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    assert f"https://desk.example/incident/{incident['incident_id']}" in body
