"""The Trap Configurations module of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.query import CONDITIONS
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.monitoring.mibs.explore import dotted
from mainstay.modules.monitoring.mibs.service import tree_of
from mainstay.modules.monitoring.mibs.tree import Tree
from mainstay.modules.monitoring.snmp.ber import Malformed
from mainstay.modules.monitoring.traps import rules, settings  # noqa: F401 - declares the options
from mainstay.modules.monitoring.traps.tables import ALL, TrapConfiguration

# Keys of the stored root cause under the names that the documented record has for them.
RCA = {
    "rca_raise_msg": "raise_msg", "rca_raise_varbind": "raise_varbind", "rca_varmap_status": "varmap_status",
    "rca_raise_varbind_msgmap": "raise_varbind_msgmap", "rca_varbindconv": "varbindconv",
    "rca_conversion": "conversion", "rca_clear_msg": "clear_msg", "rca_clear_varmap_status": "clear_varmap_status",
    "rca_clear_varbindconv": "clear_varbindconv", "rca_clear_conversion": "clear_conversion",
    "rca_clear_varbind": "clear_varbind", "rca_clear_varbind_msgmap": "clear_varbind_msgmap",
}  # fmt: skip


class TrapConfigurations(Behaviour[TrapConfiguration]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        out = dict(data)
        for name in ("set_criteria", "reset_criteria", "applicable_filter", "applies_to"):
            if isinstance(out.get(name), list):
                key = "addresses" if name == "applies_to" else "varbind"
                out[name] = {key: [item for item in out[name] if item is not None]}
        word = out.get("applicable")
        if isinstance(word, str) and word.strip().lower() in ("", "any", "all devices"):
            out["applicable"] = ALL
        if isinstance(out.get("type"), str) and out["type"].strip().lower() in ("", "trap", "snmp", "notification"):
            out.pop("type")
        return out

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        tree = await tree_of(ctx)
        for row in rows:
            blank = {name: spec.default for name, spec in trap_configurations.fields.items()}
            complete(tree, row, {**blank, **row})

    async def change(
        self, ctx: Context, entity: TrapConfiguration, values: dict[str, Any], given: Mapping[str, Any]
    ) -> None:
        before = {name: getattr(entity, name) for name in trap_configurations.fields}
        if "trap_oid" in values and values["trap_oid"] != entity.trap_oid and "trap_id" not in given:
            before["trap_id"] = ""
        complete(await tree_of(ctx), values, {**before, **values})

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            rca = row.get("rca") or {}
            row["isdeleted"] = row.get("is_deleted", False)
            for name, key in RCA.items():
                value = rca.get(key, "")
                row[name] = value if isinstance(value, str) else str(value)

    async def options(self, ctx: Context) -> dict[str, Any]:
        return {"conditions": sorted(set(CONDITIONS.values())), "macros": rules.MACROS}


def complete(tree: Tree, values: dict[str, Any], whole: dict[str, Any]) -> None:
    """Numbers in place of names, the trap's name from its number; refuses what cannot be applied."""
    wrong: dict[str, list[str]] = {}
    if not whole.get("trap_oid") and not whole.get("trap_id"):
        raise Invalid.field("trap_oid", "Please provide the trap: its OID, or its name in a loaded MIB.")
    given = {"trap_oid": whole.get("trap_oid") or whole["trap_id"], "trap_clear_oid": whole.get("trap_clear_oid")}
    for name, text in given.items():
        if not text:
            continue
        try:
            whole[name] = values[name] = dotted(tree.find(str(text))[0])
        except Malformed:
            wrong[name] = [f"{str(text)[:60]!r} is no object identifier."]
        except LookupError:
            wrong[name] = [f"No loaded MIB has a notification {str(text)[:60]!r}. Give its number, or upload the MIB."]
    if wrong:
        raise Invalid(fields=wrong)
    if not whole.get("trap_id"):
        node = tree.by_oid.get(tuple(map(int, whole["trap_oid"].split("."))))
        values["trap_id"] = node.name if node else whole["trap_oid"]
    if whole["trap_oid"] == whole.get("trap_clear_oid"):
        raise Invalid.field("trap_clear_oid", "A trap cannot clear itself. Use the criteria under Clear when for that.")
    rules.make({"id": "new", **whole})


trap_configurations = Resource(
    TrapConfiguration,
    module="Trap Configurations",
    path="/ux/common/trap/configuration/",
    label="Trap configuration",
    title="name",
    area="monitoring",
    section="IT Operations",
    extra={**dict.fromkeys(RCA, str), "isdeleted": bool},
    sort="name",
    reverse=False,
    behaviour=TrapConfigurations(),
    natural_key="name",
    sample={
        "name": "Link down",
        "trap_oid": "1.3.6.1.6.3.1.1.5.3",
        "trap_clear_oid": "1.3.6.1.6.3.1.1.5.4",
        "status": 1,
        "severity": "Major",
        "set_criteria": {"condition": "and", "varbind": [{"key": 2, "condition": "equal", "value": "up"}]},
        "alarm_msg": "Interface $resource of $agent is down",
        "clear_msg": "Interface $resource of $agent is up",
    },
)
