"""Lists at the prompt of a network system: what asks for them, and their rows, read by the templates of ntc-templates.

Of those only the text is used, so that a line which a template does not know costs that line and not the list. Pure.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache
from importlib import resources
from io import StringIO
from typing import NamedTuple

LINES, LINE, LONG_LINE, AT_ONCE, SECONDS = 60_000, 300, 1000, 20, 5.0
"""Lines that are read of a list, and characters of each (FortiOS writes long ones); lines between two looks at the
clock, and how long a list may keep the processor: a stranger's line may be one that an expression takes long over."""
_GAP = re.compile(r"[ \t]{40,}")
INTERFACES, ADDRESSES, LLDP, CDP, PARTS = "interfaces", "addresses", "lldp", "cdp", "parts"
NEIGHBOURS = (LLDP, CDP)
Row = dict[str, str | list[str]]
_ERROR = re.compile(r"^[ \t]+\^\S+[ \t]*->[ \t]*Error[^\n]*\n?", re.MULTILINE)


class Listing(NamedTuple):
    """A command, and the template that reads what it says."""

    command: str
    template: str


def _cisco(platform: str, interfaces: str = "show interfaces", parts: str = "show_inventory") -> dict[str, Listing]:
    return {
        INTERFACES: Listing(interfaces, f"{platform}_{interfaces.replace(' ', '_')}"),
        LLDP: Listing("show lldp neighbors detail", f"{platform}_show_lldp_neighbors_detail"),
        CDP: Listing("show cdp neighbors detail", f"{platform}_show_cdp_neighbors_detail"),
        PARTS: Listing("show inventory", f"{platform}_{parts}"),
    }


LISTS: dict[str, dict[str, Listing]] = {
    "ios": _cisco("cisco_ios"),
    "iosxe": _cisco("cisco_ios"),
    "iosxr": _cisco("cisco_xr", parts="admin_show_inventory"),
    "nxos": _cisco("cisco_nxos", "show interface"),
    "asa": {
        INTERFACES: Listing("show interface", "cisco_asa_show_interface"),
        PARTS: Listing("show inventory", "cisco_asa_show_inventory"),
    },
    "eos": {
        INTERFACES: Listing("show interfaces", "arista_eos_show_interfaces"),
        LLDP: Listing("show lldp neighbors detail", "arista_eos_show_lldp_neighbors_detail"),
        PARTS: Listing("show inventory", "arista_eos_show_inventory"),
    },
    "junos": {
        INTERFACES: Listing("show interfaces", "juniper_junos_show_interfaces"),
        LLDP: Listing("show lldp neighbors", "juniper_junos_show_lldp_neighbors"),
        PARTS: Listing("show chassis hardware", "juniper_junos_show_chassis_hardware"),
    },
    "vrp": {
        INTERFACES: Listing("display interface", "huawei_vrp_display_interface"),
        LLDP: Listing("display lldp neighbor", "huawei_vrp_display_lldp_neighbor"),
    },
    "comware": {
        INTERFACES: Listing("display interface", "hp_comware_display_interface"),
        LLDP: Listing(
            "display lldp neighbor-information verbose", "hp_comware_display_lldp_neighbor-information_verbose"
        ),
        PARTS: Listing("display device manuinfo", "hp_comware_display_device_manuinfo"),
    },
    "fortios": {INTERFACES: Listing("get system interface", "fortinet_get_system_interface")},
    "panos": {
        INTERFACES: Listing("show interface all", "paloalto_panos_show_interface_all"),
        LLDP: Listing("show lldp neighbors all", "paloalto_panos_show_lldp_neighbors_all"),
    },
    "routeros": {
        INTERFACES: Listing(
            "/interface print terse without-paging", "mikrotik_routeros_interface_print_terse_without-paging"
        ),
        ADDRESSES: Listing("/ip address print without-paging", "mikrotik_routeros_ip_address_print"),
        LLDP: Listing("/ip neighbor print detail without-paging", "mikrotik_routeros_ip_neighbor_print_detail"),
    },
}
"""By system of ``said``, then by what the list is of."""
_ABSENT = re.compile(
    r"^\W*(?:(?:error: )?(?:invalid (?:input|command)|unknown (?:command|action)|unrecognized command|syntax error)|"
    r"incomplete command|command (?:parse|fail)|ambiguous command|(?:lldp|cdp) is not enabled|bad command name|"
    r"expected end of command|no such command|global lldp is not enabled|lldp is not running)", re.I | re.M,
)  # fmt: skip
_FORBIDDEN = re.compile(r"^\W*(?:error: )?(?:permission|authorization|not (?:enough|authori[sz]ed))\b", re.I | re.M)
HEAD = 400
"""Characters of an answer in which a refusal stands."""


def absent(text: str) -> bool:
    """Whether an answer says that there is no such thing on the device."""
    return _ABSENT.search(text[:HEAD]) is not None


def forbidden(text: str) -> bool:
    """Whether an answer says that this user may not know."""
    return _FORBIDDEN.search(text[:HEAD]) is not None


def rows(template: str, text: str) -> list[Row]:
    """The rows of a list by the names of its columns. Raises ``ValueError`` where it cannot be read."""
    import textfsm  # few installations log in to devices

    most = LONG_LINE if template.startswith("fortinet") else LINE
    given = [_GAP.sub(" " * 40, line[:most]) for line in text.split("\n")[:LINES]]
    machine = textfsm.TextFSM(StringIO(_source(template)))
    names = [name.lower() for name in machine.header]
    end = time.thread_time() + SECONDS
    found: list[list[str | list[str]]] = []
    try:
        for start in range(0, len(given), AT_ONCE):
            if time.thread_time() > end:
                raise ValueError("it takes too long to be read")
            found = machine.ParseText("\n".join(given[start : start + AT_ONCE]), start + AT_ONCE >= len(given))
    except textfsm.TextFSMError as error:
        raise ValueError(f"it cannot be read: {str(error)[:120]}") from None
    return [dict(zip(names, row, strict=True)) for row in found]


@lru_cache(maxsize=64)
def _source(template: str) -> str:
    folder = resources.files("ntc_templates") / "templates"
    return _ERROR.sub("", (folder / f"{template}.textfsm").read_text(encoding="utf-8"))
