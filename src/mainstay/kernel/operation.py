"""Operations: what the API serves, with the types that its documentation is made from."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_type_hints

import msgspec

Handler = Callable[..., Any]
H = TypeVar("H", bound=Handler)

PRIVILEGES = ("view", "add", "edit", "delete", "execute", "export", "approve")


class Success(msgspec.Struct, kw_only=True):
    """The answer where nothing else is to be said."""

    status: str = "success"


class Saved(msgspec.Struct, kw_only=True):
    """The answer of a write."""

    status: str = "success"
    id: str = ""
    message: str = ""
    msg: str = ""
    data: Any = None


class Deleted(msgspec.Struct, kw_only=True):
    """The answer of a bulk delete."""

    status: str = "success"
    deleted: int


class Page(msgspec.Struct, kw_only=True):
    """The envelope of every list."""

    count: int
    next: str | None
    previous: str | None
    results: list[Any]
    max_page_limit: int
    total_pages: int


@dataclass(slots=True)
class Reply:
    """An answer that is not plain JSON with the operation's usual status."""

    content: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
    stream: Any = None
    """An async iterator of bytes, or a path to a file (``pathlib.Path``)."""


@dataclass(slots=True)
class Upload:
    """A file that came with a request."""

    name: str
    content: bytes
    fields: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Operation:
    """One method on one path."""

    method: str
    path: str
    handler: Handler
    module: str
    permission: tuple[str, str] | None = None
    public: bool = False
    write: bool = False
    """Whether it runs in a writing transaction."""
    summary: str = ""
    description: str = ""
    status: int = 200
    body: Any = None
    query: Any = None
    returns: Any = None
    upload: bool = False
    raw: tuple[str, ...] = ()
    """Content types whose body goes to the handler as bytes. It runs after the caller is known, outside every database
    session: it may wait long without holding up anybody."""
    stage: str = ""
    """Which standard verb it is, for the console and the generic tests; empty for an action."""
    resource: str = ""
    example: Any = None
    parameters: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """``METHOD /path/``: the name the tests and the conformance count use."""
        return f"{self.method} {self.path}"

    @property
    def operation_id(self) -> str:
        words = self.path.strip("/").replace("{", "").replace("}", "").replace("/", "_").replace("-", "_")
        return f"{words}_{self.method.lower()}"


def operation(
    handler: Handler,
    method: str,
    path: str,
    module: str,
    *,
    permission: tuple[str, str] | None = None,
    **options: Any,
) -> Operation:
    """An operation from a handler; body, query and answer types are read off its annotations."""
    hints = get_type_hints(handler)
    names = list(inspect.signature(handler).parameters)
    doc = inspect.getdoc(handler) or ""
    summary, _, description = doc.partition("\n\n")
    options.setdefault("write", method != "GET")
    options.setdefault("body", hints.get("body"))
    options.setdefault("query", hints.get("query"))
    options.setdefault("returns", hints.get("return"))
    options.setdefault("summary", " ".join(summary.split()).rstrip("."))
    options.setdefault("description", description)
    options.setdefault("status", 200)
    options["upload"] = options.get("upload", "upload" in names)
    return Operation(
        method=method,
        path=path,
        handler=handler,
        module=module,
        permission=permission,
        parameters=tuple(n for n in names if n not in ("ctx", "body", "query", "upload")),
        **options,
    )


class Group:
    """Operations outside a resource, under one module of the API."""

    def __init__(self, module: str, prefix: str = "") -> None:
        self.module = module
        self.prefix = prefix
        self.operations: list[Operation] = []

    def route(
        self, method: str, path: str, *, permission: tuple[str, str] | None = None, **options: Any
    ) -> Callable[[H], H]:
        """Serve the decorated ``async def handler(ctx, [path parameters], [query], [body])``."""

        def add(handler: H) -> H:
            self.operations.append(
                operation(handler, method, self.prefix + path, self.module, permission=permission, **options)
            )
            return handler

        return add
