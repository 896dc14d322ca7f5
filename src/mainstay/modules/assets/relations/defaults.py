"""The types of relations every organization starts with."""

from __future__ import annotations

from mainstay.kernel import store
from mainstay.kernel.context import Context
from mainstay.modules.assets.relations.tables import ON_BOTH, ON_NONE, ON_SOURCE, ON_TARGET, RelationType

# code, reading, reverse reading, impact, needs all of them
TYPES: tuple[tuple[str, str, str, str, bool], ...] = (
    ("depends_on", "Depends on", "Is depended on by", ON_SOURCE, False),
    ("runs_on", "Runs on", "Runs", ON_SOURCE, False),
    ("hosted_on", "Hosted on", "Hosts", ON_SOURCE, False),
    ("member_of", "Member of", "Has member", ON_TARGET, False),
    ("part_of", "Part of", "Consists of", ON_SOURCE, True),
    ("contains", "Contains", "Contained by", ON_TARGET, True),
    ("uplink", "Uplink to", "Downlink to", ON_SOURCE, False),
    ("connects", "Connects to", "Connected to", ON_NONE, False),
    ("attached_to", "Attached to", "Has attached", ON_SOURCE, False),
    ("powered_by", "Powered by", "Powers", ON_SOURCE, False),
    ("stores_on", "Stores data on", "Stores data of", ON_SOURCE, True),
    ("consumes", "Consumes", "Consumed by", ON_SOURCE, True),
    ("provides", "Provides", "Provided by", ON_TARGET, False),
    ("backed_up_by", "Backed up by", "Backs up", ON_NONE, False),
    ("fails_over_to", "Fails over to", "Takes over for", ON_NONE, False),
    ("peer_of", "Peer of", "Peer of", ON_NONE, False),
    ("manages", "Manages", "Managed by", ON_NONE, False),
    ("installed", "Has installed", "Installed on", ON_NONE, False),
    ("written_by", "Written by", "Author of", ON_NONE, False),
    ("mutual", "Fails with", "Fails with", ON_BOTH, False),
    ("belongs_to", "Belongs to", "Has", ON_NONE, False),
    ("located_at", "Located at", "Location of", ON_NONE, False),
    ("owned_by", "Owned by", "Owner of", ON_NONE, False),
    ("used_by", "Used by", "User of", ON_NONE, False),
    ("managed_by", "Looked after by", "Looks after", ON_NONE, False),
    ("requested_by", "Requested by", "Requester of", ON_NONE, False),
)


async def make(ctx: Context) -> None:
    """Create them in the caller's organization."""
    rows = [
        {
            "code": code,
            "name": name,
            "reverse": reverse,
            "impact": impact,
            "needs_all": needs_all,
            "is_preconfigured": True,
        }
        for code, name, reverse, impact, needs_all in TYPES
    ]
    await store.add_many(ctx, RelationType, rows)
