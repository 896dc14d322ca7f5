"""Tables of trap configurations and of who may send traps."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import fields as f
from mainstay.kernel.fields import Choice
from mainstay.kernel.record import JsonType, Record, unique
from mainstay.modules.monitoring.credentials.tables import AUTH_CHOICES, PRIVACY_CHOICES

ACTIVE, INACTIVE = 1, 0
STATUSES = (Choice(ACTIVE, "Active", "#16a34a"), Choice(INACTIVE, "Inactive", "#6b7280"))
SEVERITIES = (
    Choice(1, "Critical", "#dc2626"),
    Choice(2, "Major", "#f97316"),
    Choice(3, "Minor", "#eab308"),
    Choice(4, "Informational", "#16a34a"),
)
ALARM, EVENT = "alarm", "event"
TYPES = (Choice(ALARM, "Alarm"), Choice(EVENT, "Event"))
RAISE, STORE = "raise", "store"
ACTIONS = (Choice(RAISE, "Raise an event"), Choice(STORE, "Keep the trap only"))
ALL, SELECTED, EXCEPT = "all", "selected", "except"
APPLICABLE = (Choice(ALL, "All devices"), Choice(SELECTED, "Selected devices"), Choice(EXCEPT, "All but selected"))

COMMUNITY, USER = "community", "user"
KINDS = (Choice(COMMUNITY, "Community (v1, v2c)"), Choice(USER, "User (v3)"))


class TrapConfiguration(Record):
    """What a trap means: when it raises an event, how bad that is, what it says, and what ends it."""

    __tablename__ = "trap_configuration"
    __table_args__ = (unique("trap_configuration", "lower:name"),)

    name: Mapped[str] = f.text(label="Name", required=True, search=True, unique=True, column=True)
    trap_id: Mapped[str] = f.text(
        label="Trap", search=True, length=225, column=True,
        help="The notification's name, such as linkDown. Empty: found by its OID.",
    )  # fmt: skip
    trap_oid: Mapped[str] = f.text(
        label="Trap OID", search=True, length=500, column=True, help="Its number, or its name in a loaded MIB."
    )
    trap_clear_oid: Mapped[str] = f.text(
        label="Clearing trap OID", search=True, length=500, help="The trap that ends what this one raised."
    )
    clear_event_on_clear_oid: Mapped[bool] = f.boolean(
        True, label="Clear by the clearing trap", help="Off: the clearing trap is kept, and ends nothing."
    )
    description: Mapped[str] = f.text(label="Description", length=4000, search=True)
    type: Mapped[str] = f.choice(
        TYPES, default=ALARM, label="Type", help="An alarm lasts until it is cleared; an event happens once."
    )
    action: Mapped[str] = f.choice(ACTIONS, default=RAISE, label="Action")
    status: Mapped[int] = f.choice(STATUSES, default=ACTIVE, label="Status", column=True)
    severity: Mapped[int] = f.choice(SEVERITIES, default=3, label="Severity", column=True)
    event_class: Mapped[str] = f.text(
        label="Event class", search=True, help="What kind of event it is. Empty: Trap and the configuration's name."
    )
    resource: Mapped[str] = f.text(
        label="Resource",
        help="The part of the device, with macros. Empty: the interface, where one is named.",
    )
    resource_var_bind: Mapped[str] = f.text(
        label="Resource variable", help="The variable that holds it, by name, OID or position."
    )
    set_criteria: Mapped[dict[str, Any]] = f.json(
        label="Raise when", help='{"condition": "and", "varbind": [{"key", "condition", "value"}]}. Empty: always.'
    )
    reset_criteria: Mapped[dict[str, Any]] = f.json(
        label="Clear when", help="The same; a trap that fits this ends the alarm instead of raising it."
    )
    alarm_msg: Mapped[str] = f.text(label="Message", length=2000, help="With macros such as $ifDescr, $1 or $source.")
    clear_msg: Mapped[str] = f.text(label="Clearing message", length=2000)
    applicable: Mapped[str] = f.choice(APPLICABLE, default=ALL, label="Applies to")
    applies_to: Mapped[dict[str, Any]] = f.json(
        label="Devices", help='Addresses and networks: {"addresses": ["192.0.2.0/24"]}.'
    )
    applicable_filter: Mapped[dict[str, Any]] = f.json(
        label="Further condition", help="On the trap's variables, written as in Raise when."
    )
    stat_name: Mapped[str] = f.text(label="Statistic", help="The variable whose number goes along with the event.")
    stat_dn: Mapped[str] = f.text(label="Statistic's display name")
    stat_unit: Mapped[str] = f.text(label="Statistic's unit", length=60)
    stat_map: Mapped[dict[str, Any]] = f.json(label="Further statistics", help="Display name to variable.")
    rca: Mapped[dict[str, Any]] = f.json(
        label="Root cause", help='What to say about the cause: {"raise_msg": "...", "clear_msg": "..."}.'
    )
    config_download: Mapped[dict[str, Any]] = f.json(
        label="Configuration download", help="Handed on with the event to what downloads configurations."
    )
    thresid_map: Mapped[str] = f.text(label="Threshold mapping")
    shipped: Mapped[bool] = f.boolean(label="Shipped", read_only=True, help="It came along; change it as you like.")


class TrapCredential(Record):
    """A community or user that traps are accepted from."""

    __tablename__ = "trap_credential"
    __table_args__ = (unique("trap_credential", "lower:name"),)

    name: Mapped[str] = f.text(label="Name", required=True, search=True, unique=True, column=True)
    kind: Mapped[str] = f.choice(KINDS, default=COMMUNITY, label="Kind", column=True)
    username: Mapped[str] = f.text(label="User name", length=32, column=True, search=True, only={"kind": (USER,)})
    auth_protocol: Mapped[str | None] = f.choice(
        AUTH_CHOICES, label="Authentication", column=True, only={"kind": (USER,)}
    )
    privacy_protocol: Mapped[str | None] = f.choice(
        PRIVACY_CHOICES, label="Privacy", column=True, only={"kind": (USER,)}
    )
    networks: Mapped[str] = f.text(
        label="Accepted from", length=2000, column=True,
        help="Addresses and networks, separated by commas. Empty: from anywhere.",
    )  # fmt: skip
    status: Mapped[int] = f.choice(STATUSES, default=ACTIVE, label="Status", column=True)
    sealed: Mapped[dict[str, str]] = mapped_column(JsonType, default=dict)
