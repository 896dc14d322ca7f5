"""What everybody may do about their own account: profile, preferences, page settings, log-out."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import links, rows, store, verbs
from mainstay.kernel.access import login
from mainstay.kernel.access.tables import User
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Forbidden, Invalid
from mainstay.kernel.operation import Group, Success
from mainstay.kernel.validation import read_values
from mainstay.modules.people.authentication.resource import end_own, own_account
from mainstay.modules.people.users import service
from mainstay.modules.people.users.resource import OWN, PATH, users
from mainstay.modules.people.users.tables import UserPageConfig

own = Group("User Profile", PATH)
MINE = frozenset({"full_name", "phone", "landline", "timezone", "dashboard", "avatar_color"})
"""What people change about themselves; the rest is an administrator's to change."""
MAX_DOCUMENT = 64 * 1024


class Preferences(msgspec.Struct, kw_only=True):
    """Settings to keep; what is not named stays, what is null is dropped."""

    preferences: dict[str, Any] = {}


class PreferencesAnswer(msgspec.Struct, kw_only=True):
    status: str = "success"
    preferences: dict[str, Any]


class PageQuery(msgspec.Struct, kw_only=True):
    page: str = ""


class PageConfig(msgspec.Struct, kw_only=True):
    """How the caller set up one page."""

    page: str = ""
    config: dict[str, Any] = {}


class PageConfigSaved(msgspec.Struct, kw_only=True):
    status: str = "success"
    page: str
    config: dict[str, Any]


async def _shown(ctx: Context, account: User) -> Any:
    ctx.cache[OWN] = True
    row = await rows.one(ctx, users, User.id == account.id, account.id)
    (out,) = await rows.answer(ctx, users, [row])
    return out


@own.route("GET", "getmyprofile/", returns=users.output)
async def getmyprofile(ctx: Context) -> Any:
    """The caller's own profile."""
    return await _shown(ctx, await own_account(ctx))


@own.route("POST", "myprofile/", body=users.input, returns=verbs.saved_of(users))
async def myprofile(ctx: Context, body: Any) -> Any:
    """Change the caller's own profile; with ``current_password`` and ``new_password`` the password too."""
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object.")
    account = await own_account(ctx)
    if body.get("profile_id", account.id) != account.id:
        raise Forbidden("You can only change your own profile.")
    if body.get("new_password"):
        await login.change_own_password(ctx, body.get("current_password"), body["new_password"])
    values = read_values(users.writable(), body, partial=True)
    await links.resolve_one(ctx, users.fields, values)
    for name, value in values.items():
        if name not in MINE and value != getattr(account, name):
            label = users.fields[name].label.lower()
            raise Forbidden(f"You cannot change your own {label}. Ask an administrator.")
    service.check_timezone(values.get("timezone"))
    for name in MINE & values.keys():
        setattr(account, name, values[name])
    if await store.save(ctx, account):
        await service.tell_followers(ctx, account)
    return verbs.saved(users, await _shown(ctx, account), account.id, "update")


def _fits(name: str, document: Any) -> None:
    if len(msgspec.json.encode(document)) > MAX_DOCUMENT:
        raise Invalid.field(name, f"The {name} must be at most {MAX_DOCUMENT // 1024} KiB.")


@own.route("POST", "preference/")
async def preference(ctx: Context, body: Preferences) -> PreferencesAnswer:
    """Keep preferences of the caller: theme, language, what the console should remember."""
    account = await store.get(ctx, User, (await own_account(ctx)).id, lock=True)
    merged = {**account.preferences, **body.preferences}
    merged = {name: value for name, value in merged.items() if value is not None}
    _fits("preferences", merged)
    account.preferences = merged
    await store.save(ctx, account)
    return PreferencesAnswer(preferences=merged)


def _page_name(raw: str) -> str:
    name = raw.replace("\x00", "").strip()
    if not name:
        raise Invalid.field("page", "Please provide page.")
    if len(name) > 100:
        raise Invalid.field("page", "The page's name must be at most 100 characters.")
    return name


async def _config(ctx: Context, profile: str, page: str) -> UserPageConfig | None:
    query = select(UserPageConfig).where(UserPageConfig.profile == profile, UserPageConfig.page == page)
    return await store.find(ctx, query)


@own.route("GET", "retrieve-page-config/")
async def retrieve_page_config(ctx: Context, query: PageQuery) -> PageConfig:
    """How the caller set up a page; empty where nothing was saved."""
    page = _page_name(query.page)
    account = await own_account(ctx)
    found = await _config(ctx, account.id, page)
    return PageConfig(page=page, config=found.config if found else {})


@own.route("POST", "save-page-config/")
async def save_page_config(ctx: Context, body: PageConfig) -> PageConfigSaved:
    """Save how the caller set up a page: its columns, its filters."""
    page = _page_name(body.page)
    _fits("config", body.config)
    # The account is locked, so that two first saves of a page do not collide.
    account = await store.get(ctx, User, (await own_account(ctx)).id, lock=True)
    found = await _config(ctx, account.id, page)
    if found is None:
        await store.add(ctx, UserPageConfig(profile=account.id, page=page, config=body.config))
    else:
        found.config = body.config
        await store.save(ctx, found)
    return PageConfigSaved(page=page, config=body.config)


@own.route("POST", "logout/")
async def logout(ctx: Context) -> Success:
    """Log out: ends the session or token of this call."""
    if ctx.principal.kind == "apikey":
        raise Forbidden("An API key has no log-in to end. Revoke the key instead.")
    await end_own(ctx)
    return Success()
