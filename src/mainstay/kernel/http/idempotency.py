"""``Idempotency-Key``: a repeated POST answers what the first one answered, and does nothing again."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

import msgspec
from litestar import Response
from sqlalchemy import Integer, LargeBinary, String, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.operation import Operation
from mainstay.kernel.record import Base, Identifier, Scoped, Timestamp

KEPT = timedelta(hours=24)


class IdempotencyKey(Scoped, Base):
    """An answered request, kept for a day."""

    __tablename__ = "idempotency_key"

    organization: Mapped[str] = mapped_column(Identifier, primary_key=True)
    actor: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    status: Mapped[int] = mapped_column(Integer)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(Timestamp)


def _actor(ctx: Context) -> str:
    # A log-in may end between the attempts; the person stays the same.
    return ctx.principal.profile_id or ctx.principal.session_id


def _fingerprint(operation: Operation, plain: Any) -> str:
    return hashlib.sha256(operation.key.encode() + msgspec.json.encode(plain)).hexdigest()


def _purpose(key: str) -> str:
    return f"idempotency:{key}"


async def known(ctx: Context, operation: Operation, plain: Any) -> tuple[int, bytes] | None:
    """The answer given before under this key, if any. Raises ``Conflict`` when the request is another one."""
    key = ctx.headers.get("idempotency-key", "")
    if not key:
        return None
    if len(key) > 128:
        raise Invalid("Idempotency-Key may have at most 128 characters.")
    query = select(IdempotencyKey).where(IdempotencyKey.actor == _actor(ctx), IdempotencyKey.key == key)
    row = (await ctx.session.execute(query)).scalars().first()
    if row is None or row.at + KEPT <= ctx.now:
        return None
    if row.fingerprint != _fingerprint(operation, plain):
        raise Conflict("This Idempotency-Key was used for another request.")
    return row.status, ctx.platform.vault.open(row.body.decode(), _purpose(key)).encode()


async def remember(ctx: Context, operation: Operation, plain: Any, status: int, response: Response[Any]) -> None:
    """Keep the answer in the same transaction as what it answers for."""
    key = ctx.headers.get("idempotency-key", "")
    if not key or status >= 400 or not isinstance(response.content, bytes):
        return
    await ctx.session.execute(delete(IdempotencyKey).where(IdempotencyKey.at <= ctx.now - KEPT))
    ctx.session.add(
        IdempotencyKey(
            organization=ctx.organization, actor=_actor(ctx), key=key, status=status,
            # Sealed: some answers tell a new key or token, which is stored nowhere else.
            body=ctx.platform.vault.seal(response.content.decode(), _purpose(key)).encode(),
            fingerprint=_fingerprint(operation, plain), at=ctx.now,
        )
    )  # fmt: skip
    try:
        await ctx.session.flush()
    except IntegrityError:
        raise Conflict("The same request is being handled. Try again in a moment.") from None
