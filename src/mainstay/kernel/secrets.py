"""Secrets at rest: AES-256-GCM under the installation's key; hashes for high-entropy keys; argon2id for passwords."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mainstay.settings import SettingError, Settings

# RFC 9106's second recommended option, with less memory per hash so that a burst of logins does not exhaust it.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


class SecretError(ValueError):
    """A stored secret that this installation's key does not open."""


class Vault:
    """Encrypts what must be read back (credentials); the key never leaves the process."""

    def __init__(self, settings: Settings) -> None:
        self._cipher = AESGCM(_key(settings))

    def seal(self, text: str, purpose: str) -> str:
        """Ciphertext, base64. ``purpose`` binds it to one place: a value moved elsewhere does not open."""
        nonce = os.urandom(12)
        sealed = nonce + self._cipher.encrypt(nonce, text.encode(), purpose.encode())
        return base64.b64encode(sealed).decode()

    def open(self, sealed: str, purpose: str) -> str:
        """The text. Raises ``SecretError`` when it was altered or sealed under another key or purpose."""
        try:
            raw = base64.b64decode(sealed, validate=True)
            return self._cipher.decrypt(raw[:12], raw[12:], purpose.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise SecretError("The stored secret cannot be opened with this installation's key.") from error


def _key(settings: Settings) -> bytes:
    if settings.secret_key:
        try:
            key = base64.b64decode(settings.secret_key, validate=True)
        except ValueError:
            key = b""
        if len(key) != 32:
            raise SettingError("MAINSTAY_SECRET_KEY must be 32 bytes in base64.")
        return key
    return _key_file(settings.data_dir / "secret.key")


def _key_file(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return base64.b64decode(path.read_bytes())
    key = secrets.token_bytes(32)
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(key))
    return key


def new_token() -> str:
    """256 bits, URL-safe."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """SHA-256 of a high-entropy token: what is stored of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def password_hash(password: str) -> str:
    return _hasher.hash(password)


def password_matches(stored: str, password: str) -> bool:
    try:
        return bool(stored) and _hasher.verify(stored, password)
    except (Argon2Error, InvalidHashError):
        return False
