"""The SSH host keys that are trusted: one for each address and port, until somebody forgets it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from mainstay.kernel.context import Context
from mainstay.kernel.late import asyncssh
from mainstay.modules.monitoring.commands.tables import SshHostKey


async def known(ctx: Context, addresses: Sequence[str]) -> dict[tuple[str, int], str]:
    """The public keys that are trusted for these addresses, by address and port."""
    query = select(SshHostKey.address, SshHostKey.port, SshHostKey.public_key)
    found = await ctx.session.execute(query.where(SshHostKey.address.in_(addresses)))
    return {(row.address, row.port): row.public_key for row in found.all()}


async def keep(ctx: Context, address: str, port: int, key: asyncssh.SSHKey) -> None:
    """Trust a key from now on; one that is trusted already stays."""
    if (address, port) in await known(ctx, [address]):
        return
    ctx.session.add(SshHostKey(
        organization=ctx.organization, address=address, port=port, fingerprint=key.get_fingerprint(), since=ctx.now,
        public_key=key.export_public_key().decode().strip(), by_name=ctx.principal.name[:255],
    ))  # fmt: skip
    await ctx.session.flush()
