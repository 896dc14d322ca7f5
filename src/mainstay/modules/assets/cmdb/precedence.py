"""Whose word counts: the order of sources, per attribute where it matters. Pure, but for the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mainstay.kernel import options
from mainstay.kernel.context import Context
from mainstay.modules.assets.cmdb.tables import SOURCES

ORDER = ("manual", "agent", "discovery", "api", "csv")
DEFAULT = options.option(
    "cmdb.precedence",
    "tags",
    list(ORDER),
    "Order of sources",
    section="CMDB",
    help="Whose value stays when sources disagree, the strongest first: manual, agent, discovery, api, csv.",
)
BY_ATTRIBUTE = options.option(
    "cmdb.precedence_by_attribute",
    "json",
    {},
    "Order of sources per attribute",
    section="CMDB",
    help='Where it differs, such as {"os_version": ["discovery", "agent"]}. Sources not named come last.',
)
NAMES = frozenset(str(one.id) for one in SOURCES)


class Precedence:
    """The order of an organization."""

    def __init__(self, default: Sequence[str], by_attribute: Mapping[str, Sequence[str]]) -> None:
        known = [name for name in default if name in NAMES]
        self._default = [*known, *(name for name in ORDER if name not in known)]
        self._special = {
            name: [*order, *(one for one in self._default if one not in order)]
            for name, order in by_attribute.items()
            if isinstance(order, list)
        }

    def rank(self, attribute: str, source: str) -> int:
        """The smaller, the stronger."""
        order = self._special.get(attribute, self._default)
        return order.index(source) if source in order else len(order)

    def wins(self, attribute: str, claimant: str, holder: str) -> bool:
        """Whether a source may put its value in the place of another's; its own it may always correct."""
        return claimant == holder or self.rank(attribute, claimant) < self.rank(attribute, holder)


async def of(ctx: Context) -> Precedence:
    """The order the organization chose."""
    values: list[Any] = await options.get(ctx, DEFAULT, BY_ATTRIBUTE)
    return Precedence(values[0] or ORDER, values[1] or {})
