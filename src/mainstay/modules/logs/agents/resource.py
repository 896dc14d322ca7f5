"""The Log Agent Configuration module of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from mainstay.kernel import store, verbs, writing
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.operation import Reply, Saved, Upload
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.logs.agents import checking, service
from mainstay.modules.logs.agents.engine import TOKEN_PLACE
from mainstay.modules.logs.agents.tables import OTEL, RSYSLOG, SHELL, TYPES, LogAgentConfig


class LogAgents(Behaviour[LogAgentConfig]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        if len(rows) > 1:
            raise Invalid("Please create log agents one at a time: each answer shows a token once.")
        for row in rows:
            row["content"] = service.without_tokens(row.get("content") or "")
            # The columns' defaults come when the row is stored; the configuration is made before.
            agent = LogAgentConfig(**{"journal": True, **row})
            _fits(ctx, agent)
            row["format"] = agent.format
            row["is_custom"] = bool(agent.content)
            row["key"], row["token_prefix"], token = await service.new_key(ctx, row["name"])
            made = service.rendered(ctx, agent, token)
            ctx.cache["created"] = {"token": token, "configuration": made.content, "filename": made.filename,
                                    "instructions": made.instructions}  # fmt: skip

    async def change(
        self, ctx: Context, entity: LogAgentConfig, values: dict[str, Any], given: Mapping[str, Any]
    ) -> None:
        if values.get("content"):
            values["content"] = service.without_tokens(values["content"])
        after = LogAgentConfig(**{
            name: values.get(name, getattr(entity, name))
            for name in ("agent_type", "transport", "server", "files", "journal", "content")
        })  # fmt: skip
        _fits(ctx, after)
        values["is_custom"], values["format"] = bool(after.content), after.format

    async def removing(self, ctx: Context, entities: Sequence[LogAgentConfig]) -> None:
        await service.revoke_keys(ctx, [entity.key for entity in entities if entity.key])

    async def options(self, ctx: Context) -> dict[str, Any]:
        settings = ctx.platform.settings
        return {
            "agent_types": [{"id": choice.id, "name": choice.name} for choice in TYPES],
            "server": service.target_of(ctx, LogAgentConfig(agent_type=SHELL, server="", files=[], journal=True)).host,
            "url": settings.base_url,
            "ports": {"syslog": settings.syslog_port, "syslog_tls": settings.syslog_tls_port},
            "token_placeholder": TOKEN_PLACE,
        }


def _fits(ctx: Context, agent: LogAgentConfig) -> list[str]:
    """Warnings about a configuration. Raises ``Invalid`` for what cannot be made or read."""
    settings, transport = ctx.platform.settings, agent.transport
    if transport == "http" and agent.agent_type == RSYSLOG:
        raise Invalid.field("transport", "rsyslog sends syslog here: choose tcp, tls or udp.")
    if transport and transport != "http" and agent.agent_type == OTEL:
        raise Invalid.field("transport", "The OpenTelemetry Collector sends OTLP: choose http.")
    if transport == "tls" and agent.agent_type == SHELL:
        raise Invalid.field("transport", "logger and nc cannot speak TLS: choose tcp, udp or http.")
    if transport == "tls" and not settings.syslog_tls_port:
        raise Invalid.field("transport", "Syslog over TLS is turned off here (MAINSTAY_SYSLOG_TLS_PORT is 0).")
    if not agent.content:
        agent.format = ""
        return []
    try:
        found = checking.check(agent.content, agent.agent_type or "", service.places(ctx, agent))
    except checking.BadConfig as bad:
        raise Invalid.field("content", str(bad)) from None
    agent.agent_type, agent.format = found.agent_type, found.format
    return found.warnings


agents = Resource(
    LogAgentConfig,
    module="Log Agent Configuration",
    path="/ux/log_agent/log_agent_config/",
    label="Log agent",
    title="name",
    area="logs",
    section="Logs",
    id_name="log_agent_config_id",
    verbs={"options": "get_options/", "template": None, "columns": None, "validate": None, "import": None,
           "attachments": None, "comments": None},
    extra={"token": str, "configuration": str, "filename": str, "instructions": str},
    behaviour=LogAgents(),
    sample={"name": "Web servers", "agent_type": "vector", "files": ["/var/log/nginx/*.log"]},
)  # fmt: skip


class ConfigQuery(msgspec.Struct, kw_only=True):
    """Which configuration, and how: ``download`` gives the file itself."""

    id: str
    download: bool = False


class ConfigFile(msgspec.Struct, kw_only=True):
    """A configuration file; the place of the token is marked, it is not kept."""

    id: str
    name: str
    agent_type: str
    filename: str
    media_type: str
    configuration: str
    instructions: str
    is_custom: bool
    token_prefix: str


@agents.action("GET", "get_log_agent_config/")
async def get_config(ctx: Context, query: ConfigQuery) -> ConfigFile:
    """The configuration of an agent, as a file or with what to do with it

    Its token stands there as PUT-THE-TOKEN-HERE: it is shown once, when the agent is made or given a new one
    (`save_config/` with `new_token`).
    """
    agent = await verbs.entity_of(ctx, agents, query.id)
    made = service.rendered(ctx, agent)
    if query.download:
        disposition = f'attachment; filename="{made.filename}"'
        return Reply(made.content.encode(), media_type="text/plain; charset=utf-8",
                     headers={"Content-Disposition": disposition})  # type: ignore[return-value]  # fmt: skip
    return ConfigFile(
        id=agent.id, name=agent.name, agent_type=agent.agent_type, filename=made.filename, media_type=made.media_type,
        configuration=made.content, instructions=made.instructions, is_custom=agent.is_custom,
        token_prefix=agent.token_prefix,
    )  # fmt: skip


class SaveInput(msgspec.Struct, kw_only=True):
    """An agent's fields; with its id (``log_agent_config_id`` or ``id``) it is changed, without one it is made."""

    log_agent_config_id: str = ""
    id: str = ""
    new_token: bool = False
    """Give it a new token; the old one ends at once."""
    name: str | msgspec.UnsetType = msgspec.UNSET
    agent_type: str | msgspec.UnsetType = msgspec.UNSET
    transport: str | msgspec.UnsetType | None = msgspec.UNSET
    server: str | msgspec.UnsetType = msgspec.UNSET
    files: list[str] | str | msgspec.UnsetType = msgspec.UNSET
    journal: bool | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType = msgspec.UNSET
    content: str | msgspec.UnsetType = msgspec.UNSET


@agents.action("POST", "save_config/", privilege="edit")
async def save_config(ctx: Context, body: SaveInput) -> Saved:
    """Make or change an agent, and get its configuration; the token is in it when it is new"""
    values = {name: value for name, value in msgspec.to_builtins(body).items()
              if name not in ("id", "log_agent_config_id", "new_token")}  # fmt: skip
    wanted = body.log_agent_config_id or body.id
    if not wanted:
        ctx.principal.require(agents.permission, "add")
        row = await writing.create(ctx, agents, values)
        return await _answer(ctx, row["id"], "create", ctx.cache["created"]["token"])
    agent = await verbs.entity_of(ctx, agents, wanted, lock=True)
    if values:
        await writing.update(ctx, agents, agent, values, partial=True)
    token = await _new_token(ctx, agent) if body.new_token else TOKEN_PLACE
    return await _answer(ctx, agent.id, "update", token)


async def _new_token(ctx: Context, agent: LogAgentConfig) -> str:
    if agent.key:
        await service.revoke_keys(ctx, [agent.key])
    agent.key, agent.token_prefix, token = await service.new_key(ctx, agent.name)
    await store.save(ctx, agent, action="new_token")
    return token


async def _answer(ctx: Context, agent_id: str, what: str, token: str) -> Saved:
    agent = await verbs.entity_of(ctx, agents, agent_id)
    made = service.rendered(ctx, agent, token)
    out = msgspec.to_builtins(await verbs.whole(ctx, agents, agent_id))
    out |= {"configuration": made.content, "filename": made.filename, "instructions": made.instructions}
    if token != TOKEN_PLACE:
        out["token"] = token
    return verbs.saved(agents, out, agent_id, what)


class UploadInput(msgspec.Struct, kw_only=True):
    """A configuration of your own as text, where it does not come as a file; ``check_only`` stores nothing."""

    content: str = ""
    config: str = ""
    name: str = ""
    agent_type: str = ""
    log_agent_config_id: str = ""
    check_only: bool = False


class UploadAnswer(msgspec.Struct, kw_only=True):
    """What was read. ``token`` is there once, when the agent is new."""

    status: str = "success"
    id: str
    message: str
    msg: str
    agent_type: str
    format: str
    warnings: list[str]
    token: str = ""
    data: Any = None


@agents.action("POST", "upload_log_agent_config/", privilege="edit", upload=True)
async def upload_config(ctx: Context, body: UploadInput, upload: Upload | None) -> UploadAnswer:
    """Check a configuration of your own and store it, as a new agent or in place of an agent's made one

    As a file (multipart, `file`) with `name`, or as `content`. Tokens in it are not kept: PUT-THE-TOKEN-HERE stands in
    their place. What is not well formed is refused with the line.
    """
    content, name = body.content or body.config, body.name
    if upload is not None:
        try:
            content = upload.content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Invalid.field("file", "The file is not UTF-8 text.") from None
        fields = upload.fields
        name = name or str(fields.get("name") or "") or upload.name.rpartition("/")[2].rpartition(".")[0]
        body = msgspec.structs.replace(
            body, agent_type=body.agent_type or str(fields.get("agent_type") or ""),
            log_agent_config_id=body.log_agent_config_id or str(fields.get("log_agent_config_id") or ""),
            check_only=body.check_only or str(fields.get("check_only", "")).lower() in ("1", "true", "yes"),
        )  # fmt: skip
    if not content.strip():
        raise Invalid.field("content", "Please provide a configuration, as a file or as content.")
    if body.agent_type and body.agent_type not in {choice.id for choice in TYPES}:
        raise Invalid.field("agent_type", f"agent_type must be one of {', '.join(str(item.id) for item in TYPES)}.")
    probe = LogAgentConfig(
        agent_type=body.agent_type, transport=None, server="", files=[], journal=True, content=content
    )  # fmt: skip
    warnings = _fits(ctx, probe)
    if body.check_only:
        return UploadAnswer(id="", message="log_agent_config_valid", msg="The configuration can be read.",
                            agent_type=probe.agent_type, format=probe.format, warnings=warnings)  # fmt: skip
    values: dict[str, Any] = {"content": content, "agent_type": probe.agent_type}
    token = ""
    if body.log_agent_config_id:
        agent = await verbs.entity_of(ctx, agents, body.log_agent_config_id, lock=True)
        await writing.update(ctx, agents, agent, values, partial=True)
        agent_id = agent.id
    else:
        ctx.principal.require(agents.permission, "add")
        row = await writing.create(ctx, agents, values | {"name": name})
        agent_id, token = row["id"], ctx.cache["created"]["token"]
    return UploadAnswer(
        id=agent_id, message="log_agent_config_uploaded", msg="The configuration is stored.",
        agent_type=probe.agent_type, format=probe.format, warnings=warnings, token=token,
        data=await verbs.whole(ctx, agents, agent_id),
    )  # fmt: skip
