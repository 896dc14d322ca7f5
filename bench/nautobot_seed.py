"""Runs inside Nautobot's shell: the caller, its rights and token, and as many VLANs as asked for."""

import os
import random

from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from nautobot.extras.models import ObjectChange, Role, Status
from nautobot.ipam.models import VLAN, VLANGroup
from nautobot.tenancy.models import Tenant
from nautobot.users.models import ObjectPermission, Token

wanted = int(os.environ["BENCH_ROWS"])
kind = ContentType.objects.get_for_model(VLAN)
user, _ = get_user_model().objects.get_or_create(username="bench")
rights, _ = ObjectPermission.objects.get_or_create(
    name="bench", defaults={"actions": ["view", "add", "change", "delete"]}
)
rights.object_types.set(
    [kind] + [ContentType.objects.get_for_model(model) for model in (Status, Role, Tenant, VLANGroup)]
)
rights.users.set([user])
Token.objects.get_or_create(key=os.environ["BENCH_TOKEN"], defaults={"user": user})
for status in Status.objects.filter(name__in=["Active", "Reserved", "Deprecated"]):
    status.content_types.add(kind)
# What an earlier run created goes, so that every run lists the same table.
VLAN.objects.filter(name__startswith="Single ")._raw_delete(using="default")
ObjectChange.objects.all()._raw_delete(using="default")
have = VLAN.objects.count()
if have < wanted:
    statuses = list(Status.objects.filter(name__in=["Active", "Reserved", "Deprecated"]))
    roles = [Role.objects.get_or_create(name=f"Bench {n}")[0] for n in range(5)]
    for role in roles:
        role.content_types.add(kind)
    tenants = [Tenant.objects.get_or_create(name=f"Tenant {n}")[0] for n in range(20)]
    groups = [VLANGroup.objects.get_or_create(name=f"Group {n}")[0] for n in range(wanted // 4000 + 1)]
    dice = random.Random(1)
    for start in range(have, wanted, 5000):
        VLAN.objects.bulk_create(
            VLAN(
                vid=n % 4000 + 1,
                name=f"VLAN {n:07d}",
                vlan_group=groups[n // 4000],
                status=dice.choice(statuses),
                role=dice.choice(roles),
                tenant=dice.choice(tenants),
                description=f"Seeded as number {n}",
            )
            for n in range(start, min(start + 5000, wanted))
        )
