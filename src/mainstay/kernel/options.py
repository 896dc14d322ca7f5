"""Choices an organization's administrators make (password policy, auto-close days): declared by the feature that
reads them, stored as one row each, shown on the settings page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import changes
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import Choice, Field, Kind
from mainstay.kernel.generation import cached
from mainstay.kernel.listed import among, bound
from mainstay.kernel.record import Base, Identifier, JsonType, Scoped
from mainstay.kernel.validation import BadValue, read

_declared: dict[str, Field] = {}


class OrganizationOption(Scoped, Base):
    """One chosen value."""

    __tablename__ = "organization_option"

    organization: Mapped[str] = mapped_column(Identifier, primary_key=True)
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    value: Mapped[Any] = mapped_column(JsonType)


def option(
    name: str,
    kind: Kind,
    default: Any,
    label: str,
    *,
    section: str,
    help: str = "",
    choices: Sequence[Choice] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    check: Callable[[Any], str | None] | None = None,
) -> str:
    """Declare an option; returns its name. ``check`` answers what is wrong with a value, or nothing."""
    _declared[name] = Field(
        name=name, kind=kind, default=default, label=label, section=section, help=help, choices=tuple(choices),
        minimum=minimum, maximum=maximum, max_length=2000, check=check,
    )  # fmt: skip
    return name


def declared() -> Mapping[str, Field]:
    return _declared


async def get(ctx: Context, *names: str) -> list[Any]:
    """The values of these options, in order; the declared default where nothing was chosen."""
    chosen = await _chosen(ctx)
    return [chosen.get(name, _declared[name].default) for name in names]


async def of_each(ctx: Context, organizations: Collection[str], *names: str) -> dict[str, list[Any]]:
    """The same for each of these organizations, in one statement. ``ctx`` works on any organization."""
    sqlite, own = ctx.platform.database.is_sqlite, OrganizationOption
    query = select(own.organization, own.name, own.value).where(
        own.name.in_(names), among(sqlite, own.organization, bound(sqlite, "organizations", organizations))
    )
    chosen = {(row.organization, row.name): row.value for row in (await ctx.session.execute(query)).all()}
    return {one: [chosen.get((one, name), _declared[name].default) for name in names] for one in organizations}


async def _chosen(ctx: Context) -> dict[str, Any]:
    return await cached(ctx, "options", _load)


async def _load(ctx: Context) -> dict[str, Any]:
    rows = (await ctx.session.execute(select(OrganizationOption.name, OrganizationOption.value))).all()
    return {row.name: row.value for row in rows}


async def put(ctx: Context, values: Mapping[str, Any]) -> None:
    """Set options. Raises ``Invalid`` naming what is not an option or not a fitting value."""
    errors: dict[str, list[str]] = {}
    clean: dict[str, Any] = {}
    for name, raw in values.items():
        spec = _declared.get(name)
        if spec is None:
            errors[name] = ["There is no such setting."]
            continue
        try:
            clean[name] = read(spec, raw)
        except BadValue as bad:
            errors[name] = [str(bad)]
    if errors:
        raise Invalid(fields=errors)
    before = dict(await _chosen(ctx))
    diff = []
    for name, value in clean.items():
        old = before.get(name, _declared[name].default)
        if old != value:
            await ctx.session.merge(OrganizationOption(organization=ctx.organization, name=name, value=value))
            diff.append(changes.entry(name, old, value))
    await ctx.session.flush()
    if diff:
        await changes.record(ctx, "settings", "update", [(ctx.organization, 1, diff)])
