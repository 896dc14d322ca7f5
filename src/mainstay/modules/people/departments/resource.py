"""The Department module of the API."""

from __future__ import annotations

from typing import Any

from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.people.departments.tables import Department


class Departments(Behaviour[Department]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        # The documented sample sends a list with the one head in it.
        head = data.get("dept_head")
        if isinstance(head, list):
            return {**data, "dept_head": head[0] if head else None}
        return data


departments = Resource(
    Department,
    module="Department",
    path="/ux/common/department/department/",
    label="Department",
    title="dept_name",
    area="people",
    section="User Management",
    id_name="dept_id",
    mirrors={"name": "dept_name", "ci_display_name": "dept_name", "ci_descr": "description"},
    behaviour=Departments(),
    natural_key="dept_name",
    sample={"dept_name": "Finance", "dept_head": [], "description": "Accounts and controlling", "prime_user": []},
)

