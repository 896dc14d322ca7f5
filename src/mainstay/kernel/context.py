"""What a piece of work knows: who asks, for which organization, in which transaction, at what time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncSession

from mainstay.kernel.errors import Forbidden

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

SYSTEM_USER = 0
"""``created_by`` of what no person did."""


@dataclass(slots=True, kw_only=True)
class Principal:
    """Who asks. ``user`` is the account's number, ``profile_id`` its id."""

    organization: str
    organization_name: str = ""
    user: int = SYSTEM_USER
    profile_id: str = ""
    username: str = "system"
    name: str = "Mainstay"
    email: str = ""
    kind: str = "system"
    """staff or requester (also by a key that acts as one), apikey (acts as nobody), anonymous, or system."""
    by_key: bool = False
    roles: tuple[str, ...] = ()
    privileges: frozenset[tuple[str, str]] = frozenset()
    is_admin: bool = False
    groups: tuple[str, ...] = ()
    """Device groups that the caller is confined to; none: sees every item."""
    session_id: str = ""
    must_change_password: bool = False
    csrf: str = ""
    generation: int = -1
    """The organization's configuration number as of authentication; -1: not known (see ``kernel.generation``)."""

    def can(self, module: str, privilege: str) -> bool:
        """Whether the role grants this privilege (view, add, edit, delete, execute, export, approve)."""
        return self.is_admin or (module, privilege) in self.privileges

    def require(self, module: str, privilege: str) -> None:
        """Raises ``Forbidden`` that names the missing permission."""
        if not self.can(module, privilege):
            raise Forbidden(f"You do not have permission to {privilege} {module.replace('_', ' ')}.",
                            permission=f"{module}.{privilege}")  # fmt: skip


def system(organization: str) -> Principal:
    """The principal of background work in one organization."""
    return Principal(organization=organization, is_admin=True)


@dataclass(slots=True, kw_only=True)
class Context:
    """One unit of work: a request, a job's step, a command. Everything in it is one transaction."""

    platform: Platform
    session: AsyncSession
    principal: Principal
    now: datetime
    request_id: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    """The request's headers, names in lower case."""
    host: str = ""
    ip: str = ""
    url: str = ""
    set_headers: dict[str, str] = field(default_factory=dict)
    set_cookies: list[Any] = field(default_factory=list)
    after_commit: list[Callable[[], Awaitable[None] | None]] = field(default_factory=list)
    cache: dict[Any, Any] = field(default_factory=dict)
    """Memory of this unit of work; never outlives it."""

    @property
    def organization(self) -> str:
        return self.principal.organization
