"""What other features of the logs ask about grok patterns."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.modules.logs.grok.engine import Explained, Grok, Refused, compile_grok, tried
from mainstay.modules.logs.grok.library import Library, known
from mainstay.modules.logs.grok.tables import GrokPattern

MAX_PATTERNS = 1000
MAX_SAMPLES = 50
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

Check = Callable[[Context, Library], Awaitable[list[str]]]
USERS: list[Check] = []
"""Features whose expressions use patterns: given a library, each names what would no longer compile, and why."""


async def library(ctx: Context) -> Library:
    """The well-known patterns and the organization's own."""
    return Library(await own(ctx))


async def own(ctx: Context) -> dict[str, str]:
    """The organization's patterns by name."""
    found = await ctx.session.execute(select(GrokPattern.name, GrokPattern.pattern).limit(MAX_PATTERNS))
    return {row.name: row.pattern for row in found}


async def compiled(text: str, patterns: Library, field: str = "pattern") -> Grok:
    """A compiled expression, or ``Invalid`` with the reason and, where there is one, the rewrite."""
    try:
        return await compile_off(text, patterns)
    except Refused as refused:
        raise refusal(refused, field) from None


async def compile_off(text: str, patterns: Library) -> Grok:
    """A compiled expression, made off the event loop. Raises ``Refused``."""
    return await asyncio.to_thread(compile_grok, text, patterns)


def refusal(refused: Refused, field: str) -> Invalid:
    """The client's error for a refused expression."""
    message = refused.reason
    extra: dict[str, Any] = {"position": {"start": refused.start, "end": refused.end}}
    if refused.rewritten is not None:
        message += f" Instead: {refused.rewritten}"
        extra["rewrite"] = refused.rewritten
    return Invalid(fields={field: [message]}, **extra)


async def try_lines(grok: Grok, lines: Sequence[str]) -> list[Explained]:
    """Every line explained, off the event loop."""
    return await asyncio.to_thread(tried, grok, lines)


def sample_lines(raw: Any) -> list[str]:
    """Sample lines as a list, however they were given. Raises ``Invalid``."""
    lines = raw.splitlines() if isinstance(raw, str) else raw or []
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise Invalid.field("samples", "Sample lines must be a list of texts.")
    if len(lines) > MAX_SAMPLES or any(len(line) > 10_000 for line in lines):
        raise Invalid.field("samples", f"At most {MAX_SAMPLES} sample lines of 10,000 characters each are kept.")
    return [line for line in lines if line.strip()]


async def check(ctx: Context, patterns: Mapping[str, str], rows: Sequence[tuple[str, str, list[str]]]) -> None:
    """Refuse patterns ``(name, pattern, samples)`` that do not compile or do not match their samples.

    ``patterns``: all of the organization, these included.
    """
    if len(patterns) > MAX_PATTERNS:
        raise Conflict(f"An organization has at most {MAX_PATTERNS:,} patterns of its own. Delete some first.")
    made = Library(patterns)
    for name, text, samples in rows:
        if not _NAME.fullmatch(name):
            raise Invalid.field("name", "A name has letters, digits and _ only and begins with a letter: ORDER_ID.")
        if name in known():
            raise Invalid.field("name", f"{name} is a well-known pattern. Choose another name.")
        grok = await compiled(text, made)
        await compiled(f"%{{{name}}}", made)
        for line, result in zip(samples, await try_lines(grok, samples), strict=True):
            if not result.matched:
                raise Invalid.field("samples", f"The pattern does not match {line[:100]!r}. {result.reason}")


async def check_users(ctx: Context, patterns: Mapping[str, str], names: Sequence[str]) -> None:
    """Refuse a change of patterns that others would not survive. Raises ``Conflict`` naming them."""
    made = Library(patterns)
    broken: list[str] = []
    for name in patterns:
        try:
            await compile_off(f"%{{{name}}}", made)
        except Refused as refused:
            broken.append(f"the pattern {name} ({refused.reason})")
    for user in USERS:
        broken += await user(ctx, made)
    if broken:
        more = f" and {len(broken) - 5} more" if len(broken) > 5 else ""
        raise Conflict(f"{', '.join(names)} is used by {'; '.join(broken[:5])}{more}. Change them first.")
