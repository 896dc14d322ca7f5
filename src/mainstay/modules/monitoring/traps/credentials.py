"""Trap credentials in the API: the communities and users that traps are accepted from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import secret
from mainstay.kernel.record import new_id
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.monitoring.credentials.service import check_user
from mainstay.modules.monitoring.traps import rules
from mainstay.modules.monitoring.traps.loading import purpose
from mainstay.modules.monitoring.traps.tables import COMMUNITY, USER, TrapCredential

SECRETS = ("community", "auth_password", "privacy_password")


class TrapCredentials(Behaviour[TrapCredential]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row, source in zip(rows, given, strict=True):
            row["id"] = row.get("id") or new_id()
            secrets = _secrets(source)
            check({"kind": COMMUNITY, **row}, secrets)
            row["sealed"] = _seal(ctx, row["id"], {}, secrets)

    async def change(
        self, ctx: Context, entity: TrapCredential, values: dict[str, Any], given: Mapping[str, Any]
    ) -> None:
        secrets = _secrets(given)
        names = ("kind", "username", "auth_protocol", "privacy_protocol", "networks")
        after = {**{name: getattr(entity, name) for name in names}, **values}
        check(after, {**dict.fromkeys(entity.sealed, "********"), **secrets})
        if secrets:
            entity.sealed = _seal(ctx, entity.id, entity.sealed, secrets)

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        if rows:
            ids = [row["id"] for row in rows]
            query = select(TrapCredential.id, TrapCredential.sealed).where(TrapCredential.id.in_(ids))
            kept = {row.id: sorted(row.sealed) for row in (await ctx.session.execute(query)).all()}
            for row in rows:
                row["secrets_set"] = kept.get(row["id"], [])


def _secrets(given: Mapping[str, Any]) -> dict[str, str]:
    """The secrets in the input. Left out or masked: as it was."""
    found = {}
    for name in SECRETS:
        value = given.get(name)
        if value is None or (isinstance(value, str) and value and not value.strip("*")):
            continue
        if not isinstance(value, str) or len(value) > 255:
            raise Invalid.field(name, "A secret is text of at most 255 characters.")
        found[name] = value
    return found


def check(values: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
    """Raises ``Invalid`` where a credential cannot work."""
    wrong: dict[str, list[str]] = {}
    if values["kind"] == USER:
        wrong = check_user(values, secrets)
    elif not secrets.get("community"):
        wrong["community"] = ["Please provide the community."]
    if wrong:
        raise Invalid(fields=wrong)
    given = [item for item in (part.strip() for part in str(values.get("networks") or "").split(",")) if item]
    rules.networks(given, "networks")


def _seal(ctx: Context, record_id: str, before: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, str]:
    made = dict(before)
    for name, value in secrets.items():
        made.pop(name, None)
        if value:
            made[name] = ctx.platform.vault.seal(value, purpose(record_id, name))
    return made


trap_credentials = Resource(
    TrapCredential,
    module="Trap Configurations",
    path="/api/trap-credentials/",
    label="Trap credential",
    title="name",
    area="monitoring",
    section="IT Operations",
    verbs={"template": None, "columns": None, "validate": None, "import": None, "export": None},
    privileges=("view", "add", "edit", "delete"),
    extra={"secrets_set": list[str]},
    secrets=(
        secret("community", "Community", kind=(COMMUNITY,)),
        secret("auth_password", "Authentication password", kind=(USER,)),
        secret("privacy_password", "Privacy password", kind=(USER,)),
    ),
    behaviour=TrapCredentials(),
    natural_key="name",
    sample={"name": "Branch routers", "kind": "community", "community": "s3cret", "networks": "10.0.0.0/8"},
)
