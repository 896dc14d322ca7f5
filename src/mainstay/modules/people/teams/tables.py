"""Table of teams."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Mapped

from mainstay.kernel import fields as f
from mainstay.kernel.fields import Choice
from mainstay.kernel.record import Record, unique

APPROVAL, CAB, TECHNICAL, SERVICE_DESK = "approval", "cab", "technical", "service_desk"
TYPES = (
    Choice(APPROVAL, "Approval"),
    Choice(CAB, "CAB"),
    Choice(TECHNICAL, "Technical/Operation"),
    Choice(SERVICE_DESK, "Service desk"),
)
MODULES = (
    Choice(1, "Ticket"),
    Choice(2, "Request"),
    Choice(3, "Problem"),
    Choice(4, "Change"),
    Choice(5, "Release"),
    Choice(6, "Contract"),
    Choice(7, "Purchase order"),
    Choice(8, "Knowledge base"),
    Choice(9, "Event"),
    Choice(10, "Task"),
    Choice(11, "Asset"),
)
BY_USER, BY_TAG, BY_EXPERTISE = "user", "tag", "expertise"
SELECTIONS = (
    Choice(BY_USER, "Individual users"),
    Choice(BY_TAG, "User tag"),
    Choice(BY_EXPERTISE, "Expertise"),
)


class Team(Record):
    """People who work or decide together. Everybody with a level or a turn in it is in ``staffs`` as well."""

    __tablename__ = "team"
    __table_args__ = (unique("team", "lower:name"),)

    name: Mapped[str] = f.text(
        label="Name", length=225, required=True, search=True, unique=True, column=True, aliases=("team_name",)
    )
    description: Mapped[str] = f.text(label="Description", length=2000, search=True)
    module: Mapped[int | None] = f.choice(
        MODULES,
        label="Module",
        column=True,
        aliases=("module_id", "module_name"),
        help="Whose work it does; empty: any.",
    )
    type: Mapped[str] = f.choice(TYPES, default=TECHNICAL, label="Type", column=True, aliases=("group_type",))
    staff_selection_type: Mapped[str] = f.choice(
        SELECTIONS,
        default=BY_USER,
        label="Members by",
        section="Members",
        help="Individual users; or also everybody with one of the tags, or of the skills.",
    )
    staffs: Mapped[list[str]] = f.users(label="Members", section="Members", aliases=("staff", "members"))
    owner: Mapped[list[str]] = f.users(label="Owners", section="Members", aliases=("owners",))
    tags: Mapped[list[str]] = f.tags(label="User tags", section="Members", only={"staff_selection_type": (BY_TAG,)})
    expertise: Mapped[list[str]] = f.tags(
        label="Expertise groups",
        section="Members",
        aliases=("expertiseGroupList", "expertise_groups"),
        only={"staff_selection_type": (BY_EXPERTISE,)},
    )
    level_staff: Mapped[list[Any]] = f.json(list, label="Support levels", section="Members", help="Who is at L1, L2 …")
    is_approval_sequence: Mapped[bool] = f.boolean(
        label="Approve in sequence", section="Approval", aliases=("approval_sequence",)
    )
    sequence_staffs: Mapped[list[Any]] = f.json(list, label="Approval sequence", section="Approval")
    approval_percentage: Mapped[int] = f.integer(
        default=100, label="Approvals needed, percent", minimum=1, maximum=100, section="Approval"
    )
    response_required: Mapped[bool] = f.boolean(label="Answer required", section="Approval")
    locations: Mapped[list[str]] = f.references(
        "location", label="Locations", section="Scope", column=True, aliases=("location",)
    )
    department: Mapped[str | None] = f.reference("department", label="Department", section="Scope", column=True)
    asset_tags: Mapped[list[str]] = f.tags(label="Asset tags", section="Scope")
    business_hr_profile: Mapped[dict[str, Any]] = f.json(label="Business hours", section="Scope", listed=False)
    group_email: Mapped[str] = f.email(label="Group e-mail", search=True, section="Notifications", column=True)
    is_add_notify_required: Mapped[bool] = f.boolean(label="Tell people who are added", section="Notifications")
    team_delegate: Mapped[bool] = f.boolean(label="Delegates stand in", section="Delegation")
    sequence_delegate: Mapped[bool] = f.boolean(label="Delegates stand in within the sequence", section="Delegation")
    delegate_members: Mapped[list[str]] = f.users(label="Delegates", section="Delegation", aliases=("delegates",))
    events_thres_id: Mapped[list[Any]] = f.json(list, label="Event thresholds", listed=False)
    config: Mapped[dict[str, Any]] = f.json(label="Further settings", listed=False)
    is_preconfigure: Mapped[bool] = f.boolean(label="Built in", read_only=True)
