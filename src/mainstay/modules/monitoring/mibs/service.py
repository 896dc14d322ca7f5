"""Loading MIB files and the tree they make."""

from __future__ import annotations

import asyncio
import io
import zipfile
import zlib
from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select

from mainstay.kernel import store
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, TooLarge
from mainstay.kernel.generation import CONFIGURATION, cached
from mainstay.kernel.listed import among, bound
from mainstay.modules.monitoring.mibs import compiler
from mainstay.modules.monitoring.mibs.compiler import Library
from mainstay.modules.monitoring.mibs.model import Module
from mainstay.modules.monitoring.mibs.source import MAX_SOURCE, NotAMib, Source, split, text_of
from mainstay.modules.monitoring.mibs.tables import FAILED, LOADED, PARTIAL, Mib, MibContent
from mainstay.modules.monitoring.mibs.tree import Tree, standard_tree

MAX_FILES = 2000
MAX_UNPACKED = 256 * 2**20

CONFIGURATION.add("mib")


class FileProblem(msgspec.Struct, kw_only=True):
    """A file that holds no module that could be read."""

    file: str
    reason: str
    line: int = 0


class LoadedModule(msgspec.Struct, kw_only=True):
    """What became of one module of an upload."""

    id: str
    mib_name: str
    mib_file: str
    status: str
    object_count: int
    notification_count: int
    missing: list[str]
    problems: list[dict[str, Any]]
    replaced: bool = False


class Loading(msgspec.Struct, kw_only=True):
    """What became of an upload."""

    modules: list[LoadedModule]
    failed: list[FileProblem]


def unpack(name: str, content: bytes) -> list[tuple[str, bytes]]:
    """The files of an upload: itself, or what is in the archive. Raises ``Invalid`` or ``TooLarge``."""
    if not content[:4].startswith(b"PK\x03\x04"):
        return [(name, content)]
    files: list[tuple[str, bytes]] = []
    size = 0
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for item in archive.infolist():
                label = item.filename.replace("\\", "/").rsplit("/", 1)[-1]
                if item.is_dir() or not label or label.startswith(".") or "__MACOSX" in item.filename:
                    continue
                with archive.open(item) as file:
                    # What the archive says of its sizes may be a lie.
                    raw = file.read(MAX_SOURCE + 1)
                size += len(raw)
                if len(files) >= MAX_FILES or size > MAX_UNPACKED:
                    raise TooLarge(f"An archive may hold {MAX_FILES} files and {MAX_UNPACKED // 2**20} MiB.")
                files.append((label, raw))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError):
        raise Invalid.field("mib_file", f"{name} is no archive that can be read.") from None
    return files


def _sources(files: Sequence[tuple[str, bytes]]) -> tuple[list[tuple[str, Source]], list[FileProblem]]:
    found: list[tuple[str, Source]] = []
    failed: list[FileProblem] = []
    for name, raw in files:
        if len(raw) > MAX_SOURCE:
            failed.append(FileProblem(file=name, reason=f"It is larger than {MAX_SOURCE // 2**20} MiB."))
            continue
        try:
            found += [(name, source) for source in split(text_of(raw))]
        except NotAMib as error:
            failed.append(FileProblem(file=name, reason=str(error)))
    return found, failed


async def load(ctx: Context, files: Sequence[tuple[str, bytes]]) -> Loading:
    """Compile and store modules; those that waited for one of them are compiled again."""
    found, failed = await asyncio.to_thread(_sources, files)
    rows = {row.mib_name: row for row in (await ctx.session.execute(select(Mib))).scalars()}
    known = await modules_of(ctx)
    fresh = {source.name: (file, source) for file, source in found}
    waiting = [row for row in rows.values() if set(row.missing) & fresh.keys() and row.mib_name not in fresh]
    again: dict[str, tuple[str, Source]] = {}
    if waiting:
        texts = await _texts(ctx, [row.id for row in waiting])
        for row in waiting:
            again[row.mib_name] = (row.mib_file, await asyncio.to_thread(_one, texts[row.id], row.mib_name))
    every = {**again, **fresh}
    library = Library(module for module in known if module.name not in every)

    def build() -> list[Module]:
        made = compiler.compile_all([source for _file, source in every.values()], library)
        compiler.finish(made)
        return made

    loaded = []
    for module in await asyncio.to_thread(build):
        file, source = every[module.name]
        state = _state(module)
        values: dict[str, Any] = {
            "mib_description": module.description, "mib_file": file, "mib_file_dependencies": module.imports,
            "status": state, "missing": module.missing, "problems": {"items": msgspec.to_builtins(module.problems)},
            "object_count": sum(node.kind in ("scalar", "column") for node in module.nodes),
            "notification_count": sum(node.kind == "notification" for node in module.nodes),
        }  # fmt: skip
        entity = rows.get(module.name)
        replaced = entity is not None
        if entity is None:
            entity = await store.add(ctx, Mib(mib_name=module.name, **values))
        else:
            for label, value in values.items():
                if label != "mib_description" or value:
                    setattr(entity, label, value)
            await store.save(ctx, entity)
        await _keep(ctx, entity.id, source.text, module)
        if module.name in fresh:
            loaded.append(
                LoadedModule(
                    id=entity.id, mib_name=module.name, mib_file=file, status=state, replaced=replaced,
                    object_count=values["object_count"], notification_count=values["notification_count"],
                    missing=module.missing, problems=values["problems"]["items"],
                )
            )  # fmt: skip
    return Loading(modules=loaded, failed=failed)


def _one(text: str, name: str) -> Source:
    return next(source for source in split(text) if source.name == name)


def _state(module: Module) -> str:
    if not module.nodes and not module.types:
        return FAILED
    return PARTIAL if module.problems or module.missing else LOADED


async def _keep(ctx: Context, mib_id: str, text: str, module: Module) -> None:
    await forget(ctx, [mib_id])
    content = {
        "organization": ctx.organization, "mib": mib_id, "source": zlib.compress(text.encode()),
        "compiled": zlib.compress(msgspec.json.encode(module)),
    }  # fmt: skip
    await ctx.session.execute(insert(MibContent).values(content))


async def forget(ctx: Context, mib_ids: Sequence[str]) -> None:
    """Drop the texts of modules."""
    for start in range(0, len(mib_ids), store.CHUNK):
        part = list(mib_ids[start : start + store.CHUNK])
        await ctx.session.execute(
            delete(MibContent).where(MibContent.mib.in_(part)).execution_options(synchronize_session=False)
        )


async def _texts(ctx: Context, mib_ids: Sequence[str]) -> dict[str, str]:
    query = select(MibContent.mib, MibContent.source).where(MibContent.mib.in_(list(mib_ids)))
    return {row.mib: zlib.decompress(row.source).decode() for row in (await ctx.session.execute(query)).all()}


async def module_of(ctx: Context, mib_id: str) -> tuple[Module, str]:
    """A module as compiled, and its text."""
    query = select(MibContent.source, MibContent.compiled).where(MibContent.mib == mib_id)
    row = (await ctx.session.execute(query)).one()
    return _decode(row.compiled), zlib.decompress(row.source).decode()


def _decode(raw: bytes) -> Module:
    return msgspec.json.decode(zlib.decompress(raw), type=Module)


_COMPILED = select(MibContent.compiled).order_by(MibContent.mib)


async def modules_of(ctx: Context) -> list[Module]:
    """Every module that the organization uploaded."""
    raw = (await ctx.session.execute(_COMPILED)).scalars().all()
    if not raw:
        return []
    return await asyncio.to_thread(lambda: [_decode(item) for item in raw])


async def tree_of(ctx: Context) -> Tree:
    """The tree that the organization knows: the standard modules and its own."""
    return await cached(ctx, "mib_tree", _tree)


async def trees_of(ctx: Context, organizations: Collection[str]) -> dict[str, Tree]:
    """The trees of these organizations, in one statement. ``ctx`` works on any organization."""
    sqlite = ctx.platform.database.is_sqlite
    query = select(MibContent.organization, MibContent.compiled).where(
        among(sqlite, MibContent.organization, bound(sqlite, "organizations", organizations))
    )
    compiled: dict[str, list[bytes]] = {}
    for row in (await ctx.session.execute(query.order_by(MibContent.mib))).all():
        compiled.setdefault(row.organization, []).append(row.compiled)
    return {name: await _grown(compiled.get(name, ())) for name in organizations}


async def _tree(ctx: Context) -> Tree:
    return await _grown((await ctx.session.execute(_COMPILED)).scalars().all())


async def _grown(compiled: Sequence[bytes]) -> Tree:
    """The tree of the standard modules and these."""
    if not compiled:
        return standard_tree()
    return await asyncio.to_thread(lambda: Tree(standard_tree()).add([_decode(item) for item in compiled]))
