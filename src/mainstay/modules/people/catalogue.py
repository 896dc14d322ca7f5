"""What people serves."""

from __future__ import annotations

from mainstay.kernel.access.resource import apikeys
from mainstay.kernel.registry import Registry
from mainstay.modules.people.authentication.resource import authentication, caller
from mainstay.modules.people.departments.resource import departments
from mainstay.modules.people.invitations.resource import invitations
from mainstay.modules.people.leaves.actions import holidays, leave_types, leaves
from mainstay.modules.people.partners.resource import partners
from mainstay.modules.people.requesters.resource import requesters
from mainstay.modules.people.roles.resource import roles
from mainstay.modules.people.teams.actions import teams
from mainstay.modules.people.users.clocks import clocks
from mainstay.modules.people.users.picture import own
from mainstay.modules.people.users.resource import users
from mainstay.modules.people.vendors.resource import vendors


def register(registry: Registry) -> None:
    registry.add(authentication, caller, own, clocks, invitations, users, requesters, departments, roles, apikeys)
    registry.add(teams, vendors, partners, leaves, leave_types, holidays)
