"""What an SSH identification string says about a device. Pure.

It names the software of the server, which a few makers wrote themselves and some systems mark; what it does not say is
left empty.
"""

from __future__ import annotations

from typing import NamedTuple

from mainstay.modules.monitoring.templates.engine import Identity
from mainstay.modules.monitoring.templates.text import pattern


class Rule(NamedTuple):
    """What a server whose software begins so is. The first group, if there is one, is the version."""

    expression: str
    vendor: str
    os: str
    type: str = ""


RULES = (
    Rule(r"^CISCO_WLC", "Cisco", "AireOS", "Wireless controller"),
    Rule(r"^Cisco-", "Cisco", "IOS"),
    Rule(r"^ROSSSH", "MikroTik", "RouterOS", "Router"),
    Rule(r"^(?:HUAWEI|VRP)-", "Huawei", "VRP"),
    Rule(r"^Comware-(\d[\w.]*)", "H3C", "Comware"),
    Rule(r"^NetScreen", "Juniper", "ScreenOS", "Firewall"),
    Rule(r"^FortiSSH", "Fortinet", "FortiOS", "Firewall"),
    Rule(r"^mpSSH_", "HPE", "iLO", "Server"),
    Rule(r"^ZTE_SSH", "ZTE", ""),
    Rule(r"^RGOS_", "Ruijie", "RGOS"),
    Rule(r"^Zyxel", "Zyxel", ""),
    Rule(r"^lancom", "LANCOM", "LCOS"),
    Rule(r"^Data ONTAP", "NetApp", "ONTAP", "Storage"),
    Rule(r"^Sun_SSH", "Oracle", "Solaris", "Server"),
    Rule(r"^OpenSSH_for_Windows", "Microsoft", "Windows", "Server"),
    Rule(r"WinSSHD|WeOnlyDo", "Microsoft", "Windows", "Server"),
    Rule(r"^OpenSSH_\S+ Ubuntu-", "Linux", "Ubuntu", "Server"),
    # Debian's own packages say for which release they were built.
    Rule(r"^OpenSSH_\S+ Debian-\S*deb(\d+)", "Linux", "Debian", "Server"),
    Rule(r"^OpenSSH_\S+ Debian", "Linux", "Debian", "Server"),
    Rule(r"^OpenSSH_\S+ Raspbian", "Linux", "Raspbian", "Server"),
    Rule(r"^OpenSSH_\S+ FreeBSD", "FreeBSD", "FreeBSD", "Server"),
    Rule(r"^OpenSSH_\S+ NetBSD", "NetBSD", "NetBSD", "Server"),
    Rule(r"^dropbear", "Linux", "Linux"),
)


def software(banner: str) -> str:
    """The software and the comment of an identification string: ``SSH-2.0-`` is left out."""
    if not banner.startswith("SSH-"):
        return ""
    return banner[4:].partition("-")[2].strip()


def identify(banner: str) -> Identity:
    """What the device is, as far as its server's name says; empty where it says nothing."""
    said = software(banner)
    for rule in RULES:
        found = pattern(rule.expression).search(said)
        if found is not None:
            version = (found.group(1) or "") if found.groups() else ""
            return Identity(vendor=rule.vendor, os=rule.os, version=version, type=rule.type)
    return Identity()
