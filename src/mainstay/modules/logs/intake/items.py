"""Which configuration item a sender of log lines is."""

from __future__ import annotations

from collections.abc import Collection

from mainstay.kernel.platform import Platform
from mainstay.modules.assets.cmdb.lookup import AddressBook
from mainstay.modules.logs.intake import sources


@sources.find_items
async def items(platform: Platform, organization: str, addresses: Collection[str]) -> dict[str, str]:
    """The ids of the items of these addresses, from memory where they were asked for before."""
    book = platform.service(AddressBook)
    found = await book.look_up(organization, addresses) if book else {}
    return {address: item.id for address, item in found.items()}
