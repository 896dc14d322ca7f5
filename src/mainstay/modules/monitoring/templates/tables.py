"""Table of an organization's own device templates."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.orm import Mapped

from mainstay.kernel import fields as f
from mainstay.kernel.record import Record
from mainstay.modules.monitoring.templates.text import BadRule, pattern


def _oid(value: str) -> str | None:
    if re.fullmatch(r"=?\.?\d+(\.\d+){1,60}", value):
        return None
    return "sysObjectID must be numbers with dots, such as 1.3.6.1.4.1.9.1.1208."


def _expression(value: str) -> str | None:
    try:
        pattern(value)
    except BadRule as bad:
        return str(bad)
    return None


class DeviceTemplate(Record):
    """How devices of one kind are recognised, and what they are then."""

    __tablename__ = "device_template"

    product: Mapped[str] = f.text(label="Name", required=True, search=True, column=True, aliases=("name",))
    vendor: Mapped[str] = f.text(label="Manufacturer", length=120, search=True, column=True)
    sysobjectid: Mapped[str] = f.text(
        label="sysObjectID", length=200, search=True, column=True, check=_oid, aliases=("sys_object_id",),
        help="The beginning of it; with = in front the whole of it.",
    )  # fmt: skip
    sysdescr: Mapped[str] = f.text(
        label="Description matches", length=500, check=_expression, help="A regular expression (RE2) for sysDescr."
    )
    device_type: Mapped[str] = f.text(
        label="Type", length=80, column=True, help="The category of the CMDB, such as Switch."
    )
    os_type: Mapped[str] = f.text(label="Operating system", length=120, column=True)
    model: Mapped[str] = f.text(label="Model", length=160, search=True, column=True)
    series: Mapped[str] = f.text(label="Series", length=160)
    version_expression: Mapped[str] = f.text(
        label="Version is at", length=500, check=_expression, help="An expression whose group is the version."
    )
    resource: Mapped[list[Any]] = f.json(
        list, label="Statistics", aliases=("statistics",), listed=False,
        help="What to measure on such a device besides the usual: key, name, oid, type, kind, unit, scale, label_oid.",
    )  # fmt: skip
    is_enabled: Mapped[bool] = f.boolean(True, label="Enabled", column=True)
