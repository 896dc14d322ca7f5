"""The settings page's operations: the options that features declare, and what the organization chose."""

from __future__ import annotations

from typing import Any

import msgspec

from mainstay.kernel import options
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import Field
from mainstay.kernel.operation import Group

settings = Group("Settings")


class Setting(msgspec.Struct, kw_only=True):
    """One option and its value."""

    name: str
    label: str
    kind: str
    value: Any
    default: Any
    help: str
    choices: list[dict[str, Any]] | None
    section: str
    minimum: float | None
    maximum: float | None


class SettingsAnswer(msgspec.Struct, kw_only=True):
    """Every option of the organization."""

    settings: list[Setting]


class SettingsInput(msgspec.Struct, kw_only=True):
    """New values by option name; what is not named stays."""

    values: dict[str, Any]


@settings.route("GET", "/api/settings", permission=("settings", "view"))
async def read(ctx: Context) -> SettingsAnswer:
    """Read the organization's settings"""
    return await _all(ctx)


@settings.route("PUT", "/api/settings", permission=("settings", "edit"))
async def write(ctx: Context, body: SettingsInput) -> SettingsAnswer:
    """Change settings; all of the values given, or none"""
    if not body.values:
        raise Invalid.field("values", "Please provide values.")
    await options.put(ctx, body.values)
    return await _all(ctx)


async def _all(ctx: Context) -> SettingsAnswer:
    declared = options.declared()
    values = await options.get(ctx, *declared)
    pairs = sorted(zip(declared.values(), values, strict=True), key=lambda pair: pair[0].section)
    return SettingsAnswer(settings=[_shown(spec, value) for spec, value in pairs])


def _shown(spec: Field, value: Any) -> Setting:
    hidden = spec.kind == "secret"
    return Setting(
        name=spec.name, label=spec.label, kind=spec.kind, value="" if hidden else value, default=spec.default,
        help=spec.help, section=spec.section, minimum=spec.minimum, maximum=spec.maximum,
        choices=[{"id": choice.id, "name": choice.name} for choice in spec.choices] or None,
    )  # fmt: skip
