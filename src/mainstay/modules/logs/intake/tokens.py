"""Tokens in syslog lines: a sender that shows an API key in its structured data says by that whose lines they are.

``[mainstay@32473 token="ms_..."]``, the way hosted log services do it. The token is never stored.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import polars as pl
import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from mainstay.kernel.access.auth import privileges
from mainstay.kernel.access.tables import ApiKey, Role, User
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.secrets import token_hash
from mainstay.modules.logs.intake.lines import PAIR

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

log = structlog.get_logger("mainstay.logs")
ELEMENT = "mainstay@32473"
FIELD = f"{ELEMENT}.token"
PERMISSION = ("log_intake", "add")
REFUSED = "_token"
"""Tag of lines whose token is not valid; they are filed by their sender's address."""
REMEMBER_SECONDS = 10.0
ENTRIES = 10_000


async def claim(platform: Platform, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the organization of each line's token, and without the tokens."""
    if frame["fields"].null_count() == len(frame):
        return frame
    shown = frame["fields"].list.eval(
        pl.element().struct.field("value").filter(pl.element().struct.field("key") == FIELD)
    ).list.first()  # fmt: skip
    if shown.null_count() == len(frame):
        return frame
    owners = await _owners(platform, shown.drop_nulls().unique().to_list())
    owner = shown.replace_strict(list(owners), list(owners.values()), default=None, return_dtype=pl.String)
    wrong = shown.is_not_null() & (owner == "")
    kept = pl.col("fields").list.eval(
        pl.element().filter(~pl.element().struct.field("key").str.starts_with(f"{ELEMENT}."))
    )
    return frame.with_columns(
        pl.when(pl.lit(owner).fill_null("") != "").then(pl.lit(owner)).otherwise("organization").alias("organization"),
        # The item was looked for in the organization of the address.
        pl.when((pl.lit(owner).fill_null("") != "") & (pl.lit(owner) != pl.col("organization"))).then(pl.lit(""))
        .otherwise("ci").alias("ci"),
        kept.cast(pl.List(PAIR)).alias("fields"),
        pl.when(pl.lit(wrong)).then(pl.concat_list("tags", pl.lit([REFUSED], dtype=pl.List(pl.String))))
        .otherwise("tags").alias("tags"),
    )  # fmt: skip


async def _owners(platform: Platform, shown: list[str]) -> dict[str, str]:
    """Organizations by token; empty for one that is not valid."""
    memory: dict[str, tuple[float, str]] = platform.memory.setdefault("log_tokens", {})
    now = time.monotonic()
    known = {token: kept[1] for token in shown if (kept := memory.get(token_hash(token))) and kept[0] > now}
    unknown = [token for token in shown if token not in known][:1000]
    if unknown:
        try:
            found = await _look_up(platform, {token_hash(token): token for token in unknown})
        except SQLAlchemyError as error:
            log.warning("tokens of log lines not checked", error=str(error)[:300])
            found = {}
        if len(memory) > ENTRIES:
            memory.clear()
        for token in unknown:
            known[token] = found.get(token, "")
            memory[token_hash(token)] = (now + REMEMBER_SECONDS, known[token])
    return {token: known.get(token, "") for token in shown}


async def _look_up(platform: Platform, hashes: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    async with platform.work(ANY_ORGANIZATION, write=False) as ctx:
        query = (
            select(ApiKey, Role, User.is_active)
            .join(Role, Role.id == ApiKey.role)
            .outerjoin(User, User.id == ApiKey.acts_as)
            .where(ApiKey.key_hash.in_(list(hashes)), ApiKey.revoked.is_(False))
        )
        rows: Any = (await ctx.session.execute(query)).all()
        for key, role, active in rows:
            if (key.expires_at and key.expires_at <= ctx.now) or (key.acts_as and not active):
                continue
            if role.is_admin or PERMISSION in privileges(ctx, role):
                found[hashes[key.key_hash]] = key.organization
    return found
