"""Agents' tokens and where their lines are to go."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sqlalchemy import select

from mainstay.kernel import store
from mainstay.kernel.access.auth import KEY_PREFIX
from mainstay.kernel.access.resource import may_grant
from mainstay.kernel.access.tables import ApiKey, Role
from mainstay.kernel.context import Context
from mainstay.kernel.record import new_id
from mainstay.kernel.secrets import new_token, token_hash
from mainstay.modules.logs.agents.engine import TOKEN_PLACE, Made, Target, make
from mainstay.modules.logs.agents.tables import LogAgentConfig, plain_defaults
from mainstay.modules.people.roles.service import permissions

ROLE = "Log Agent"
_TOKEN = re.compile(rf"\b{KEY_PREFIX}[A-Za-z0-9_-]{{20,}}")
MODULE = "log_intake"


async def new_key(ctx: Context, name: str) -> tuple[str, str, str]:
    """A key that can bring log lines and nothing else: its id, its first letters, and the key, known only now."""
    role = await _role(ctx)
    # Nobody hands out more than they hold.
    await may_grant(ctx, role.id)
    token = KEY_PREFIX + new_token()
    row = ApiKey(
        name=f"Log agent {name} {new_id()[-6:]}"[:255], prefix=token[:10], key_hash=token_hash(token), role=role.id,
        acts_as=None,
    )  # fmt: skip
    await store.add(ctx, row)
    return row.id, row.prefix, token


async def revoke_keys(ctx: Context, ids: list[str]) -> None:
    """End these keys at once."""
    if ids:
        await store.update_many(ctx, ApiKey, ids, {"revoked": True})


async def _role(ctx: Context) -> Role:
    found = await store.find(ctx, select(Role).where(Role.role_name == ROLE))
    if found is None:
        wanted = permissions(ctx.platform.registry.grantable(), {MODULE: ("add",)})
        found = Role(role_name=ROLE, description="For the tokens of log agents: brings log lines, nothing else.",
                     selected_permissions=wanted, is_preconfigured=True)  # fmt: skip
        await store.add(ctx, found)
    return found


def target_of(ctx: Context, agent: LogAgentConfig, token: str = TOKEN_PLACE) -> Target:
    """Where this agent's lines go."""
    settings = ctx.platform.settings
    base = settings.base_url
    host = agent.server or urlsplit(base).hostname or settings.http_host
    if agent.server and not settings.public_url:
        base = f"http://{agent.server}:{settings.http_port}"
    return Target(
        url=base, host=host, syslog_port=settings.syslog_port, tls_port=settings.syslog_tls_port,
        transport=plain_defaults(agent)["transport"], token=token, files=tuple(agent.files or ()),
        journal=agent.journal, check_name=bool(settings.syslog_tls_cert),
    )  # fmt: skip


_FILES = {"yaml": "yaml", "toml": "toml", "classic": "conf", "rainerscript": "conf", "shell": "sh"}


def without_tokens(content: str) -> str:
    """A configuration with the place of the token instead of one: tokens are not kept."""
    return _TOKEN.sub(TOKEN_PLACE, content)


def rendered(ctx: Context, agent: LogAgentConfig, token: str = TOKEN_PLACE) -> Made:
    """The agent's configuration: its own, or made from its fields."""
    made = make(agent.agent_type, target_of(ctx, agent, token))
    if not agent.content:
        return made
    stem = made.filename.rpartition(".")[0]
    content = agent.content.replace(TOKEN_PLACE, token)
    return Made(f"{stem}.{_FILES.get(agent.format, 'conf')}", "text/plain", content, made.instructions)


def places(ctx: Context, agent: LogAgentConfig) -> tuple[str, ...]:
    """What a configuration names that sends here."""
    target = target_of(ctx, agent)
    return (target.host, urlsplit(target.url).hostname or "", target.url)
