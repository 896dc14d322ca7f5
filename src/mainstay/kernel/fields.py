"""Fields: the typed attributes of a resource, declared once on the table's columns.

``name: Mapped[str] = text(label="Name", required=True)`` declares the column and everything else that is made
from it: validation, filters, sort keys, CSV column, schema, console form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import BigInteger, Boolean, Date, Float, Integer, String, Text
from sqlalchemy.orm import MappedColumn, mapped_column

from mainstay.kernel.record import Identifier, JsonType, Timestamp

Kind = Literal[
    "text", "longtext", "html", "integer", "number", "boolean", "date", "datetime", "choice", "choices", "user",
    "users", "reference", "references", "email", "phone", "url", "color", "json", "secret", "tags",
]  # fmt: skip

MANY: frozenset[str] = frozenset({"choices", "users", "references", "tags"})
LINKS: frozenset[str] = frozenset({"user", "reference"})


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a choice field. ``id`` is what is stored."""

    id: int | str
    name: str
    color: str = ""


@dataclass(frozen=True, slots=True)
class Coarse:
    """A column that stands in the indexes for a finer one that changes too often. It never falls as that one rises."""

    column: str
    of: Callable[[Any], Any]
    """What the column holds for a value of the finer one."""


@dataclass(slots=True, kw_only=True)
class Field:
    """One attribute of a resource; see the helper functions below for how each kind is declared."""

    name: str = ""
    kind: Kind = "text"
    label: str = ""
    required: bool = False
    unique: bool = False
    read_only: bool = False
    max_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Choice, ...] = ()
    reference: str = ""
    search: bool = False
    filter: bool = True
    sort: bool = True
    listed: bool = True
    csv: bool = True
    column: bool = False  # shown in the console's default list
    section: str = "General"
    help: str = ""
    default: Any = None
    aliases: tuple[str, ...] = ()  # other names accepted on input
    custom: bool = False
    check: Callable[[Any], str | None] | None = field(default=None, repr=False)
    only: Mapping[str, tuple[int | str, ...]] = field(default_factory=dict)
    """What it is about: forms show it where these fields have one of these values."""
    coarse: Coarse | None = field(default=None, repr=False)
    """By which lists sort and find first."""

    @property
    def python_type(self) -> Any:
        """The type of a value in a response."""
        many: dict[str, Any] = {"choices": list[int | str], "users": list[str], "references": list[str],
                                "tags": list[str]}  # fmt: skip
        if self.kind in many:
            return many[self.kind]
        if self.kind == "choice":
            return int if self.choices and isinstance(self.choices[0].id, int) else str
        if self.kind == "json":
            return list[Any] if isinstance(self.default, list) else dict[str, Any]
        plain = {"integer": int, "number": float, "boolean": bool, "date": date, "datetime": datetime}
        return plain.get(self.kind, str)


def _column(type_: Any, spec: Field, *, index: bool = False, null: bool = True, default: Any = None) -> Any:
    if default is not None:
        spec.default = default() if callable(default) else default
    column: MappedColumn[Any] = mapped_column(type_, nullable=null, index=index, default=default, info={"field": spec})
    return column


def secret(name: str, label: str, *, length: int = 255, help: str = "", **only: tuple[int | str, ...]) -> Field:
    """What a form takes and no answer tells; the resource's behaviour seals it. ``only``: see ``Field``."""
    return Field(
        name=name, kind="secret", label=label, max_length=length, help=help, section="Secrets", filter=False,
        sort=False, listed=False, csv=False, only=only,
    )  # fmt: skip


def text(*, length: int = 255, **spec: Any) -> Any:
    """One line of text, at most ``length`` characters."""
    return _column(String(length), Field(kind=spec.pop("kind", "text"), max_length=length, **spec), null=False,
                   default="")  # fmt: skip


def longtext(*, kind: Kind = "longtext", length: int = 100_000, **spec: Any) -> Any:
    """Text of several lines (``kind="html"``: rich text, sanitised on the way in)."""
    spec = {"sort": False, "filter": kind == "longtext", **spec}
    return _column(Text, Field(kind=kind, max_length=length, **spec), null=False, default="")


def email(**spec: Any) -> Any:
    return text(kind="email", **{"length": 254, **spec})


def phone(**spec: Any) -> Any:
    return text(kind="phone", length=40, **spec)


def url(**spec: Any) -> Any:
    return text(kind="url", length=2000, **spec)


def color(**spec: Any) -> Any:
    return text(kind="color", length=32, **spec)


def integer(*, default: int | None = None, big: bool = False, **spec: Any) -> Any:
    """A whole number of 32 bits (64 with ``big``)."""
    limit = 2**63 - 1 if big else 2**31 - 1
    spec = {"minimum": -limit, "maximum": limit, **spec}
    return _column(BigInteger if big else Integer, Field(kind="integer", **spec), default=default)


def number(**spec: Any) -> Any:
    return _column(Float, Field(kind="number", **spec))


def boolean(default: bool = False, **spec: Any) -> Any:
    return _column(Boolean, Field(kind="boolean", **spec), null=False, default=default)


def day(**spec: Any) -> Any:
    return _column(Date, Field(kind="date", **spec))


def instant(**spec: Any) -> Any:
    """A point in time, UTC."""
    return _column(Timestamp, Field(kind="datetime", **spec))


def choice(choices: Sequence[Choice], *, default: int | str | None = None, index: bool = False, **spec: Any) -> Any:
    """One of ``choices``; the choice's id is stored."""
    numeric = isinstance(choices[0].id, int)
    return _column(Integer if numeric else String(64), Field(kind="choice", choices=tuple(choices), **spec),
                   index=index, default=default)  # fmt: skip


def choices(options: Sequence[Choice], **spec: Any) -> Any:
    spec = {"sort": False, **spec}
    return _column(JsonType, Field(kind="choices", choices=tuple(options), **spec), null=False, default=list)


def reference(resource: str, *, index: bool = False, **spec: Any) -> Any:
    """The id of another resource's record. Read back with ``<name>_name``, its title."""
    return _column(Identifier, Field(kind="reference", reference=resource, **spec), index=index)


def references(resource: str, **spec: Any) -> Any:
    spec = {"sort": False, **spec}
    return _column(JsonType, Field(kind="references", reference=resource, **spec), null=False, default=list)


def user(*, index: bool = False, **spec: Any) -> Any:
    """The profile id of a user."""
    return _column(Identifier, Field(kind="user", reference="user", **spec), index=index)


def users(**spec: Any) -> Any:
    spec = {"sort": False, **spec}
    return _column(JsonType, Field(kind="users", reference="user", **spec), null=False, default=list)


def tags(**spec: Any) -> Any:
    """Names of tags."""
    spec = {"sort": False, **spec}
    return _column(JsonType, Field(kind="tags", **spec), null=False, default=list)


def json(default: Callable[[], Any] = dict, **spec: Any) -> Any:
    """A nested document."""
    spec = {"sort": False, "filter": False, "csv": False, **spec}
    return _column(JsonType, Field(kind="json", **spec), null=False, default=default)


def field_of(column: Any) -> Field | None:
    """The field declared on a mapped column, with its name filled in."""
    spec: Field | None = column.info.get("field")
    if spec is not None:
        spec.name = spec.name or column.key
        spec.label = spec.label or column.key.replace("_", " ").capitalize()
    return spec
