"""The demonstration's incidents: what is reported, who works on it, what solved it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple


class Case(NamedTuple):
    """An incident. ``impact`` and ``urgency`` are the documented codes."""

    summary: str
    team: str
    impact: int
    urgency: int
    tag: str
    text: str
    fix: str


def cases() -> list[Case]:
    """The incidents, oldest first."""
    with (Path(__file__).parent / "incidents.csv").open(encoding="utf-8", newline="") as file:
        return [Case(row[0], row[1], int(row[2]), int(row[3]), *row[4:]) for row in list(csv.reader(file))[1:]]


ANSWERS = (
    "Thank you for the report. I am looking at it and will call you within the hour.",
    "I can see it in the logs. Could you tell me since when it happens?",
    "Thanks. I have taken this over and will keep you posted here.",
    "I tried it with your account and got the same result; on it.",
)
REPLIES = (
    "It started this morning, right after the update.",
    "Colleagues next to me have the same.",
    "Yes, you can connect to my computer any time before four.",
    "Still the same after a restart.",
)
NOTES = (
    "Checked the event log: three errors within ten minutes before the call.",
    "Same symptom as last month; the fix is in the knowledge base.",
    "Waiting for the vendor's answer, case number 48-1172.",
    "Tested with a spare device: the fault is not the user's computer.",
)
WAITS = (
    "Please tell us when we may have the device for an hour.",
    "The part is ordered; the vendor delivers within two days.",
    "Waiting for your approval to restart the server after hours.",
)
THANKS = ("Works again, thank you!", "Perfect, thanks for the quick help.", "Thanks, that did it.")
LOG = "2024-05-14 09:12:01 link down on ge-0/0/12\n2024-05-14 09:12:07 link up on ge-0/0/12\n"
