"""What pretends to be a device and listens on TCP, with TLS or without."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


class Listening:
    """To be served by ``_serve``."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError

    @asynccontextmanager
    async def serving(self, address: str, port: int, certificate: Path | None = None) -> AsyncIterator[None]:
        context = None
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
        async with await asyncio.start_server(self._serve, address, port, ssl=context):
            yield
