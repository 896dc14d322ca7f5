"""Accounts on devices in the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.fields import secret
from mainstay.kernel.late import asyncssh
from mainstay.kernel.record import new_id
from mainstay.kernel.resource import Resource
from mainstay.kernel.sealing import Sealing
from mainstay.kernel.secrets import SecretError
from mainstay.modules.monitoring.commands.tables import SshAccess
from mainstay.modules.monitoring.credentials.service import spans

SECRETS = (
    secret("password", "Password"),
    secret("private_key", "Private key", length=20_000, help="OpenSSH or PEM; instead of a password."),
    secret("passphrase", "Passphrase of the key"),
)
NAMES = tuple(spec.name for spec in SECRETS)


class SshAccesses(Sealing[SshAccess]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row, source in zip(rows, given, strict=True):
            row["id"] = row.get("id") or new_id()
            secrets = self.given(source)
            _check(row, secrets, secrets)
            row["sealed"] = self.seal(ctx, row["id"], {}, secrets)

    async def change(self, ctx: Context, entity: SshAccess, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        secrets = self.given(given)
        held = {**dict.fromkeys(entity.sealed, "********"), **secrets}
        after = {"scope": entity.scope, **values}
        # Whoever may edit may not point a stored password elsewhere without knowing it.
        if entity.sealed and not secrets and after["scope"] != entity.scope:
            raise Invalid.field("scope", "Give the password or the key again to change for which addresses it is.")
        if "private_key" in secrets or "passphrase" in secrets:
            both = {name: secrets.get(name) or opened(ctx, entity).get(name, "") for name in NAMES}
            _check(after, held, both)
        else:
            _check(after, held, {})
        if secrets:
            entity.sealed = self.seal(ctx, entity.id, entity.sealed, secrets)


def purpose(access: str, name: str) -> str:
    """What a secret is sealed for."""
    return f"ssh/{access}/{name}"


def opened(ctx: Context, row: SshAccess) -> dict[str, str]:
    """An account's secrets. Raises ``Conflict`` when this installation's key does not open them."""
    try:
        return {name: ctx.platform.vault.open(text, purpose(row.id, name)) for name, text in row.sealed.items()}
    except SecretError as error:
        raise Conflict(f"The SSH access {row.name} cannot be used: {error}") from error


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
    secrets=SECRETS,
    behaviour=SshAccesses(SshAccess, SECRETS, purpose),
    natural_key="name",
    sample={"name": "Campus switches", "username": "operator", "password": "s3cret", "scope": "10.0.0.0/8"},
)
