"""The console beep: a sound and a line on the open consoles of one person."""

from __future__ import annotations

from typing import Any

from mainstay.kernel import live
from mainstay.kernel.platform import Platform
from mainstay.modules.integrations.messenger import sounds
from mainstay.modules.integrations.messenger.delivery import Outcome
from mainstay.modules.integrations.messenger.outbox import Run
from mainstay.modules.integrations.messenger.tables import Notification

SOUNDS_PATH = "/api/notification-sounds/"


def file_of(sound: str) -> str:
    return f"{SOUNDS_PATH}{sound}.wav"


async def push(platform: Platform, run: Run, message: Notification) -> Outcome:
    """Tell the person's consoles, in whichever process they are connected to."""
    if not message.profile:
        return Outcome(False, error="A beep needs a user.")
    sound = str(message.data.get("sound") or (run.channel.sound if run.channel else "chime"))
    sound = sound if sound in sounds.NOTES else "chime"
    data: dict[str, Any] = {
        "id": message.id, "title": message.subject, "text": message.body[:500], "sound": sound, "url": file_of(sound),
        "about": message.ref_type, "ref_id": message.ref_id, "link": message.data.get("link", ""),
        "trigger": message.trigger,
    }  # fmt: skip
    async with platform.work(run.organization) as ctx:
        await live.tell(ctx, message.profile, "beep", data)
    return Outcome(True)
