"""The declaration of a resource: routes, schemas, permissions, CSV, console pages and generic tests come from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement

from mainstay.kernel import fields as f
from mainstay.kernel.context import Context
from mainstay.kernel.fields import LINKS, Field, field_of
from mainstay.kernel.operation import Handler, Operation, operation
from mainstay.kernel.record import Record

R = TypeVar("R", bound=Record)
H = TypeVar("H", bound=Handler)

# The standard verbs and where they are served below the resource's path.
VERBS: dict[str, str] = {
    "list": "", "create": "", "read": "{id}/", "replace": "{id}/", "patch": "{id}/", "delete": "{id}/",
    "options": "options/", "multidelete": "multidelete/", "template": "download_csv/", "columns": "csv_columns/",
    "validate": "validate_csv/", "import": "upload_csv/", "export": "export/", "history": "{id}/history/",
    "attachments": "{id}/attachments/", "comments": "{id}/comments/",
}  # fmt: skip
CSV_VERBS = ("template", "columns", "validate", "import")


class Behaviour(Generic[R]):
    """What a resource does beyond storing; override what is needed. Everything is set-wise where it can be."""

    async def check(
        self,
        ctx: Context,
        rows: Sequence[dict[str, Any]],
        given: Sequence[Mapping[str, Any]],
        wrong: Sequence[dict[str, list[str]]],
    ) -> None:
        """Note in ``wrong`` what is wrong with the values of each new record, by field. Nothing is stored here.

        What is noted here costs an import one row; what ``prepare`` raises costs it a second look at the batch.
        """

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        """Complete and check values before records are created. ``given`` is the input they came from."""

    async def added(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        """After records were created, same transaction."""

    async def change(self, ctx: Context, entity: R, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        """Complete and check values before they are set on the entity."""

    async def saved(self, ctx: Context, entity: R, diff: list[dict[str, Any]], given: Mapping[str, Any]) -> None:
        """After a record was changed, same transaction."""

    async def removing(self, ctx: Context, entities: Sequence[R]) -> None:
        """Before records are deleted; raise ``Conflict`` to refuse."""

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        """Add to rows that are about to be answered; at most one statement for all of them."""

    def visible(self, ctx: Context) -> ColumnElement[bool] | None:
        """A further condition on the rows this caller may see."""
        return None

    def insider(self, ctx: Context) -> bool:
        """Whether the caller may see a record's inner life: its history and the remarks on it."""
        return True

    async def files_seen(self, ctx: Context, found: Sequence[Any]) -> Sequence[Any]:
        """The attachments, of those found on one record, that the caller may see."""
        return found

    def present(self, row: dict[str, Any]) -> dict[str, Any]:
        """The documented shape of a row, where it is not flat."""
        return row

    async def detail(self, ctx: Context, row: Any) -> Any:
        """The answer of a single read, where it is more than the record."""
        return row

    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        """Flat field values from the documented input shape."""
        return data

    async def options(self, ctx: Context) -> dict[str, Any]:
        """Additions to the answer of ``options/``."""
        return {}


class Resource(Generic[R]):
    """One declared resource. ``name`` is its table's name; ``module`` the API module (OpenAPI tag)."""

    def __init__(
        self,
        model: type[R],
        *,
        module: str,
        path: str,
        label: str,
        title: str,
        area: str,
        section: str = "General",
        plural: str = "",
        permission: str = "",
        permission_label: str = "",
        privileges: Sequence[str] = ("view", "add", "edit", "delete", "export"),
        id_name: str = "id",
        verbs: Mapping[str, str | tuple[str, ...] | None] | None = None,
        mirrors: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        secrets: Sequence[Field] = (),
        sort: str = "creation_time",
        reverse: bool = True,
        behaviour: Behaviour[R] | None = None,
        page: str | None = None,
        in_menu: bool = True,
        custom_fields: bool = True,
        sample: Mapping[str, Any] | None = None,
        natural_key: str = "",
        output_name: str = "",
        cache_lists: bool = False,
        plain_inserts: bool = False,
        output: type[msgspec.Struct] | None = None,
        detail: type[msgspec.Struct] | None = None,
    ) -> None:
        self.model = model
        self.name: str = model.__tablename__
        self.module = module
        self.path = path
        self.label = label
        self.plural = plural or f"{label}s"
        self.title = title
        self.area = area
        self.section = section
        self.permission = permission or self.name
        self.permission_label = permission_label or self.plural
        self.privileges = tuple(privileges)
        self.id_name = id_name
        self.mirrors = dict(mirrors or {})
        self.extra = dict(extra or {})
        self.secrets = tuple(secrets)
        self.sort = sort
        self.reverse = reverse
        self.behaviour: Behaviour[R] = behaviour or Behaviour()
        self.page = page
        self.in_menu = in_menu
        self.custom_fields = custom_fields
        self.sample = dict(sample or {})
        self.natural_key = natural_key
        self.cache_lists = cache_lists
        self.plain_inserts = plain_inserts
        """A new record is what was inserted: nothing adds to its row, and every value reads as it was written."""
        self.output_name = output_name or "".join(part.capitalize() for part in self.name.split("_"))
        self.verbs: dict[str, tuple[str, ...]] = {}
        for verb, spelling in {**VERBS, **(verbs or {})}.items():
            if spelling is not None:
                self.verbs[verb] = (spelling,) if isinstance(spelling, str) else spelling
        self.fields: dict[str, Field] = {}
        for column in model.__table__.columns:
            spec = field_of(column)
            if spec is not None:
                self.fields[column.key] = spec
        self.links = {name: spec for name, spec in self.fields.items() if spec.kind in LINKS}
        self.actions: list[Operation] = []
        self.memory: dict[Any, Any] = {}
        """Statements and struct types built once from the declaration."""
        if output is not None:
            self.memory["output"] = output
        if detail is not None:
            self.memory["detail"] = detail

    def writable(self) -> dict[str, Field]:
        """Fields a client may set."""
        if "writable" not in self.memory:
            self.memory["writable"] = {name: spec for name, spec in self.fields.items() if not spec.read_only}
        found: dict[str, Field] = self.memory["writable"]
        return found

    def stamps(self) -> dict[str, Field]:
        """The audit stamps, as fields that lists sort and filter by."""
        made: dict[str, Field] = self.memory.get("stamps") or {
            "creation_time": Field(name="creation_time", kind="datetime", label="Created", read_only=True, csv=False),
            "last_update_time": Field(name="last_update_time", kind="datetime", label="Updated", read_only=True,
                                      csv=False),
            "id": Field(name="id", kind="text", label="Record ID", read_only=True, csv=False, sort=False),
            "created_by": Field(name="created_by", kind="integer", label="Created by", read_only=True, csv=False),
        }  # fmt: skip
        self.memory["stamps"] = made
        return made

    def action(self, method: str, suffix: str, *, privilege: str = "view", **options: Any) -> Callable[[H], H]:
        """Serve a function below the resource's path: ``async def f(ctx, [id], [query], [body])``."""

        def add(handler: H) -> H:
            self.actions.append(
                operation(handler, method, self.path + suffix, options.pop("module", self.module),
                          permission=(self.permission, privilege), resource=self.name, **options)
            )  # fmt: skip
            return handler

        return add

    def operations(self) -> list[Operation]:
        """Every operation of this resource: the standard verbs it has, and its actions."""
        from mainstay.kernel import verbs

        taken = {operation.key for operation in self.actions}
        made = [operation for operation in verbs.operations(self) if operation.key not in taken]
        return [*self.actions, *made]

    @property
    def output(self) -> type[msgspec.Struct]:
        """The record as it is answered; a struct made from the fields."""
        if "output" not in self.memory:
            optional = msgspec.UNSET
            shape: dict[str, Any] = {self.id_name: str, "id": str}
            for name, spec in self.fields.items():
                shape[name] = spec.python_type | None
                if spec.kind in LINKS or spec.kind == "choice":
                    shape.setdefault(f"{name}_name", str | None)
            for mirror, source in self.mirrors.items():
                shape.setdefault(mirror, shape[source])
            for name, type_ in (*f_stamps().items(), *self.extra.items()):
                shape[name] = type_
            if self.custom_fields:
                shape["custom_field_data"] = dict[str, Any]
            made = [(name, type_ | msgspec.UnsetType, optional) for name, type_ in shape.items()]
            self.memory["output"] = msgspec.defstruct(self.output_name, made, kw_only=True, module=__name__)
        struct: type[msgspec.Struct] = self.memory["output"]
        return struct

    @property
    def input(self) -> type[msgspec.Struct]:
        """What create and update take, for the documentation."""
        if "input" not in self.memory:
            made: list[Any] = []
            for name, spec in self.writable().items():
                made.append((name, _input_type(spec) | msgspec.UnsetType, msgspec.UNSET))
            made += [(name, Any, msgspec.UNSET) for name in self.sample if name not in self.writable()]
            if self.custom_fields:
                made.append(("custom_field_data", dict[str, Any] | msgspec.UnsetType, msgspec.UNSET))
            self.memory["input"] = msgspec.defstruct(self.output_name + "Input", made, kw_only=True, module=__name__)
        struct: type[msgspec.Struct] = self.memory["input"]
        return struct


def _input_type(spec: Field) -> Any:
    if spec.kind in f.MANY:
        return list[Any] | str | None
    if spec.kind == "json":
        return dict[str, Any] | list[Any] | None
    if spec.kind in ("choice", "reference", "user"):
        return int | str | dict[str, Any] | None
    if spec.kind == "boolean":
        return bool | None
    if spec.kind in ("integer", "number"):
        return int | float | None
    return str | None


def f_stamps() -> dict[str, Any]:
    from datetime import datetime

    return {
        "organization": str, "creation_time": datetime, "created_by": int, "last_update_time": datetime,
        "modified_by": int, "version": int, "is_deleted": bool, "is_demo_data": bool,
    }  # fmt: skip
