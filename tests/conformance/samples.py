"""Input for one record of each resource, made from its declaration."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from typing import Any

from mainstay.kernel.fields import Field
from mainstay.kernel.resource import Resource
from tests.support import World

_numbers = itertools.count(1)

# What a declaration cannot say: values that only make sense together.
SPECIAL: dict[str, dict[str, Any]] = {
    "custom_field": {"resource": "department", "kind": "text"},
    "async_task": {"task_path": "incident.auto_close", "task_trigger_data": "0 3 * * *"},
    "field_config": {"module": "incident", "field_config": {"urgency_id": "read_only"}},
    "announcement": {"publish_start": "2026-01-01T00:00:00Z", "publish_end": "2099-01-01T00:00:00Z"},
    "notification_subscription": {"addresses": ["ann@example.com"]},
    "notification_channel": {"kind": "email"},
    "notification": {"kind": "email", "recipient": "ann@example.com", "due_at": "2099-01-01T00:00:00Z"},
    "event_rule": {"pattern": "sample (?P<number>[0-9]+)"},
    "maintenance": {"start": "2026-01-05T22:00:00Z", "end": "2026-01-05T23:00:00Z", "hosts": ["core-*"]},
    "log_lookup_table": {"content": "key,value\na,b\n"},
    "user": {"password": "Horse-staple-42", "confirm_password": "Horse-staple-42"},
    "trap_configuration": {"trap_oid": "1.3.6.1.6.3.1.1.5.3"},
    "trap_credential": {"community": "sample"},
    "credential": {"community": "sample"},
    "ssh_access": {"password": "sample"},
    "device_template": {"sysobjectid": "1.3.6.1.4.1.99999.1", "sysdescr": "sample", "version_expression": "sample"},
    "monitor_threshold": {"metric": "cpu", "set_point": 2, "reset_point": 1},
    "discovery": {"host": "192.0.2.0/28", "params": {}, "schedule": {}, "csv_data": [], "credentials": []},
}


def value(spec: Field, number: int) -> Any:
    """A value that the field takes; text differs with ``number``."""
    match spec.kind:
        case "choice":
            return spec.choices[0].id
        case "choices":
            return [spec.choices[0].id]
        case "email":
            return f"sample{number}@example.com"
        case "integer" | "number":
            return 1
        case "boolean":
            return True
        case "date":
            return str(date(2026, 1, 5) + timedelta(days=number))
        case "datetime":
            return "2026-01-31T09:30:00+00:00"
        case "url":
            return "https://example.com/"
        case "phone":
            return f"+49 171 {number:06d}"
        case "color":
            return "#1d4ed8"
        case "tags":
            return [f"tag{number}"]
    return f"Sample {number}"


async def sample(world: World, res: Resource[Any], **overrides: Any) -> dict[str, Any]:
    """Input for a new record: the mandatory fields, and the title."""
    number = next(_numbers)
    given: dict[str, Any] = {}
    for name, spec in res.writable().items():
        if not spec.required and name != res.title:
            continue
        if spec.kind in ("user", "users"):
            given[name] = world.admin.profile_id if spec.kind == "user" else [world.admin.profile_id]
        elif spec.kind in ("reference", "references"):
            target = world.platform.registry.resources[spec.reference]
            made = await target_id(world, target)
            given[name] = made if spec.kind == "reference" else [made]
        else:
            given[name] = value(spec, number)
    if res.name == "ci_relation":
        given["target"] = await target_id(world, world.platform.registry.resources["ci"])
    if res.name == "log_grok_pattern":
        given["name"] = f"SAMPLE_{number}"
    if res.name == "leave":
        monday = str(date(2026, 1, 5) + timedelta(weeks=number))
        given |= {"start_date": monday, "end_date": monday}
    if res.name == "mib":
        text = (
            f"SAMPLE{number}-MIB DEFINITIONS ::= BEGIN\nsample{number} OBJECT IDENTIFIER ::= {{ iso {number} }}\nEND\n"
        )
        given = {"mib_text": text}
    return {**given, **SPECIAL.get(res.name, {}), **overrides}


async def target_id(world: World, target: Resource[Any]) -> str:
    """The id of a record to refer to."""
    if target.name == "role":
        return world.roles["IT Support Operator"]
    made = await world.post(target.path, await sample(world, target), expect=201)
    found: str = made["id"]
    return found


async def create(world: World, res: Resource[Any], **overrides: Any) -> dict[str, Any]:
    """A new record through the API; the answer's data."""
    made = await world.post(res.path, await sample(world, res, **overrides), expect=201)
    data: dict[str, Any] = made["data"]
    return data
