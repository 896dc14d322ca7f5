"""Credentials in the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import secret
from mainstay.kernel.late import asyncssh
from mainstay.kernel.record import new_id
from mainstay.kernel.resource import Resource
from mainstay.kernel.sealing import Sealing
from mainstay.modules.monitoring.credentials import service
from mainstay.modules.monitoring.credentials.service import check_user, spans
from mainstay.modules.monitoring.credentials.tables import SNMP_V1, SNMP_V2C, SNMP_V3, SSH, WEB, WINDOWS, Credential

SECRETS = (
    secret("community", "Community", kind=(SNMP_V1, SNMP_V2C)),
    secret("write_community", "Community for writing", kind=(SNMP_V1, SNMP_V2C)),
    secret("auth_password", "Authentication password", kind=(SNMP_V3,)),
    secret("privacy_password", "Privacy password", kind=(SNMP_V3,)),
    secret("password", "Password", kind=(SSH, *WEB, *WINDOWS)),
    secret("private_key", "Private key", length=20_000, help="OpenSSH or PEM; instead of a password.", kind=(SSH,)),
    secret("passphrase", "Passphrase of the key", kind=(SSH,)),
    secret(
        "enable_password", "Password for enable", kind=(SSH,),
        help="Given at the prompt of network devices, where what they are is told to privileged users only.",
    ),
    secret("token", "Token", length=4000, help="Sent as Bearer, instead of user name and password.", kind=WEB),
)  # fmt: skip
LOGINS = (SSH, *WEB, *WINDOWS)
SENT = ("password", "private_key", "enable_password", "token")
"""What logs in, or is said once in."""


class Credentials(Sealing[Credential]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row, source in zip(rows, given, strict=True):
            row["id"] = row.get("id") or new_id()
            secrets = self.given(source)
            check({"kind": SNMP_V2C, **row}, secrets)
            row["sealed"] = self.seal(ctx, row["id"], {}, secrets)

    async def change(
        self, ctx: Context, entity: Credential, values: dict[str, Any], given: Mapping[str, Any]
    ) -> None:  # fmt: skip
        secrets = self.given(given)
        after = {**service.values_of(entity), **values}
        if entity.kind in LOGINS and kept(entity.sealed, secrets):
            # Whoever may edit may not have a stored password sent elsewhere without knowing it.
            for name in ("kind", "scope", "port", "trust_new"):
                if after[name] != getattr(entity, name):
                    raise Invalid.field(name, "Give the password, the key or the token again to change this.")
        # What was given for one kind is not sent by another, but for the versions of SNMP.
        fresh = entity.kind != after["kind"] and bool({entity.kind, after["kind"]} & set(LOGINS))
        held = {} if fresh else dict.fromkeys(entity.sealed, "********")
        if after["kind"] == SSH and not fresh and {"private_key", "passphrase"} & secrets.keys():
            # A key is read with its passphrase, whichever of them is new.
            held |= {name: text for name, text in service.opened(ctx, entity).items() if name not in secrets}
        check(after, {**held, **secrets})
        if secrets:
            entity.sealed = self.seal(ctx, entity.id, {} if fresh else entity.sealed, secrets)


def kept(stored: Iterable[str], secrets: Mapping[str, str]) -> bool:
    """Whether something that logs in stays as it was stored, rather than being given anew."""
    return any(name in stored and name not in secrets for name in SENT)


def check(values: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
    """Raises ``Invalid`` where a credential cannot work."""
    wrong: dict[str, list[str]] = {}
    kind = values["kind"]
    if kind in LOGINS:
        wrong = _check_login(kind, values, secrets)
    elif kind == SNMP_V3:
        wrong = check_user(values, secrets)
    elif not secrets.get("community"):
        wrong["community"] = ["Please provide the community."]
    if wrong:
        raise Invalid(fields=wrong)
    spans(values.get("scope") or "")


def _check_login(kind: str, values: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, list[str]]:
    named = bool(str(values.get("username") or "").strip())
    if kind in WEB:
        if secrets.get("token") or (named and secrets.get("password")):
            return {}
        return {"password" if named else "username": ["Please provide user name and password, or a token."]}
    if not named:
        return {"username": ["Please provide the user name."]}
    key = secrets.get("private_key") if kind == SSH else ""
    if kind in WINDOWS and not secrets.get("password"):
        return {"password": ["Please provide the password."]}
    if not key and not secrets.get("password"):
        return {"password": ["Please provide a password or a private key."]}
    if key and key.strip("*"):
        try:
            asyncssh.import_private_key(key, secrets.get("passphrase") or None)
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as error:
            return _unreadable(key, bool(secrets.get("passphrase")), str(error))
    return {}


def _unreadable(key: str, opened: bool, why: str) -> dict[str, list[str]]:
    """What to do about a private key that cannot be read."""
    if "passphrase" in why.lower() or "decrypt" in why.lower():
        told = "The passphrase does not open the private key." if opened else (
            "The private key is protected: please provide its passphrase.")  # fmt: skip
        return {"passphrase": [told]}
    if "PRIVATE KEY" not in key:
        return {"private_key": ["This is no private key: it begins with a line such as -----BEGIN OPENSSH PRIVATE "
                                "KEY-----. The public key, often in a file .pub, belongs on the device."]}  # fmt: skip
    return {"private_key": [f"The private key cannot be read: {why}."]}


behaviour = Credentials(Credential, SECRETS, service.purpose)
credentials = Resource(
    Credential,
    module="Credentials",
    path="/api/credentials/",
    label="Credential",
    title="name",
    area="monitoring",
    section="IT Operations",
    privileges=("view", "add", "edit", "delete", "execute"),
    verbs={"template": None, "columns": None, "validate": None, "import": None, "export": None},
    extra={"secrets_set": list[str]},
    secrets=SECRETS,
    behaviour=behaviour,
    natural_key="name",
    sample={"name": "Campus switches", "kind": "snmp_v2c", "community": "s3cret", "scope": "10.0.0.0/8"},
)
