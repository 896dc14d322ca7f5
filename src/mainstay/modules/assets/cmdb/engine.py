"""The life cycle of an item: its states and the legal moves between them. Pure."""

from __future__ import annotations

from mainstay.kernel.fields import Choice

(
    REQUESTED,
    ORDERED,
    RECEIVED,
    IN_STOCK,
    INSTALLING,
    ALLOCATED,
    IN_USE,
    MAINTENANCE,
    RETURNED,
    RETIRED,
    DISPOSED,
    TO_VENDOR,
    MISSING,
) = range(1, 14)

STATES = (
    Choice(REQUESTED, "Requested", "#6b7280"),
    Choice(ORDERED, "Ordered", "#6b7280"),
    Choice(RECEIVED, "Received", "#0891b2"),
    Choice(IN_STOCK, "In Stock", "#2563eb"),
    Choice(INSTALLING, "In Installation", "#7c3aed"),
    Choice(ALLOCATED, "Allocated", "#0d9488"),
    Choice(IN_USE, "In Use", "#15803d"),
    Choice(MAINTENANCE, "In Maintenance", "#a16207"),
    Choice(RETURNED, "Returned", "#64748b"),
    Choice(RETIRED, "Retired", "#475569"),
    Choice(DISPOSED, "Disposed", "#334155"),
    Choice(TO_VENDOR, "Return to Vendor", "#b45309"),
    Choice(MISSING, "Missing", "#b91c1c"),
)
NAMES: dict[int, str] = {int(state.id): state.name for state in STATES}

MOVES: dict[int, tuple[int, ...]] = {
    REQUESTED: (ORDERED, RECEIVED, IN_STOCK, RETIRED),
    ORDERED: (RECEIVED, TO_VENDOR, RETIRED),
    # The check of what was delivered: it goes into stock, or back.
    RECEIVED: (IN_STOCK, TO_VENDOR),
    IN_STOCK: (INSTALLING, ALLOCATED, IN_USE, MAINTENANCE, TO_VENDOR, RETIRED, MISSING),
    INSTALLING: (ALLOCATED, IN_USE, IN_STOCK, MAINTENANCE, RETIRED),
    ALLOCATED: (IN_USE, RETURNED, IN_STOCK, MAINTENANCE, RETIRED, MISSING),
    IN_USE: (ALLOCATED, RETURNED, IN_STOCK, MAINTENANCE, RETIRED, MISSING),
    MAINTENANCE: (IN_USE, ALLOCATED, IN_STOCK, TO_VENDOR, RETIRED, MISSING),
    RETURNED: (IN_STOCK, ALLOCATED, IN_USE, MAINTENANCE, RETIRED),
    RETIRED: (IN_STOCK, DISPOSED),
    DISPOSED: (),
    TO_VENDOR: (RECEIVED, IN_STOCK, DISPOSED),
    MISSING: (IN_STOCK, IN_USE, RETIRED, DISPOSED),
}
GONE = frozenset({RETIRED, DISPOSED})
"""States of items that are no longer there."""

OPERATIONS: dict[str, tuple[str, int]] = {
    "order": ("Order", ORDERED),
    "receive": ("Receive", RECEIVED),
    "stock": ("Put in stock", IN_STOCK),
    "install": ("Install", INSTALLING),
    "allocate": ("Allocate", ALLOCATED),
    "accept": ("Accept", IN_USE),
    "maintain": ("Send to maintenance", MAINTENANCE),
    "return": ("Take back", RETURNED),
    "reject": ("Return to vendor", TO_VENDOR),
    "report_missing": ("Report missing", MISSING),
    "retire": ("Retire", RETIRED),
    "dispose": ("Dispose of", DISPOSED),
}
"""What people do with an item, and the state it leads to."""


def refusal(old: int | None, new: int | None) -> str:
    """Why a move is not legal; empty where it is."""
    if old is None or new is None or old == new or new in MOVES.get(old, ()):
        return ""
    allowed = ", ".join(NAMES[state] for state in MOVES.get(old, ())) or "none"
    return f"An item that is {NAMES[old]} cannot become {NAMES.get(new, new)}. Allowed: {allowed}."
