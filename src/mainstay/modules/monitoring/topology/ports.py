"""Which port is meant, however it is spelled: Gi0/1, GigabitEthernet0/1, an alias, an ifIndex, an address. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_KINDS = {
    "fa": ("fa", "fe", "fas", "fasteth", "fastethernet"),
    "ge": ("gi", "ge", "gig", "gige", "giga", "gigabit", "gigaethernet", "gigabitethernet"),
    "tw": ("tw", "twogigabitethernet"),
    "fi": ("fi", "fivegigabitethernet"),
    "te": ("te", "ten", "xe", "xge", "10ge", "tengig", "tengige", "tengigabitethernet", "xgigabitethernet",
           "10gigabitethernet", "ten-gigabitethernet"),
    "twe": ("twe", "25ge", "twentyfivegige", "twentyfivegigabitethernet"),
    "fo": ("fo", "fge", "40ge", "fortygige", "fortygigabitethernet", "fortygigabitethernet"),
    "hu": ("hu", "100ge", "hge", "hundredgige", "hundredgigabitethernet"),
    "eth": ("et", "eth", "ethernet"),
    "po": ("po", "pc", "portchannel", "port-channel"),
    "be": ("be", "bundle-ether", "bundleether"),
    "bagg": ("bagg", "bridge-aggregation", "bridgeaggregation"),
    "vlan": ("vl", "vlan", "vlanif", "vlan-interface"),
    "lo": ("lo", "loopback"),
    "ma": ("ma", "mgmt", "management", "mgmteth"),
    "se": ("se", "serial"),
}  # fmt: skip
_SPELLED = {word: kind for kind, words in _KINDS.items() for word in words}
_SHAPE = re.compile(r"^((?:10|25|40|100)?[a-z][a-z _-]*?)[ _-]*(\d.*)$")
_MAC = re.compile(r"^(?:[0-9a-f]{2}[:-]?){5}[0-9a-f]{2}$|^(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}$")


def mac_of(word: str) -> str:
    """An address of IEEE 802 as ``00:1b:54:00:00:0a``, however it is punctuated; else empty."""
    low = word.strip().lower()
    if not _MAC.match(low):
        return ""
    digits = re.sub(r"[^0-9a-f]", "", low)
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2)) if digits.strip("0") else ""


def normal(word: str) -> str:
    """A name in which long and short spellings of one kind of port are the same."""
    low = " ".join(word.lower().split())
    found = _SHAPE.match(low)
    if not found:
        return low.replace(" ", "")
    kind = found[1].replace(" ", "").strip("-_")
    return _SPELLED.get(kind, kind) + found[2].replace(" ", "")


class Port(NamedTuple):
    """An interface of a device."""

    name: str
    if_index: int = 0
    description: str = ""
    alias: str = ""
    mac: str = ""
    kind: str = ""
    """``lag`` is an aggregate (IEEE 802.1AX)."""
    physical: bool = True
    speed: int = 0
    """Bits a second."""


class Ports:
    """A device's ports by everything they are called. A word that means several ports means none."""

    def __init__(self, ports: Iterable[Port]) -> None:
        self.listed = list(ports)
        self.by_index = {port.if_index: port for port in self.listed if port.if_index}
        self._named: list[dict[str, Port | None]] = [{}, {}, {}, {}, {}]
        for port in self.listed:
            tail = re.search(r"(?:^|[^\d/:.])(\d[\d/:.]*)$", port.name.lower())
            words = (
                (0, port.name.lower()), (0, port.description.lower()), (1, normal(port.name)),
                (1, normal(port.description)), (2, port.alias.lower()), (3, port.mac),
                (4, tail[1] if tail and port.physical else ""),
            )  # fmt: skip
            for level, word in dict.fromkeys(words):
                if word:
                    self._note(level, word, port)

    def _note(self, level: int, word: str, port: Port) -> None:
        named = self._named[level]
        there = named.get(word, port)
        if there is None or there is port:
            named[word] = there
        elif there.physical != port.physical:
            # A VLAN's interface or an aggregate often carries the address or alias of the port below it.
            named[word] = there if there.physical else port
        else:
            named[word] = None

    def find(self, words: Iterable[str]) -> Port | None:
        """The port that the first of these spellings means that means one."""
        given = [word.strip().lower() for word in words if word.strip()]
        for level in (0, 1, 3, 2):
            for word in given:
                spelled = normal(word) if level == 1 else mac_of(word) if level == 3 else word
                found = self._named[level].get(spelled)
                if found is None and level == 1:
                    # Junos tells the unit: ge-0/0/0.0 is ge-0/0/0.
                    found = self._named[1].get(spelled.removesuffix(".0"))
                if found is not None:
                    return found
        for word in given:
            if word.isdigit() and int(word) in self.by_index:
                return self.by_index[int(word)]
            tail = self._named[4].get(word)
            if tail is not None:
                return tail
        return None


__all__ = ["Port", "Ports", "mac_of", "normal"]
