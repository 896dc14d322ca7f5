"""The way into one organization from outside: log-in by host name, from an address of its own."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import httpx

from mainstay.kernel.platform import Platform
from tests.support import PASSWORD, Someone, World

TOKEN = "/ux/api-token-auth/"
_addresses = itertools.count(1)


@dataclass
class Door:
    """The way in of one organization, from an address of its own (failures are counted per address)."""

    client: httpx.AsyncClient
    world: World

    async def post(self, path: str, body: Any, expect: int = 200, **options: Any) -> Any:
        answer = await self.client.post(path, json=body, **options)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def token(self, who: Someone, password: str = PASSWORD) -> str:
        return str((await self.post(TOKEN, {"username": who.username, "password": password}))["token"])


def enter(portal: Platform, world: World) -> Door:
    address = f"10.0.{next(_addresses)}.1"
    transport = httpx.ASGITransport(app=portal.memory["app"], client=(address, 4711), raise_app_exceptions=False)
    return Door(httpx.AsyncClient(transport=transport, base_url=f"http://{world.slug}.mainstay.test"), world)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
