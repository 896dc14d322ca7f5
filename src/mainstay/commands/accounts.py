"""Accounts and API keys from the command line, for the first steps and for when nobody can log in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, or_, select

from mainstay.commands.common import (
    Refused,
    installation,
    load_settings,
    organization_of,
    out,
    prepare,
    read_secret,
    run,
    table,
)
from mainstay.commands.setup import checked
from mainstay.kernel import store
from mainstay.kernel.access import bootstrap, login
from mainstay.kernel.access.tables import ApiKey, Role, User
from mainstay.kernel.context import Context


@asynccontextmanager
async def _within(organization: str | None, *, write: bool = True) -> AsyncIterator[Context]:
    """A context in the named organization, or the default one."""
    settings = prepare(load_settings())
    async with installation(settings, features=write) as platform:
        async with platform.work("*", write=False) as ctx:
            found = await organization_of(ctx, organization)
        async with platform.work(found.id, write=write) as ctx:
            yield ctx


def add_user(
    username: str,
    /,
    *,
    email: str,
    role: str = "IT Support Operator",
    name: str = "",
    organization: str | None = None,
    password_file: Path | None = None,
) -> None:
    """Add an account. Its password is printed, once, and is to be changed at the first log-in.

    Parameters
    ----------
    username
        What the person logs in with.
    email
        E-mail address.
    role
        Name of the role.
    name
        The person's name.
    organization
        Short name of the organization; the default one when left out.
    password_file
        File whose first line is the password, instead of one made here.
    """
    password = read_secret(password_file) if password_file else bootstrap.random_password()
    values = {"username": checked("username", username), "email": checked("email", email)}
    if name:
        values["full_name"] = checked("full_name", name)

    async def work() -> None:
        async with _within(organization) as ctx:
            granted = await _role(ctx, role)
            account = await bootstrap.make_user(ctx, **values, role_ids=[granted.id])
            await login.set_password(ctx, account, password, must_change=True)
            await store.save(ctx, account, action="password")
        _tell(account.username, "" if password_file else password)

    run(work())


def list_users(*, organization: str | None = None) -> None:
    """List the accounts of an organization (the default one when left out)."""

    async def work() -> list[tuple[object, ...]]:
        async with _within(organization, write=False) as ctx:
            roles = {role.id: role.role_name for role in (await ctx.session.execute(select(Role))).scalars()}
            found = (await ctx.session.execute(select(User).order_by(func.lower(User.username)))).scalars()
            return [
                (
                    item.username,
                    item.full_name,
                    item.email,
                    ", ".join(roles.get(i, "?") for i in item.role_ids),
                    f"{item.last_login:%Y-%m-%d %H:%M}" if item.last_login else "never",
                    "" if item.is_active else "inactive",
                )
                for item in found
            ]

    table(("User name", "Name", "E-mail", "Roles", "Last log-in", ""), run(work()))


def set_password(
    username: str,
    /,
    *,
    organization: str | None = None,
    password_file: Path | None = None,
    keep: bool = False,
) -> None:
    """Give an account a new password; unlocks it and ends its sessions.

    The password is printed, once, and is to be changed at the next log-in.

    Parameters
    ----------
    username
        User name or e-mail address.
    organization
        Short name of the organization; the default one when left out.
    password_file
        File whose first line is the password, instead of one made here.
    keep
        The password need not be changed at the next log-in.
    """
    password = read_secret(password_file) if password_file else bootstrap.random_password()

    async def work() -> None:
        async with _within(organization) as ctx:
            account = await _account(ctx, username)
            await login.set_password(ctx, account, password, must_change=not keep)
            await store.save(ctx, account, action="password")
            await login.unlock(ctx, account)
        _tell(account.username, "" if password_file else password)

    run(work())


def add_key(
    name: str,
    /,
    *,
    role: str = bootstrap.ADMIN_ROLE,
    user: str | None = None,
    days: int | None = None,
    organization: str | None = None,
) -> None:
    """Add an API key. It is printed, once.

    Parameters
    ----------
    name
        What the key is for.
    role
        Name of the role whose privileges the key has.
    user
        User name or e-mail address of the account that its changes are recorded for.
    days
        Days after which it expires; never when left out.
    organization
        Short name of the organization; the default one when left out.
    """
    if days is not None and days < 1:
        raise Refused("A key lasts at least one day: give --days 1 or more.")

    async def work() -> str:
        async with _within(organization) as ctx:
            granted = await _role(ctx, role)
            account = await _account(ctx, user) if user else None
            until = ctx.now + timedelta(days=days) if days else None
            return await bootstrap.make_key(ctx, name, granted, account, until)

    out.print(f"API key: {run(work())}   (shown only now)")
    out.print("Send it as the header  Authorization: ApiKey <key>")


def list_keys(*, organization: str | None = None) -> None:
    """List the API keys of an organization (the default one when left out)."""

    async def work() -> list[tuple[object, ...]]:
        async with _within(organization, write=False) as ctx:
            roles = {role.id: role.role_name for role in (await ctx.session.execute(select(Role))).scalars()}
            found = (await ctx.session.execute(select(ApiKey).order_by(func.lower(ApiKey.name)))).scalars()
            return [
                (
                    item.prefix,
                    item.name,
                    roles.get(item.role, "?"),
                    f"{item.expires_at:%Y-%m-%d}" if item.expires_at else "never",
                    f"{item.last_used_at:%Y-%m-%d %H:%M}" if item.last_used_at else "never",
                    "revoked" if item.revoked else "",
                )
                for item in found
            ]

    table(("Begins with", "Name", "Role", "Expires", "Last used", ""), run(work()))


def revoke_key(key: str, /, *, organization: str | None = None) -> None:
    """Revoke an API key: it stops working at once, for good.

    Parameters
    ----------
    key
        Its name, or what it begins with.
    organization
        Short name of the organization; the default one when left out.
    """

    async def work() -> str:
        async with _within(organization) as ctx:
            query = select(ApiKey).where(or_(func.lower(ApiKey.name) == key.lower(), ApiKey.prefix == key[:10]))
            found = list((await ctx.session.execute(query)).scalars())
            if len(found) != 1:
                what = "several API keys" if found else "no API key"
                raise Refused(f"There is {what} {key!r}. `mainstay apikey list` shows them.")
            found[0].revoked = True
            await store.save(ctx, found[0], action="revoke")
            return found[0].name

    out.print(f"The API key {run(work())!r} is revoked.")


async def _role(ctx: Context, name: str) -> Role:
    found = list((await ctx.session.execute(select(Role).order_by(Role.role_name))).scalars())
    for role in found:
        if role.role_name.lower() == name.strip().lower():
            return role
    raise Refused(f"There is no role {name!r}. There is: {', '.join(role.role_name for role in found)}.")


async def _account(ctx: Context, name: str) -> User:
    wanted = name.strip().lower()
    query = select(User).where(or_(func.lower(User.username) == wanted, func.lower(User.email) == wanted))
    found = (await ctx.session.execute(query.limit(1))).scalars().first()
    if found is None:
        raise Refused(f"There is no account {name!r}. `mainstay user list` shows them.")
    return found


def _tell(username: str, password: str) -> None:
    out.print(f"User name: {username}")
    if password:
        out.print(f"Password:  {password}   (shown only now)")
