"""The MIB Explorer module of the API: the modules that were uploaded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import files, store, verbs, writing
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, Unsupported
from mainstay.kernel.operation import Reply, Upload
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.monitoring.mibs import service
from mainstay.modules.monitoring.mibs.model import standard
from mainstay.modules.monitoring.mibs.service import FileProblem, LoadedModule
from mainstay.modules.monitoring.mibs.tables import Mib


class Mibs(Behaviour[Mib]):
    async def removing(self, ctx: Context, entities: Sequence[Mib]) -> None:
        await service.forget(ctx, [entity.id for entity in entities])

    async def detail(self, ctx: Context, row: Any) -> Any:
        module, text = await service.module_of(ctx, row.id)
        row.mibdata = msgspec.to_builtins(module.nodes)
        row.oid_name_map = {node.oid: node.name for node in module.nodes}
        row.name_type_map = {node.name: node.type or node.kind for node in module.nodes}
        row.mib_text = text
        return row

    async def options(self, ctx: Context) -> dict[str, Any]:
        modules = sorted([*standard(), *(await ctx.session.execute(select(Mib.mib_name))).scalars()])
        return {"modules": modules, "verbs": ["get", "get_next", "get_bulk", "walk", "set"]}


mibs = Resource(
    Mib,
    module="MIB Explorer",
    path="/ux/ims/mib-explorer/",
    label="MIB",
    plural="MIBs",
    title="mib_name",
    area="monitoring",
    section="IT Operations",
    permission="mib",
    permission_label="MIB Explorer",
    privileges=("view", "add", "edit", "delete", "execute", "export"),
    id_name="mib_id",
    sort="mib_name",
    reverse=False,
    verbs={"template": None, "columns": None, "validate": None, "import": None},
    extra={
        "mibdata": list[dict[str, Any]],
        "oid_name_map": dict[str, str],
        "name_type_map": dict[str, str],
        "mib_text": str,
    },
    behaviour=Mibs(),
    natural_key="mib_name",
    sample={"mib_file": "data:text/plain;base64,QUNNRS1NSUIgREVGSU5JVElPTlM...", "mib_description": "Boilers of ACME"},
)


class MibInput(msgspec.Struct, kw_only=True):
    """MIB text, a file or archive as a data URI, or (multipart) a file; what to say about it."""

    mib_file: Any = None
    mib_text: str = ""
    file_name: str = ""
    mib_name: str = ""
    mib_description: str = ""


class MibLoaded(msgspec.Struct, kw_only=True):
    """The first module, all modules of the upload, and the files that held none."""

    status: str = "success"
    id: str
    message: str
    msg: str
    data: Any
    modules: list[LoadedModule]
    failed: list[FileProblem]


@mibs.action("POST", "", privilege="add", status=201)
async def upload_mib(ctx: Context, body: MibInput, upload: Upload | None) -> MibLoaded:
    """Upload a MIB file or an archive of them

    As a multipart file, as a data URI in mib_file, or as text in mib_text. What can be read is loaded; problems
    name line and reason, and modules that are missing are listed: upload them too, and what waits is completed.
    """
    name, content = await _content(ctx, body, upload)
    loading = await service.load(ctx, await asyncio.to_thread(service.unpack, name, content))
    if not loading.modules:
        reasons = [f"{item.file}: {item.reason}" for item in loading.failed[:20]] or ["The archive holds no files."]
        raise Invalid(fields={"mib_file": reasons})
    first = loading.modules[0]
    if body.mib_description and len(loading.modules) == 1:
        entity = await store.get(ctx, Mib, first.id)
        entity.mib_description = body.mib_description[:2000]
        await store.save(ctx, entity)
    problems = sum(len(item.problems) for item in loading.modules)
    count = len(loading.modules)
    msg = f"{count} module{'s' if count > 1 else ''} loaded{f', {problems} problems' if problems else ''}."
    return Reply(  # type: ignore[return-value]
        MibLoaded(
            id=first.id, message="mib_created", msg=msg, data=await verbs.whole(ctx, mibs, first.id),
            modules=loading.modules, failed=loading.failed,
        ),
        status=201,
    )  # fmt: skip


@mibs.action("PUT", "{id}/", privilege="edit", write=True)
async def change_mib(ctx: Context, id: str, body: MibInput, upload: Upload | None) -> MibLoaded:
    """Change a module's description, or replace it by another version of its file"""
    entity = await verbs.entity_of(ctx, mibs, id, lock=True)
    if ctx.headers.get("if-match"):
        writing.check_version(ctx, entity, await verbs.whole(ctx, mibs, entity.id))
    loading = service.Loading(modules=[], failed=[])
    if upload is not None or body.mib_text or _is_data(body.mib_file):
        name, content = await _content(ctx, body, upload)
        pieces = await asyncio.to_thread(service.unpack, name, content)
        loading = await service.load(ctx, pieces)
        if entity.mib_name not in [item.mib_name for item in loading.modules]:
            raise Invalid.field("mib_file", f"The file does not hold the module {entity.mib_name}.")
    if body.mib_description != entity.mib_description and body.mib_description:
        entity.mib_description = body.mib_description[:2000]
        await store.save(ctx, entity)
    data = await verbs.whole(ctx, mibs, entity.id)
    return Reply(  # type: ignore[return-value]
        MibLoaded(id=entity.id, message="mib_updated", msg="MIB updated.", data=data, modules=loading.modules,
                  failed=loading.failed),
        headers={"ETag": writing.etag(entity.id, entity.version)},
    )  # fmt: skip


def _is_data(given: Any) -> bool:
    """Whether a file is given; the record's own file name, sent back with an edit, is none."""
    if isinstance(given, Mapping):
        return True
    return isinstance(given, str) and (given.startswith("data:") or "DEFINITIONS" in given)


async def _content(ctx: Context, body: MibInput, upload: Upload | None) -> tuple[str, bytes]:
    """Name and bytes of what was uploaded. Raises ``Invalid``."""
    if upload is not None:
        return files.clean_name(upload.name or "upload.mib"), upload.content
    if body.mib_text:
        return files.clean_name(body.file_name or body.mib_name or "text.mib"), body.mib_text.encode()
    given = body.mib_file
    if isinstance(given, str) and "DEFINITIONS" in given and not given.startswith("data:"):
        return files.clean_name(body.file_name or "text.mib"), given.encode()
    if _is_data(given):
        item = dict(given) if isinstance(given, Mapping) else {"name": body.file_name or "upload.mib", "data": given}
        try:
            name, _kind, content = files.decode(ctx.platform.settings, item)
        except Unsupported:
            raise Invalid.field("mib_file", "Send a MIB as text, or an archive of MIBs as application/zip.") from None
        return name, content
    raise Invalid.field("mib_file", "Please provide a MIB: a file, a data URI in mib_file, or its text in mib_text.")
