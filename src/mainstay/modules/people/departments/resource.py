"""The Department module of the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mainstay.kernel import references
from mainstay.kernel.context import Context
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.people.departments.tables import Department
from mainstay.modules.people.persons import who, whos


class Departments(Behaviour[Department]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        out = dict(data)
        if "dept_head" in out:
            # The documented sample sends a list with the one head in it.
            head = out["dept_head"]
            out["dept_head"] = who(head[0] if head else None) if isinstance(head, list) else who(head)
        if "prime_user" in out:
            out["prime_user"] = whos(out["prime_user"])
        return out

    async def removing(self, ctx: Context, entities: Sequence[Department]) -> None:
        await references.release(ctx, "department", "The department", [entity.id for entity in entities],
                                 keep=("servicedesk",))  # fmt: skip


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
    sample={
        "dept_name": "Finance",
        "dept_head": [],
        "description": "Accounts and controlling",
        "prime_user": [],
    },
)
