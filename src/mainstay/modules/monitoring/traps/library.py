"""The trap configurations that come along, and proposals for traps that have none."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from mainstay.kernel import store
from mainstay.kernel.access.bootstrap import on_founding
from mainstay.kernel.context import Context
from mainstay.modules.monitoring.mibs.model import Node
from mainstay.modules.monitoring.mibs.tree import Tree, standard_tree
from mainstay.modules.monitoring.traps.tables import ALARM, EVENT, SEVERITIES, TrapConfiguration

_SEVERITY = {item.name: item.id for item in SEVERITIES}


@cache
def shipped() -> tuple[dict[str, Any], ...]:
    """Values of the configurations that come along."""
    tree = standard_tree()
    made = []
    for item in yaml.safe_load((files(__package__) / "library.yaml").read_text("utf-8")):
        oid, node = tree.find(str(item["trap"]))
        clear = tree.find(item["clear"])[0] if "clear" in item else ()
        made.append({
            "name": item["name"], "trap_id": node.name if node else str(item["trap"]), "trap_oid": _dotted(oid),
            "trap_clear_oid": _dotted(clear), "type": item.get("type", ALARM), "severity": _SEVERITY[item["severity"]],
            "event_class": item["class"], "description": node.description if node else "",
            "resource": item.get("resource", ""), "alarm_msg": item["message"], "clear_msg": item.get("cleared", ""),
            "set_criteria": _criteria(item.get("set", [])), "reset_criteria": _criteria(item.get("reset", [])),
            "shipped": True,
        })  # fmt: skip
    return tuple(made)


def _dotted(oid: tuple[int, ...]) -> str:
    return ".".join(map(str, oid))


def _criteria(items: list[list[str]]) -> dict[str, Any]:
    if not items:
        return {}
    return {
        "condition": "and",
        "varbind": [{"key": key, "condition": condition, "value": value} for key, condition, value in items],
    }


@on_founding("trap_configurations")
async def make_defaults(ctx: Context) -> int:
    """Give a new organization the configurations that come along; how many."""
    return len(await store.add_many(ctx, TrapConfiguration, [dict(item) for item in shipped()]))


# Words in names of notifications that say how a thing is, and what ends it.
_OPPOSITES = (
    ("Down", "Up"), ("down", "up"), ("Disabled", "Enabled"), ("Raised", "Cleared"), ("Raise", "Clear"),
    ("Set", "Clear"),
    ("Added", "Removed"), ("Rising", "Falling"), ("rising", "falling"), ("Failed", "Recovered"),
    ("Failed", "Restored"), ("Failure", "Recovery"), ("Fail", "Ok"), ("Fail", "OK"), ("Failed", "Ok"),
    ("Fault", "Normal"),
    ("Lost", "Restored"),
    ("Lost", "Found"), ("Exceeded", "Cleared"), ("Exceeded", "Normal"), ("High", "Normal"), ("Low", "Normal"),
    ("Abnormal", "Normal"), ("BackwardTransition", "Established"), ("BackwardTransNotification",
    "EstablishedNotification"), ("OnNotification", "OffNotification"), ("Active", "Clear"), ("Alarm", "AlarmClear"),
    ("Alarm", "Normal"), ("Off", "On"), ("Missing", "Present"), ("Removed", "Inserted"), ("Unreachable", "Reachable"),
    ("Disconnected", "Connected"), ("Inactive", "Active"), ("Start", "End"), ("Begin", "End"), ("", "Clear"),
    ("", "Cleared"), ("", "Resolved"), ("Trap", "ClearTrap"), ("Notification", "ClearNotification"),
)  # fmt: skip
_CRITICAL = re.compile(r"critical|fatal|shutdown|meltdown|emergency|onBattery|powerLoss", re.IGNORECASE)
_MAJOR = re.compile(
    r"down|fail|lost|loss|fault|unreachable|disabled|missing|error|abnormal|exceed|overload|violation|major",
    re.IGNORECASE,
)
_MINOR = re.compile(r"warn|minor|high|low|threshold|rising|alarm|degrad|mismatch|conflict", re.IGNORECASE)


def propose(tree: Tree, node: Node) -> dict[str, Any]:
    """A configuration for a notification, as far as its name and description say."""
    known = next((item for item in shipped() if item["trap_oid"] == node.oid), None)
    if known is not None:
        return {name: value for name, value in known.items() if name != "shipped"}
    clear = _opposite(tree, node)
    word = node.name
    severity = 4
    for number, pattern in ((1, _CRITICAL), (2, _MAJOR), (3, _MINOR)):
        if pattern.search(word):
            severity = number
            break
    shown = ", ".join(f"{name} $" + "{" + name + "}" for name in node.objects[:6])
    first = node.description.split(". ")[0].replace("\n", " ").strip(". ")[:300]
    made: dict[str, Any] = {
        "name": node.name, "trap_id": node.name, "trap_oid": node.oid, "description": node.description[:4000],
        "type": ALARM if clear else EVENT, "severity": severity,
        "alarm_msg": f"{first or node.name}{f' ({shown})' if shown else ''}",
    }  # fmt: skip
    if clear is not None:
        made["trap_clear_oid"] = clear.oid
        made["clear_msg"] = f"{clear.name}{f' ({shown})' if shown else ''}"
    index = next((name for name in node.objects if name in ("ifName", "ifDescr", "ifIndex")), "")
    if not index and node.objects:
        # By the first object that tells one part of the device from another.
        index = next((name for name in node.objects if re.search(r"(Index|Name|Descr|Id)$", name)), "")
        made["resource_var_bind"] = index
    return made


def _opposite(tree: Tree, node: Node) -> Node | None:
    """The notification beside this one whose name says the opposite."""
    for bad, good in _OPPOSITES:
        if bad and bad not in node.name:
            continue
        head, _, tail = node.name.rpartition(bad) if bad else (node.name, "", "")
        other = tree.by_name.get(f"{node.module}::{head}{good}{tail}")
        if other is not None and other.kind == "notification" and other.oid != node.oid:
            return other
    return None
