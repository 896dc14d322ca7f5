"""Setting up: the first organization, and further ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from mainstay.commands.common import Refused, installation, load_settings, out, prepare, run, table
from mainstay.kernel import store
from mainstay.kernel.access import bootstrap, login
from mainstay.kernel.access.tables import Organization, Role, User
from mainstay.kernel.fields import field_of
from mainstay.kernel.platform import Platform
from mainstay.kernel.validation import BadValue, read


@dataclass(slots=True, kw_only=True)
class Made:
    """A new organization and its administrator."""

    organization: str
    slug: str
    admin: User
    role: Role
    password: str


def init(
    *, organization: str = "default", name: str = "", admin: str = "admin", email: str = "admin@localhost"
) -> None:
    """Set up an empty installation: database, secret key, first organization, its roles and administrator.

    Prints the administrator's password, once. Does nothing where an organization exists.

    Parameters
    ----------
    organization
        Short name of the organization; its host name's first label, such as acme.
    name
        Full name of the organization.
    admin
        User name of the administrator.
    email
        E-mail address of the administrator.
    """
    settings = prepare(load_settings(), new=True)

    async def work() -> None:
        async with installation(settings) as platform:
            if await count_organizations(platform):
                out.print("This installation is set up already. `mainstay org add` adds an organization.")
                return
            tell(await found_organization(platform, organization, name, admin, email))
            out.print("Start it with `mainstay serve`.")

    run(work())


def add_organization(slug: str, /, *, name: str = "", admin: str = "admin", email: str = "admin@localhost") -> None:
    """Add an organization with its default roles and an administrator, whose password is printed once.

    Parameters
    ----------
    slug
        Short name, its host name's first label, such as acme.
    name
        Full name.
    admin
        User name of the administrator.
    email
        E-mail address of the administrator.
    """
    settings = prepare(load_settings())

    async def work() -> None:
        async with installation(settings) as platform:
            tell(await found_organization(platform, slug, name, admin, email))

    run(work())


def list_organizations() -> None:
    """List the organizations."""
    settings = prepare(load_settings())

    async def work() -> list[Any]:
        async with installation(settings, features=False) as platform, platform.database.session("*") as session:
            counted = await session.execute(select(User.organization, func.count()).group_by(User.organization))
            people = {row[0]: row[1] for row in counted}
            found = (await session.execute(select(Organization).order_by(Organization.slug))).scalars()
            return [
                (item.slug, item.name, people.get(item.id, 0), f"{item.creation_time:%Y-%m-%d}",
                 "default" if item.is_default else "")
                for item in found
            ]  # fmt: skip

    table(("Short name", "Name", "Users", "Created", ""), run(work()))


async def count_organizations(platform: Platform) -> int:
    async with platform.database.session("*") as session:
        return int(await session.scalar(select(func.count()).select_from(Organization)) or 0)


async def found_organization(
    platform: Platform,
    slug: str,
    name: str,
    admin: str,
    email: str,
    *,
    password: str = "",
    must_change: bool = True,
) -> Made:
    """Make an organization, its roles and its administrator, in one transaction."""
    from mainstay.modules.people.roles.service import make_defaults
    from mainstay.modules.people.teams import service as teams

    password = password or bootstrap.random_password()
    username, email = checked("username", admin), checked("email", email)
    async with platform.work("*") as ctx:
        organization = await bootstrap.make_organization(ctx, slug, name)
        # From here on the work is the new organization's own.
        ctx.principal.organization = ctx.session.sync_session.info["organization"] = organization.id
        roles = await make_defaults(ctx)
        await teams.make_defaults(ctx)
        role = roles[bootstrap.ADMIN_ROLE]
        account = await bootstrap.make_user(
            ctx, username=username, email=email, full_name="Administrator", role_ids=[role.id]
        )
        # Committed with the rest, so that there is never an administrator who cannot log in.
        await login.set_password(ctx, account, password, must_change=must_change)
        await store.save(ctx, account, action="password")
    return Made(organization=organization.id, slug=organization.slug, admin=account, role=role, password=password)


def checked(field: str, value: str) -> str:
    """A value of an account as its field takes it. Raises ``Refused``."""
    spec = field_of(User.__table__.columns[field])
    if spec is None or not value.strip():
        raise Refused(f"Please give the {field.replace('_', ' ')}.")
    try:
        return str(read(spec, value))
    except BadValue as bad:
        raise Refused(f"{value!r} cannot be the {spec.label.lower()}: {bad}") from None


def tell(made: Made) -> None:
    out.print(f"Organization: {made.slug}")
    out.print(f"User name:    {made.admin.username}")
    out.print(f"Password:     {made.password}   (shown only now; to be changed at the first log-in)")
