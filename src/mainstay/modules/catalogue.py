"""Every feature that is served, in the order the navigation shows them."""

from __future__ import annotations

from mainstay.kernel.registry import Registry
from mainstay.kernel.access.resource import apikeys
from mainstay.modules.people.authentication.resource import authentication, caller
from mainstay.modules.people.roles.resource import roles
from mainstay.modules.people.departments.resource import departments


def register(registry: Registry) -> None:
    """Add every resource and group of operations."""
    registry.add(authentication, caller, departments, roles, apikeys)
