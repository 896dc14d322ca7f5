"""A running installation for tests: the real application on a real database, one fresh organization per test."""

from __future__ import annotations

import asyncio
import itertools
import re
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

import httpx
from sqlalchemy import event

from mainstay.kernel import store
from mainstay.kernel.access import bootstrap
from mainstay.kernel.access.login import set_password
from mainstay.kernel.access.tables import Role, User
from mainstay.kernel.platform import Platform
from mainstay.kernel.record import Base, Scoped
from mainstay.modules.people.roles.service import make_defaults, permissions

PASSWORD = "Correct-horse-7"
_numbers = itertools.count(1)


@dataclass
class Someone:
    """An account of a test's organization and the key it calls with."""

    profile_id: str
    user: int
    username: str
    email: str
    key: str
    role: str


@dataclass
class World:
    """One organization. Calls are made as its administrator unless ``by`` says who."""

    platform: Platform
    client: httpx.AsyncClient
    organization: str
    slug: str
    roles: dict[str, str]
    admin: Someone
    people: list[Someone] = field(default_factory=list)

    async def call(
        self, method: str, path: str, *, by: Someone | None = None, expect: int | None = None, **options: Any
    ) -> Any:
        """The response's JSON (or text); fails when the status is not ``expect`` (else: not a success)."""
        response = await self.send(method, path, by=by, **options)
        if expect is None:
            assert response.is_success, f"{method} {path}: {response.status_code} {response.text[:600]}"
        else:
            assert response.status_code == expect, f"{method} {path}: {response.status_code} {response.text[:600]}"
        if not response.content:
            return None
        return response.json() if "json" in response.headers.get("content-type", "") else response.text

    async def send(self, method: str, path: str, *, by: Someone | None = None, **options: Any) -> httpx.Response:
        """The raw response."""
        headers = {"Authorization": f"ApiKey {(by or self.admin).key}", **options.pop("headers", {})}
        self.platform.memory.setdefault("tests", WeakSet()).add(asyncio.current_task())
        return await self.client.request(method, path, headers=headers, **options)

    async def get(self, path: str, **options: Any) -> Any:
        return await self.call("GET", path, **options)

    async def post(self, path: str, json: Any = None, **options: Any) -> Any:
        return await self.call("POST", path, json=json, **options)

    async def put(self, path: str, json: Any = None, **options: Any) -> Any:
        return await self.call("PUT", path, json=json, **options)

    async def patch(self, path: str, json: Any = None, **options: Any) -> Any:
        return await self.call("PATCH", path, json=json, **options)

    async def delete(self, path: str, **options: Any) -> Any:
        return await self.call("DELETE", path, **options)

    async def person(self, role: str = "IT Support Operator", *, password: bool = False, **values: Any) -> Someone:
        """A new account with a default role, and an API key that acts as it."""
        number = next(_numbers)
        name = values.pop("username", f"person{number}")
        async with self.platform.work(self.organization) as ctx:
            role_row = await ctx.session.get_one(Role, self.roles[role])
            account = await bootstrap.make_user(
                ctx, username=name, email=values.pop("email", f"{name}@{self.slug}.example"),
                full_name=values.pop("full_name", f"Person {number}"), role_ids=[role_row.id], **values,
            )  # fmt: skip
            if password:
                await set_password(ctx, account, PASSWORD)
                await store.save(ctx, account)
            key = await bootstrap.make_key(ctx, f"key {number}", role_row, account)
        someone = Someone(account.id, account.number, account.username, account.email, key, role)
        self.people.append(someone)
        return someone

    async def granted(self, wanted: dict[str, tuple[str, ...]]) -> Someone:
        """A new account whose role grants exactly these privileges per module."""
        number = next(_numbers)
        grantable = self.platform.registry.grantable()
        assert not wanted.keys() - {module for modules in grantable.values() for module in modules}
        async with self.platform.work(self.organization) as ctx:
            role = Role(
                role_name=f"Role {number}",
                selected_permissions=permissions(grantable, wanted),
            )  # type: ignore[arg-type]
            await store.add(ctx, role)
        self.roles[role.role_name] = role.id
        return await self.person(role.role_name)


async def make_world(platform: Platform, client: httpx.AsyncClient) -> World:
    """A fresh organization with its default roles and an administrator."""
    number = next(_numbers)
    slug = f"org{number}"
    async with platform.work("*") as ctx:
        organization = await bootstrap.make_organization(ctx, slug, f"Organization {number}")
    async with platform.work(organization.id) as ctx:
        roles = await make_defaults(ctx)
        admin_role = roles[bootstrap.ADMIN_ROLE]
        account: User = await bootstrap.make_user(
            ctx,
            username=f"admin{number}",
            email=f"admin@{slug}.example",
            full_name="Ada Admin",
            role_ids=[admin_role.id],
        )
        key = await bootstrap.make_key(ctx, "admin", admin_role, account)
    admin = Someone(account.id, account.number, account.username, account.email, key, bootstrap.ADMIN_ROLE)
    return World(platform, client, organization.id, slug, {name: role.id for name, role in roles.items()}, admin)


class Statements:
    """The SQL statements an engine ran, and those on an organization's table that name no organization."""

    def __init__(self, platform: Platform) -> None:
        self.ran: list[str] = []
        self.unscoped: list[str] = []
        self._scoped = sorted(
            {mapper.class_.__tablename__ for mapper in Base.registry.mappers if issubclass(mapper.class_, Scoped)}
        )
        self._engine = platform.database.engine.sync_engine
        self._mine: WeakSet[Any] = platform.memory.setdefault("tests", WeakSet())
        event.listen(self._engine, "before_cursor_execute", self._note)
        self._direct = platform.database.watchers
        self._direct.append(self._see)

    def close(self) -> None:
        event.remove(self._engine, "before_cursor_execute", self._note)
        self._direct.remove(self._see)

    def _note(self, connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: Any) -> None:
        for known in (connection.get_execution_options(), context.execution_options if context else {}):
            if known.get("any_organization"):
                return  # upkeep of the installation, not part of a request
        self._see(statement)

    def _see(self, statement: str) -> None:
        first = statement.lstrip().split(None, 1)[0].upper() if statement.strip() else ""
        # What runs beside the requests is no part of what a request costs.
        beside = asyncio.current_task() not in self._mine
        if first in ("BEGIN", "PRAGMA", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"):
            return
        if not beside:
            self.ran.append(statement)
        if first in ("SELECT", "UPDATE", "DELETE") and "organization" not in statement:
            low = statement.lower().replace('"', "")
            if any(re.search(rf"\b(from|update|join|into)\s+{name}\b", low) for name in self._scoped):
                self.unscoped.append(statement)
