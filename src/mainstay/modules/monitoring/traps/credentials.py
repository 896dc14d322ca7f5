"""Trap credentials in the API: the communities and users that traps are accepted from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import secret
from mainstay.kernel.record import new_id
from mainstay.kernel.resource import Resource
from mainstay.kernel.sealing import Sealing
from mainstay.modules.monitoring.credentials.service import check_user
from mainstay.modules.monitoring.traps import addresses
from mainstay.modules.monitoring.traps.loading import purpose
from mainstay.modules.monitoring.traps.tables import COMMUNITY, USER, TrapCredential

SECRETS = (
    secret("community", "Community", kind=(COMMUNITY,)),
    secret("auth_password", "Authentication password", kind=(USER,)),
    secret("privacy_password", "Privacy password", kind=(USER,)),
)


class TrapCredentials(Sealing[TrapCredential]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row, source in zip(rows, given, strict=True):
            row["id"] = row.get("id") or new_id()
            secrets = self.given(source)
            check({"kind": COMMUNITY, **row}, secrets)
            row["sealed"] = self.seal(ctx, row["id"], {}, secrets)

    async def change(
        self, ctx: Context, entity: TrapCredential, values: dict[str, Any], given: Mapping[str, Any]
    ) -> None:
        secrets = self.given(given)
        names = ("kind", "username", "auth_protocol", "privacy_protocol", "networks")
        after = {**{name: getattr(entity, name) for name in names}, **values}
        check(after, {**dict.fromkeys(entity.sealed, "********"), **secrets})
        if secrets:
            entity.sealed = self.seal(ctx, entity.id, entity.sealed, secrets)


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
    addresses.networks(given, "networks")


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
    secrets=SECRETS,
    behaviour=TrapCredentials(TrapCredential, SECRETS, purpose),
    natural_key="name",
    sample={"name": "Branch routers", "kind": "community", "community": "s3cret", "networks": "10.0.0.0/8"},
)
