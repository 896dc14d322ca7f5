"""From seeds along what devices tell of: each address once per run, within depth, number and ranges.

Addresses wait as findings (``queued``) from the moment they are told of, so that a run that was cut off goes on with
those that are left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from sqlalchemy import func, insert, select, update

from mainstay.kernel import options
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.store import CHUNK
from mainstay.modules.monitoring.credentials.service import ALLOWED, Address, Span, inside, spans
from mainstay.modules.monitoring.discovery import leads
from mainstay.modules.monitoring.discovery.leads import Lead
from mainstay.modules.monitoring.discovery.tables import Finding, Iteration
from mainstay.modules.monitoring.discovery.targets import why_not

QUEUED, OUT_OF_RANGE, TOO_DEEP, OVER_LIMIT = "queued", "out_of_range", "too_deep", "over_limit"
UNASKED = ("excluded", "not_allowed", OUT_OF_RANGE, TOO_DEEP, OVER_LIMIT)
MAX_SEEDS, MAX_UNASKED = 100, 5000
"""Seeds of a discovery; addresses that are not asked and are listed all the same."""
FIRST = 1 << 20
"""Position of the first: behind those of the ranges."""
SEED = "It is a seed."


def read(row: Any) -> dict[str, Any]:
    """What a run keeps of a configuration's seeds; empty without. Raises ``Invalid``."""
    found = spans((row.seeds or "").replace(" ", ","), "seeds")
    if any(first != last for first, last in found):
        raise Invalid.field("seeds", "Seeds are single addresses of devices.")
    if len(found) > MAX_SEEDS:
        raise Invalid.field("seeds", f"A discovery has at most {MAX_SEEDS} seeds.")
    ranges = ", ".join(part for part in (row.seed_ranges or "").replace(";", ",").split(",") if part.strip())
    spans(ranges, "seed_ranges")
    if not found:
        return {}
    return {
        "addresses": list(dict.fromkeys(str(first) for first, _last in found)),
        "follow": list(row.seed_follow or leads.WAYS), "ranges": ranges,
        "depth": 2 if row.seed_depth is None else row.seed_depth,
        "limit": 1000 if row.seed_limit is None else row.seed_limit,
    }  # fmt: skip


@dataclass(slots=True)
class Judge:
    """Which of the addresses that a device tells of are asked, and why the others are not. Pure."""

    depth: int
    """Steps from a seed at which they would be asked."""
    deepest: int
    left: int
    """How many may still be asked."""
    ranges: list[Span]
    permitted: list[Span]
    excluded: list[Span]
    limit: int = 0
    known: set[str] = field(default_factory=set)
    """Addresses that have their finding already: each has its turn once."""

    def of(self, lead: Lead, told_by: str) -> tuple[str, str] | None:
        """Result and reason for one; None: there is nothing to say of it."""
        address = ip_address(lead.address)
        if lead.address in self.known or (address.is_loopback and not inside(address, self.ranges)):
            # A device means itself by a loopback address, where nobody said otherwise.
            return None
        self.known.add(lead.address)
        result, why = self._why_not(address)
        if not result:
            self.left -= 1
        return result or QUEUED, f"{leads.reason(lead, told_by)} {why}".strip()

    def _why_not(self, address: Address) -> tuple[str, str]:
        barred = why_not(address, self.excluded, self.permitted)
        if barred == "excluded":
            return barred, "It is among the addresses that this discovery leaves out."
        if barred:
            return barred, "It is outside the networks whose devices may be asked (settings, Devices)."
        if self.ranges and not inside(address, self.ranges):
            return OUT_OF_RANGE, "It is outside the allowed ranges of this discovery."
        if self.depth > self.deepest:
            return TOO_DEEP, f"Depth reached: it is {_steps(self.depth)} from a seed."
        if self.left <= 0:
            return OVER_LIMIT, f"Not asked: this run asks {self.limit:,} addresses that way, and they are used up."
        return "", ""


def _steps(number: int) -> str:
    return "1 step" if number == 1 else f"{number} steps"


async def sow(ctx: Context, row: Iteration, given: Mapping[str, Any]) -> int:
    """Let the seeds wait for their turn; how many do."""
    addresses = given["addresses"]
    known = await there(ctx, row.id, addresses)
    fresh = [one for one in addresses if one not in known][: given["limit"]]
    await _note(ctx, row.id, 0, [(one, QUEUED, SEED) for one in fresh])
    return await waiting(ctx, row.id, 0)


async def spread(ctx: Context, row: Iteration, depth: int) -> int:
    """Judge what the devices one step nearer to the seeds told of; how many addresses wait at this depth."""
    given = row.plan["seeds"]
    query = select(Finding.address, Finding.name, Finding.leads, Finding.problems).where(
        Finding.iteration == row.id, Finding.depth == depth - 1, Finding.result.not_in((QUEUED, *UNASKED))
    )
    nearer = [one for one in (await ctx.session.execute(query.order_by(Finding.position))).all() if one.leads]
    (permitted,) = await options.get(ctx, ALLOWED)
    asked, unasked = await _numbers(ctx, row.id)
    judge = Judge(
        depth=depth, deepest=given["depth"], left=given["limit"] - asked, limit=given["limit"],
        ranges=spans(given["ranges"]), permitted=spans(str(permitted)),
        excluded=spans(", ".join(row.plan["params"]["exclude_ip_address"])),
    )  # fmt: skip
    judge.known = await there(ctx, row.id, [lead[0] for one in nearer for lead in one.leads])
    fresh: list[tuple[str, str, str]] = []
    room = MAX_UNASKED - unasked
    for one in nearer:
        untold = 0
        for lead in one.leads:
            judged = judge.of(Lead(*lead), one.name or one.address)
            if judged is None:
                continue
            if judged[0] != QUEUED and room <= 0:
                untold += 1
                continue
            room -= judged[0] != QUEUED
            fresh.append((lead[0], *judged))
        values: dict[str, Any] = {"leads": []}
        if untold:
            told = f"It told of {untold:,} more addresses that are not asked and not listed."
            values["problems"] = [*one.problems, told]
        done = update(Finding).where(Finding.iteration == row.id, Finding.address == one.address).values(**values)
        await ctx.session.execute(done.execution_options(synchronize_session=False))
    await _note(ctx, row.id, depth, fresh)
    return await waiting(ctx, row.id, depth)


async def waiting(ctx: Context, iteration: str, depth: int) -> int:
    """How many addresses wait at this depth."""
    query = select(func.count()).select_from(Finding).where(
        Finding.iteration == iteration, Finding.depth == depth, Finding.result == QUEUED
    )  # fmt: skip
    return await ctx.session.scalar(query) or 0


async def there(ctx: Context, iteration: str, addresses: Sequence[str]) -> set[str]:
    """Those of the addresses that have a finding in this run."""
    found: set[str] = set()
    every = sorted(set(addresses))
    for start in range(0, len(every), CHUNK):
        query = select(Finding.address).where(
            Finding.iteration == iteration, Finding.address.in_(every[start : start + CHUNK])
        )
        found |= set((await ctx.session.execute(query)).scalars())
    return found


async def _numbers(ctx: Context, iteration: str) -> tuple[int, int]:
    """How many addresses were asked, or wait, and how many were not asked."""
    query = select(Finding.result, func.count()).where(Finding.iteration == iteration, Finding.depth.is_not(None))
    asked = unasked = 0
    for result, number in (await ctx.session.execute(query.group_by(Finding.result))).all():
        if result in UNASKED:
            unasked += number
        else:
            asked += number
    return asked, unasked


async def _note(ctx: Context, iteration: str, depth: int, given: Sequence[tuple[str, str, str]]) -> None:
    if not given:
        return
    query = select(func.count()).select_from(Finding).where(
        Finding.iteration == iteration, Finding.depth.is_not(None)
    )  # fmt: skip
    first = FIRST + (await ctx.session.scalar(query) or 0)
    await ctx.session.execute(insert(Finding), [
        {"organization": ctx.organization, "iteration": iteration, "address": address, "position": position,
         "result": result, "reason": reason, "seen": ctx.now, "depth": depth}
        for position, (address, result, reason) in enumerate(given, first)
    ])  # fmt: skip


__all__ = ["QUEUED", "Judge", "read", "sow", "spread", "there", "waiting"]
