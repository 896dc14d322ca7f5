"""The Role Profile module of the API."""

from __future__ import annotations

from mainstay.kernel.access.tables import Role
from mainstay.kernel.resource import Resource

roles = Resource(
    Role,
    module="Role Profile",
    path="/ux/common/roles/profile/",
    label="Role",
    title="role_name",
    area="settings",
    section="User Management",
    page="roles",
)
