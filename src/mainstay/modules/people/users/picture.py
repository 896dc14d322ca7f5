"""Pictures of the staff: everybody sets their own, everybody who is logged in sees them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from mainstay.kernel import files, pictures, store
from mainstay.kernel.access.tables import User
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, NotFound
from mainstay.kernel.files import Attachment, AttachmentInput, Media
from mainstay.kernel.operation import Success
from mainstay.modules.people.authentication.resource import own_account
from mainstay.modules.people.users import service
from mainstay.modules.people.users.own import own
from mainstay.modules.people.users.resource import picture_of

KEPT_AS = "user_picture"
"""Its attachments are no files of the account: they are not listed with those."""


class PictureSaved(Success, kw_only=True):
    profile_image: str
    picture: str
    """Where it is served; another address for another picture."""


@own.route("POST", "picture/")
async def set_picture(ctx: Context, body: AttachmentInput) -> PictureSaved:
    """Set the caller's own picture: a PNG, JPEG, GIF or WebP file of at most 1 MiB, as a data URI."""
    if not body.data:
        raise Invalid.field("data", "Please provide data: the picture as a data URI.")
    pictures.check(*files.decode(ctx.platform.settings, body))
    account = await store.get(ctx, User, (await own_account(ctx)).id, lock=True)
    await _drop(ctx, account)
    (made,) = await files.attach(ctx, KEPT_AS, account.id, [body], note=False)
    account.profile_image = made.id
    await _keep(ctx, account)
    return PictureSaved(profile_image=made.id, picture=picture_of(account.id, made.id))


@own.route("DELETE", "picture/", status=204)
async def remove_picture(ctx: Context) -> None:
    """Take the caller's own picture away; the initials are shown again."""
    account = await store.get(ctx, User, (await own_account(ctx)).id, lock=True)
    await _drop(ctx, account)
    account.profile_image = ""
    await _keep(ctx, account)


@own.route("GET", "{id}/picture/", returns=Media)
async def picture(ctx: Context, id: str) -> Any:
    """The picture of a member of the staff."""
    found = await _of(ctx, id)
    if found is None:
        raise NotFound("This person has no picture.")
    return files.content(ctx, found)


async def _of(ctx: Context, profile_id: str) -> Attachment | None:
    wanted = select(Attachment).join(User, Attachment.id == User.profile_image)
    return await store.find(ctx, wanted.where(User.id == profile_id, Attachment.resource == KEPT_AS))


async def _drop(ctx: Context, account: User) -> None:
    before = await _of(ctx, account.id)
    if before is not None:
        await store.remove(ctx, before)


async def _keep(ctx: Context, account: User) -> None:
    if await store.save(ctx, account):
        await service.tell_followers(ctx, account)


__all__ = ["own"]
