"""Accounts on devices in the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import asyncssh
from sqlalchemy import select

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.fields import secret
from mainstay.kernel.record import new_id
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.kernel.secrets import SecretError
from mainstay.modules.monitoring.commands.tables import SECRETS, SshAccess
from mainstay.modules.monitoring.credentials.service import spans

LONGEST = {"password": 255, "private_key": 20_000, "passphrase": 255}


class SshAccesses(Behaviour[SshAccess]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row, source in zip(rows, given, strict=True):
            row["id"] = row.get("id") or new_id()
            secrets = _secrets(source)
            _check(row, secrets, secrets)
            row["sealed"] = _seal(ctx, row["id"], {}, secrets)

    async def change(self, ctx: Context, entity: SshAccess, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        secrets = _secrets(given)
        held = {**dict.fromkeys(entity.sealed, "********"), **secrets}
        after = {"scope": entity.scope, **values}
        # Whoever may edit may not point a stored password elsewhere without knowing it.
        if entity.sealed and not secrets and after["scope"] != entity.scope:
            raise Invalid.field("scope", "Give the password or the key again to change for which addresses it is.")
        if "private_key" in secrets or "passphrase" in secrets:
            both = {name: secrets.get(name) or opened(ctx, entity).get(name, "") for name in SECRETS}
            _check(after, held, both)
        else:
            _check(after, held, {})
        if secrets:
            entity.sealed = _seal(ctx, entity.id, entity.sealed, secrets)

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        if rows:
            query = select(SshAccess.id, SshAccess.sealed).where(SshAccess.id.in_([row["id"] for row in rows]))
            kept = {row.id: sorted(row.sealed) for row in (await ctx.session.execute(query)).all()}
            for row in rows:
                row["secrets_set"] = kept.get(row["id"], [])


def purpose(access: str, name: str) -> str:
    """What a secret is sealed for."""
    return f"ssh/{access}/{name}"


def opened(ctx: Context, row: SshAccess) -> dict[str, str]:
    """An account's secrets. Raises ``Conflict`` when this installation's key does not open them."""
    try:
        return {name: ctx.platform.vault.open(text, purpose(row.id, name)) for name, text in row.sealed.items()}
    except SecretError as error:
        raise Conflict(f"The SSH access {row.name} cannot be used: {error}") from error


def _secrets(given: Mapping[str, Any]) -> dict[str, str]:
    """The secrets in the input. Left out or masked: as it was."""
    found = {}
    for name in SECRETS:
        value = given.get(name)
        if value is None or (isinstance(value, str) and value and not value.strip("*")):
            continue
        if not isinstance(value, str) or len(value) > LONGEST[name]:
            raise Invalid.field(name, f"{name} is text of at most {LONGEST[name]} characters.")
        found[name] = value
    return found


def _check(values: Mapping[str, Any], held: Mapping[str, str], plain: Mapping[str, str]) -> None:
    """Raises ``Invalid`` where an account cannot work. ``plain``: secrets that can be read here."""
    if not held.get("password") and not held.get("private_key"):
        raise Invalid.field("password", "Please provide a password or a private key.")
    spans(values.get("scope") or "")
    if plain.get("private_key"):
        try:
            asyncssh.import_private_key(plain["private_key"], plain.get("passphrase") or None)
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as error:
            raise Invalid.field("private_key", f"The private key cannot be read: {error}") from None


def _seal(ctx: Context, record_id: str, before: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, str]:
    made = dict(before)
    for name, value in secrets.items():
        made.pop(name, None)
        if value:
            made[name] = ctx.platform.vault.seal(value, purpose(record_id, name))
    return made


ssh_accesses = Resource(
    SshAccess,
    module="Credentials",
    path="/api/ssh-access/",
    label="SSH access",
    plural="SSH accesses",
    title="name",
    area="monitoring",
    section="IT Operations",
    privileges=("view", "add", "edit", "delete", "execute"),
    verbs={"template": None, "columns": None, "validate": None, "import": None, "export": None},
    extra={"secrets_set": list[str]},
    secrets=(
        secret("password", "Password"),
        secret(
            "private_key", "Private key", length=LONGEST["private_key"], help="OpenSSH or PEM; instead of a password."
        ),
        secret("passphrase", "Passphrase of the key"),
    ),
    behaviour=SshAccesses(),
    natural_key="name",
    sample={"name": "Campus switches", "username": "operator", "password": "s3cret", "scope": "10.0.0.0/8"},
)
