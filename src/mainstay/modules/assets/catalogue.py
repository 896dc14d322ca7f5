"""What assets serve and run."""

from __future__ import annotations

from mainstay.kernel.registry import Registry
from mainstay.modules.assets import founding as _founding  # noqa: F401 - what organizations start with
from mainstay.modules.assets.audits.actions import stocktaking
from mainstay.modules.assets.audits.resource import audits
from mainstay.modules.assets.audits.resource import templates as audit_templates
from mainstay.modules.assets.categories.resource import categories
from mainstay.modules.assets.classification.resource import classifications
from mainstay.modules.assets.cmdb.lookup import AddressBook
from mainstay.modules.assets.cmdb.people import people as requester_items
from mainstay.modules.assets.cmdb.people import users as user_items
from mainstay.modules.assets.devicegroups.resource import device_groups
from mainstay.modules.assets.relations.resource import relation_types
from mainstay.modules.assets.served import items, relations


def register(registry: Registry) -> None:
    registry.add(items, categories, relations, relation_types, device_groups, classifications)
    registry.add(audits, audit_templates, stocktaking, user_items, requester_items)
    registry.service(AddressBook)
