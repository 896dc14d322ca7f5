"""What an organization chooses about its events."""

from __future__ import annotations

from mainstay.kernel.options import option

SECTION = "Events"
REOPEN = option(
    "events.reopen_minutes", "integer", 30, "Minutes after its end in which a returning problem reopens its event",
    section=SECTION, minimum=0, maximum=10_080, help="0: a problem that comes back is always a new event.",
)  # fmt: skip
FLAP_TURNS = option(
    "events.flap_turns", "integer", 6, "Turns after which an event is flapping", section=SECTION, minimum=0, maximum=12,
    help="Raised and cleared so often within the window below, it stays open until it is calm. 0: never.",
)  # fmt: skip
FLAP_MINUTES = option(
    "events.flap_minutes", "integer", 10, "Minutes in which those turns happen, and of calm that end the flapping",
    section=SECTION, minimum=1, maximum=1440,
)  # fmt: skip
STORM = option(
    "events.storm", "integer", 100, "New events of one class on one device within a minute that make a storm",
    section=SECTION, minimum=0, maximum=100_000, help="Further ones are counted in one row. 0: never.",
)  # fmt: skip
AUTO_CLEAR = option(
    "events.auto_clear_hours", "integer", 24, "Hours after which an informational event that nothing ends is cleared",
    section=SECTION, minimum=0, maximum=8760, help="0: never.",
)  # fmt: skip
UNKNOWN_LEVEL = option(
    "events.unclassified_level", "integer", -1, "Syslog level up to which a line that no rule knows becomes an event",
    section=SECTION, minimum=-1, maximum=7, help="0 emergency, 1 alert, 2 critical, 3 error ... -1: never.",
)  # fmt: skip
