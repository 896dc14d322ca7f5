"""``mainstay demo``: try it, with an organization that has people and a month of work."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from sqlalchemy import select

from mainstay.commands.common import Refused, check_database, installation, load_settings, out, prepare, run
from mainstay.commands.server import check_port, run_server, shown_url
from mainstay.commands.setup import found_organization
from mainstay.demo import FIRST, populate
from mainstay.kernel import store
from mainstay.kernel.access import bootstrap, login
from mainstay.kernel.access.tables import Organization, Role, User
from mainstay.kernel.backup import claim
from mainstay.kernel.platform import Platform
from mainstay.settings import Settings

SLUG, NAME = "northwind", "Northwind IT"
LOGIN = "demo-login.txt"


class Access(msgspec.Struct, kw_only=True):
    """How to get in; kept in the data folder, readable by its owner only."""

    username: str
    password: str
    key: str


def demo(*, host: str | None = None, port: int | None = None) -> None:
    """Serve the organization Northwind IT with demo data, made at the first start. Not for real work.

    Prints the console's address, an administrator's log-in and an API key.

    Parameters
    ----------
    host
        Address to listen on, else MAINSTAY_HTTP_HOST (127.0.0.1).
    port
        Port to listen on, else MAINSTAY_HTTP_PORT (8000).
    """
    settings = load_settings(http_host=host, http_port=port)
    check_port(settings)
    check_database(settings)
    with claim(settings, "demo"):
        prepare(settings, new=True)
        access = run(_access(settings))

    async def ready(platform: Platform) -> None:
        async with platform.database.session("*") as session:
            query = select(User).join(Organization, Organization.id == User.organization)
            admin = (
                (await session.execute(query.where(Organization.slug == SLUG, User.username == access.username)))
                .scalars()
                .one()
            )
        await populate(platform, admin, access.password)
        _print(settings, access)

    run_server(settings, ready)


async def _access(settings: Settings) -> Access:
    """The demonstration's log-in, made now where there is none."""
    path = settings.data_dir / LOGIN
    async with installation(settings) as platform:
        async with platform.database.session("*") as session:
            known = {item.slug: item for item in (await session.execute(select(Organization))).scalars()}
        if known and SLUG not in known:
            raise Refused(
                f"{settings.data_dir} holds a real installation (organization {next(iter(known))}). "
                "Give the demo a folder of its own with MAINSTAY_DATA_DIR."
            )
        if known and path.is_file():
            return msgspec.json.decode(path.read_bytes(), type=Access)
        if known:
            access = await _renew(platform, known[SLUG].id)
        else:
            made = await found_organization(platform, SLUG, NAME, "admin", "admin@northwind.example", must_change=False)
            async with platform.work(made.organization) as ctx:
                key = await bootstrap.make_key(ctx, "demo", made.role, made.admin)
            access = Access(username=made.admin.username, password=made.password, key=key)
    _keep(path, access)
    return access


async def _renew(platform: Platform, organization: str) -> Access:
    """A new log-in where the file with the old one is lost."""
    password = bootstrap.random_password()
    async with platform.work(organization) as ctx:
        admin = (await ctx.session.execute(select(User).where(User.username == "admin"))).scalars().one()
        role = (await ctx.session.execute(select(Role).where(Role.is_admin.is_(True)))).scalars().first()
        assert role is not None
        await login.set_password(ctx, admin, password)
        await store.save(ctx, admin, action="password")
        key = await bootstrap.make_key(ctx, f"demo {ctx.now:%Y-%m-%d %H:%M:%S}", role, admin)
    return Access(username=admin.username, password=password, key=key)


def _keep(path: Path, access: Access) -> None:
    made = path.with_suffix(".new")
    made.unlink(missing_ok=True)
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(access), indent=1) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    made.rename(path)


def _print(settings: Settings, access: Access) -> None:
    url = shown_url(settings)
    out.print()
    out.print(f"  Console        {url}", style="bold")
    out.print(f"  Administrator  {access.username}   {access.password}")
    out.print(f"  Agent          {FIRST}   {access.password}")
    out.print(f"  API key        {access.key}")
    out.print(f"  API            {url}/schema/swagger/")
    out.print(f'  Try            curl -H "Authorization: ApiKey {access.key}" {url}/ux/sd/inci/incident/')
    out.print()
    out.print("Mainstay is ready (stop with Ctrl-C).")
