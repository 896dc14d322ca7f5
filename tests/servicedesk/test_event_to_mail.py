"""From packets to the e-mails about an incident: a running server, real senders and a real SMTP server."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.kernel.processes import Installation, once
from tests.kernel.test_mail import Inbox, free_port, serving
from tests.monitoring import netsnmp
from tests.servicedesk.triggering import EVENTS, INCIDENTS, TALK, TRIGGERS

pytestmark = pytest.mark.slow

SEARCH = "/ux/logmanagement/log_search/log_search/logs/"
LINK_DOWN, LINK_UP = "1.3.6.1.6.3.1.1.5.3", "1.3.6.1.6.3.1.1.5.4"
COLUMNS = "1.3.6.1.2.1.2.2.1"
"""Of ifTable: 1 is ifIndex, 2 ifDescr, 7 ifAdminStatus, 8 ifOperStatus."""


def until(look: Callable[[], Any], seconds: float = 30) -> Any:
    """What ``look`` finds, as soon as it finds something."""
    end = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.1)
    assert found, "It did not come."
    return found


def trap(port: int, oid: str, status: int) -> None:
    values = [f"{COLUMNS}.1.3", "i", "3", f"{COLUMNS}.7.3", "i", "1", f"{COLUMNS}.8.3", "i", str(status),
              f"{COLUMNS}.2.3", "s", "Gi0/3"]  # fmt: skip
    code, said = asyncio.run(netsnmp.run("snmptrap", "-v2c", "-c", "public", f"127.0.0.1:{port}", "", oid, *values))
    assert code == 0, said


@once
@pytest.mark.skipif(not shutil.which("logger"), reason="logger is not installed")
def test_a_line_is_found_and_a_trap_becomes_an_incident_that_ends_with_it_both_mailed(tmp_path: Path) -> None:
    inbox, smtp, syslog, traps = Inbox(), free_port(), free_port(), netsnmp.free_port()
    with serving(inbox, smtp), Installation(tmp_path / "data") as place:
        place.environment |= {
            "MAINSTAY_SMTP_HOST": "127.0.0.1", "MAINSTAY_SMTP_PORT": str(smtp), "MAINSTAY_SMTP_TLS": "none",
            "MAINSTAY_PUBLIC_URL": "https://desk.example", "MAINSTAY_SYSLOG_PORT": str(syslog),
            "MAINSTAY_TRAP_PORT": str(traps),
        }  # fmt: skip
        place.set_up()
        place.serve()
        (shipped,) = place.get(TRIGGERS)["results"]
        patch = {"status": "active", "notify_emails": ["noc@example.com"]}
        changed = httpx.patch(f"{place.url}{TRIGGERS}{shipped['id']}/", json=patch, headers=place.headers)
        assert changed.is_success, changed.text

        def found(query: str) -> list[dict[str, Any]]:
            lines: list[dict[str, Any]] = place.post(SEARCH, {"query": query}).json()["results"]
            return lines

        command = ["logger", "-n", "127.0.0.1", "-P", str(syslog), "-d", "-t", "backup", "The giraffe is out of tape"]
        subprocess.run(command, check=True, timeout=20)
        (line,) = until(lambda: found("giraffe app:backup"))
        assert (line["source"], line["message"]) == ("127.0.0.1", "The giraffe is out of tape")

        trap(traps, LINK_DOWN, 2)
        until(lambda: inbox.taken)
        (event,) = place.get(EVENTS)["results"]
        assert (event["severity_name"], event["event_class"], event["resource"], event["count"]) == (
            "Major", "Network | Link | Link Down", "Gi0/3", 1,
        )  # fmt: skip
        assert event["meaning"]
        (incident,) = place.get(INCIDENTS)["results"]
        assert event["tickets"] == [
            {"incident_id": incident["incident_id"], "display_id": incident["display_id"], "over": False}
        ]

        trap(traps, LINK_UP, 1)
        until(lambda: len(inbox.taken) == 2)
        (event,) = place.get(EVENTS)["results"]
        assert (event["cleared"], event["tickets"][0]["over"]) == (True, True)
        ended = place.get(f"{INCIDENTS}{incident['incident_id']}/")["incident"]
        notes = place.get(TALK, params={"incident_id": incident["incident_id"]})["results"]
    assert ended["basic_info"]["status"] == "Resolved"
    assert any("cleared" in note["message"] for note in notes), notes
    subject = f"127.0.0.1: {event['message']}"
    assert [str(mail["Subject"]) for mail in inbox.taken] == [f"[INC-1] Opened: {subject}",
                                                              f"[INC-1] Resolved: {subject}"]  # fmt: skip
    assert inbox.recipients == ["noc@example.com"] * 2
    body = inbox.taken[0].get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    assert f"https://desk.example/incident/{incident['incident_id']}" in body
