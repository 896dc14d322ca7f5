"""The user-based security model (RFC 3414, 3826, 7860): keys, authentication, privacy, time windows."""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from mainstay.modules.monitoring.snmp import ber, message
from mainstay.modules.monitoring.snmp.ber import Malformed
from mainstay.modules.monitoring.snmp.message import AUTHENTICATED, PRIVATE, Pdu, Secured

WINDOW = 150
"""Seconds that a message may be late (RFC 3414, section 2.2.3)."""
MAX_BOOTS = 2**31 - 1
MAX_ENGINES = 10_000


class Auth(NamedTuple):
    """An authentication protocol: its hash, and how many bytes of the digest travel."""

    name: str
    hash: str
    size: int


class Privacy(NamedTuple):
    """A privacy protocol: the key's bytes, and how a short localized key is made longer."""

    name: str
    key: int
    extension: str = ""


AUTHS = {
    item.name: item
    for item in (
        Auth("MD5", "md5", 12), Auth("SHA", "sha1", 12), Auth("SHA-224", "sha224", 16), Auth("SHA-256", "sha256", 24),
        Auth("SHA-384", "sha384", 32), Auth("SHA-512", "sha512", 48),
    )
}  # fmt: skip
# The -C forms extend the key as Cisco and most vendors do, the others by the draft of Blumenthal.
PRIVACIES = {
    item.name: item
    for item in (
        Privacy("DES", 16), Privacy("AES", 16), Privacy("AES-192", 24, "blumenthal"),
        Privacy("AES-256", 32, "blumenthal"), Privacy("AES-192-C", 24, "reeder"), Privacy("AES-256-C", 32, "reeder"),
    )
}  # fmt: skip

# usmStats of RFC 3414: what a report says is wrong.
STATS = (1, 3, 6, 1, 6, 3, 15, 1, 1)
UNSUPPORTED_LEVEL, NOT_IN_WINDOW, UNKNOWN_USER, UNKNOWN_ENGINE, WRONG_DIGEST, DECRYPTION_ERROR = range(1, 7)
REASONS = {
    UNSUPPORTED_LEVEL: "security level", NOT_IN_WINDOW: "time window", UNKNOWN_USER: "unknown user",
    UNKNOWN_ENGINE: "unknown engine", WRONG_DIGEST: "wrong digest", DECRYPTION_ERROR: "decryption",
}  # fmt: skip


class Refused(Exception):
    """A message that the security model does not let in; ``stat`` is the counter that a report names."""

    def __init__(self, stat: int) -> None:
        super().__init__(REASONS[stat])
        self.stat = stat


def stretch(password: str, hash_name: str) -> bytes:
    """A password's key: the hash of a mebibyte of it repeated (RFC 3414, A.2). Takes milliseconds."""
    raw = password.encode()
    if not raw:
        raise ValueError("The password is empty.")
    block = (raw * (2**20 // len(raw) + 1))[: 2**20]
    return hashlib.new(hash_name, block).digest()


def localize(key: bytes, engine_id: bytes, hash_name: str) -> bytes:
    """A user's key at one engine."""
    return hashlib.new(hash_name, key + engine_id + key).digest()


class User:
    """A user of the security model, with its keys. Making one costs the stretching of its passwords."""

    def __init__(
        self, name: str, auth: str = "", auth_password: str = "", privacy: str = "", privacy_password: str = ""
    ) -> None:
        self.name = name.encode()
        self.auth = AUTHS[auth] if auth else None
        self.privacy = PRIVACIES[privacy] if privacy and auth else None
        hash_name = self.auth.hash if self.auth else ""
        self._auth_key = stretch(auth_password, hash_name) if self.auth else b""
        self._privacy_key = stretch(privacy_password, hash_name) if self.privacy else b""
        self._local: OrderedDict[bytes, tuple[bytes, bytes]] = OrderedDict()
        self._salt = int.from_bytes(os.urandom(8), "big")

    @property
    def level(self) -> int:
        return (AUTHENTICATED if self.auth else 0) | (PRIVATE if self.privacy else 0)

    def keys(self, engine_id: bytes) -> tuple[bytes, bytes]:
        """Authentication and privacy key at an engine."""
        found = self._local.get(engine_id)
        if found is None:
            found = self._localized(engine_id)
            self._local[engine_id] = found
            if len(self._local) > MAX_ENGINES:
                self._local.popitem(last=False)
        return found

    def _localized(self, engine_id: bytes) -> tuple[bytes, bytes]:
        if self.auth is None:
            return b"", b""
        name = self.auth.hash
        auth_key = localize(self._auth_key, engine_id, name)
        if self.privacy is None:
            return auth_key, b""
        key = localize(self._privacy_key, engine_id, name)
        while len(key) < self.privacy.key:
            if self.privacy.extension == "reeder":
                last = key[-hashlib.new(name).digest_size :]
                stretched = hashlib.new(name, (last * (2**20 // len(last) + 1))[: 2**20]).digest()
                key += localize(stretched, engine_id, name)
            else:
                key += hashlib.new(name, key).digest()
        return auth_key, key[: self.privacy.key]

    def salt(self) -> int:
        """A number that was not used for this user before."""
        self._salt = (self._salt + 1) & 0xFFFFFFFFFFFFFFFF
        return self._salt


def encrypt(privacy: Privacy, key: bytes, plain: bytes, boots: int, engine_time: int, salt: int) -> tuple[bytes, bytes]:
    """Ciphertext and the salt that travels with it."""
    if privacy.name == "DES":
        sent = ((boots & 0xFFFFFFFF) << 32 | (salt & 0xFFFFFFFF)).to_bytes(8, "big")
        encryptor = _des(key, sent).encryptor()
        return encryptor.update(plain + bytes(-len(plain) % 8)) + encryptor.finalize(), sent
    sent = salt.to_bytes(8, "big")
    encryptor = _aes(key, sent, boots, engine_time).encryptor()
    return encryptor.update(plain) + encryptor.finalize(), sent


def decrypt(privacy: Privacy, key: bytes, sealed: bytes, boots: int, engine_time: int, salt: bytes) -> bytes:
    """The plaintext. Raises ``Refused``."""
    if len(salt) != 8 or (privacy.name == "DES" and len(sealed) % 8):
        raise Refused(DECRYPTION_ERROR)
    cipher = _des(key, salt) if privacy.name == "DES" else _aes(key, salt, boots, engine_time)
    decryptor = cipher.decryptor()
    return decryptor.update(sealed) + decryptor.finalize()


def _des(key: bytes, salt: bytes) -> Cipher[CBC]:
    vector = bytes(a ^ b for a, b in zip(key[8:16], salt, strict=True))
    return Cipher(TripleDES(key[:8] * 3), CBC(vector))


def _aes(key: bytes, salt: bytes, boots: int, engine_time: int) -> Cipher[CFB]:
    return Cipher(AES(key), CFB(boots.to_bytes(4, "big") + engine_time.to_bytes(4, "big") + salt))


class Opened(NamedTuple):
    """What was in a message that may come in."""

    user: User
    context: tuple[bytes, bytes]
    """Engine and name of the context; an answer repeats them."""
    pdu: Pdu


class Clock(msgspec.Struct):
    """What is known of another engine's boots and time."""

    boots: int
    time: int
    at: float

    def now(self, moment: float) -> int:
        return self.time + int(moment - self.at)


class Engine:
    """This end: its id, how often it started, and the clocks of the engines it heard of."""

    def __init__(self, engine_id: bytes, boots: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.engine_id = engine_id
        self.boots = boots
        self.monotonic = monotonic
        self.started = monotonic()
        self.clocks: OrderedDict[bytes, Clock] = OrderedDict()
        self.refused = dict.fromkeys(REASONS, 0)

    @property
    def time(self) -> int:
        return int(self.monotonic() - self.started)

    def open(self, secured: Secured, users: Mapping[bytes, User]) -> Opened:
        """What is in a message (RFC 3414, section 3.2). Raises ``Refused`` or ``Malformed``."""
        try:
            return self._open(secured, users)
        except Refused as refused:
            self.refused[refused.stat] += 1
            raise

    def _open(self, secured: Secured, users: Mapping[bytes, User]) -> Opened:
        if not 5 <= len(secured.engine_id) <= 32:
            raise Refused(UNKNOWN_ENGINE)
        user = users.get(secured.user)
        if user is None:
            raise Refused(UNKNOWN_USER)
        level = secured.flags & (AUTHENTICATED | PRIVATE)
        if level == PRIVATE:
            raise Malformed("The message is encrypted but not authenticated.")
        if level != user.level:
            # More than the user has keys for cannot be checked; less than what was agreed is not accepted.
            raise Refused(UNSUPPORTED_LEVEL)
        body = secured.body
        if user.auth is not None:
            auth_key, privacy_key = user.keys(secured.engine_id)
            if not authentic(user.auth, auth_key, secured):
                raise Refused(WRONG_DIGEST)
            self._timely(secured)
            if user.privacy is not None:
                start, stop = ber.expect(body, 0, len(body), ber.OCTET_STRING)
                body = decrypt(user.privacy, privacy_key, body[start:stop], secured.boots, secured.time, secured.salt)
        try:
            engine, name, pdu = message.scoped(body)
        except Malformed:
            if level & PRIVATE:
                raise Refused(DECRYPTION_ERROR) from None
            raise
        return Opened(user, (engine, name), pdu)

    def _timely(self, secured: Secured) -> None:
        """Refuse what is repeated or late (RFC 3414, section 3.2, item 7)."""
        if secured.engine_id == self.engine_id:
            if secured.boots != self.boots or self.boots == MAX_BOOTS or abs(secured.time - self.time) > WINDOW:
                raise Refused(NOT_IN_WINDOW)
            return
        moment = self.monotonic()
        known = self.clocks.get(secured.engine_id)
        if known is not None and (
            secured.boots < known.boots
            or known.boots == MAX_BOOTS
            or (secured.boots == known.boots and secured.time < known.now(moment) - WINDOW)
        ):
            raise Refused(NOT_IN_WINDOW)
        if known is None or secured.boots > known.boots or secured.time > known.now(moment):
            self.clocks[secured.engine_id] = Clock(secured.boots, secured.time, moment)
            if len(self.clocks) > MAX_ENGINES:
                self.clocks.popitem(last=False)


def authentic(auth: Auth, key: bytes, secured: Secured) -> bool:
    """Whether the digest in the message is the one that the key makes."""
    if len(secured.digest) != auth.size:
        return False
    at = secured.digest_at
    blank = secured.packet[:at] + bytes(auth.size) + secured.packet[at + auth.size :]
    return hmac.compare_digest(hmac.digest(key, blank, auth.hash)[: auth.size], secured.digest)


def seal(
    user: User | None,
    pdu: Pdu,
    *,
    message_id: int,
    engine_id: bytes,
    boots: int,
    engine_time: int,
    flags: int = 0,
    context: tuple[bytes, bytes] = (b"", b""),
    level: int | None = None,
) -> bytes:
    """A message of SNMPv3, as safe as the user is (``level``: at most this safe)."""
    level = (user.level if user else 0) if level is None else level
    body = message.encode_scoped(context[0] or engine_id, context[1], pdu)
    salt, digest = b"", b""
    auth = user.auth if user is not None and level & AUTHENTICATED else None
    auth_key = b""
    if user is not None and auth is not None:
        auth_key, privacy_key = user.keys(engine_id)
        digest = bytes(auth.size)
        if user.privacy is not None and level & PRIVATE:
            sealed, salt = encrypt(user.privacy, privacy_key, body, boots, engine_time, user.salt())
            body = ber.string(sealed)
    name = user.name if user else b""
    security = ber.sequence(
        ber.string(engine_id), ber.integer(boots), ber.integer(engine_time), ber.string(name), ber.string(digest),
        ber.string(salt),
    )  # fmt: skip
    head = ber.sequence(
        ber.integer(message_id), ber.integer(65507), ber.string(bytes((level | flags,))), ber.integer(3)
    )
    packet = ber.sequence(ber.integer(message.V3), head, ber.string(security), body)
    if auth is None:
        return packet
    # The digest's place: it and the salt end the security parameters, which come right before the body.
    at = len(packet) - len(body) - len(ber.string(salt)) - auth.size
    signed = hmac.digest(auth_key, packet, auth.hash)[: auth.size]
    return packet[:at] + signed + packet[at + auth.size :]


def report(engine: Engine, secured: Secured, stat: int, user: User | None) -> bytes:
    """The answer that tells a sender why its message was refused, and this engine's id, boots and time."""
    counter = (ber.oid_bytes((*STATS, stat, 0)), ber.COUNTER32, _number(engine.refused[stat]))
    pdu = Pdu(message.REPORT, 0, 0, 0, [counter])
    # A clock that differs is told to those who proved to know the key (RFC 3414, section 3.2, item 7).
    level = AUTHENTICATED if stat == NOT_IN_WINDOW and user is not None and user.auth else 0
    return seal(
        user if level else None, pdu, message_id=secured.message_id, engine_id=engine.engine_id,
        boots=engine.boots, engine_time=engine.time, level=level,
    )  # fmt: skip


def _number(value: int) -> bytes:
    value &= 0xFFFFFFFF
    return value.to_bytes((8 + value.bit_length()) // 8, "big")
