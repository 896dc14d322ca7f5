"""Notification templates: the words, checked when they are saved, previewed on a real record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from mainstay.kernel import verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, NotFound
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.integrations.messenger import wording
from mainstay.modules.integrations.messenger.tables import EVENT, OF, Template
from mainstay.modules.integrations.messenger.templating import TemplateError

TEXTS = ("subject", "body", "html")


class Templates(Behaviour[Template]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        return {"body": data["text"], **data} if "text" in data else data

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            _check(ctx, row)

    async def change(self, ctx: Context, entity: Template, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        _check(ctx, {name: values.get(name, getattr(entity, name)) for name in ("about", *TEXTS)})

    async def options(self, ctx: Context) -> dict[str, Any]:
        registry = ctx.platform.registry
        return {
            "macros": {about: {word: sorted(fields or ()) for word, fields in wording.macros(registry, about).items()}
                       for about in OF},
            "shipped": {about: {"subject": subject, "body": body}
                        for about, (subject, body) in wording.SHIPPED.items()},
        }  # fmt: skip


def _check(ctx: Context, row: Mapping[str, Any]) -> None:
    for name in TEXTS:
        wrong = wording.check(ctx.platform.registry, row.get("about") or EVENT, row.get(name) or "")
        if wrong:
            raise Invalid.field(name, wrong)


templates = Resource(
    Template,
    module="Notification Templates",
    path="/api/notification-templates/",
    label="Notification template",
    title="name",
    area="settings",
    section="Configuration",
    behaviour=Templates(),
    custom_fields=False,
    sample={"name": "Short", "about": "event", "subject": "{{ event.message }}", "body": "{{ event.message }}"},
)


class PreviewInput(msgspec.Struct, kw_only=True):
    """A text to try, on which record: an event or incident by ``id``; without one, the newest."""

    about: str = EVENT
    id: str = ""
    trigger: str = ""
    subject: str | None = None
    body: str | None = None
    html: str | None = None


class Preview(msgspec.Struct, kw_only=True):
    """How the message would read. ``record``: whose values it shows."""

    subject: str
    body: str
    html: str
    record: str


@templates.action("POST", "preview/", write=False)
async def preview_text(ctx: Context, body: PreviewInput) -> Preview:
    """Show a text filled in with a real event or incident, without saving it; the shipped words where none is given"""
    if body.about not in OF:
        raise Invalid.field("about", f"about must be one of: {', '.join(OF)}.")
    subject, text = wording.SHIPPED[body.about]
    given = body.subject is not None or body.body is not None
    return await _preview(ctx, body, (body.subject or "") if given else subject,
                          (body.body or "") if given else text, body.html or "")  # fmt: skip


@templates.action("POST", "{id}/preview/", write=False)
async def preview(ctx: Context, id: str, body: PreviewInput) -> Preview:
    """Show a template filled in with a real event or incident"""
    saved = await verbs.entity_of(ctx, templates, id)
    body.about = saved.about
    texts = [saved.subject if body.subject is None else body.subject, saved.body if body.body is None else body.body,
             saved.html if body.html is None else body.html]  # fmt: skip
    return await _preview(ctx, body, *texts)


async def _preview(ctx: Context, wanted: PreviewInput, subject: str, body: str, html: str) -> Preview:
    about = wanted.about
    res = ctx.platform.registry.resources[about]
    # A template must not show what its author may not read.
    ctx.principal.require(res.permission, "view")
    _check(ctx, {"about": about, "subject": subject, "body": body, "html": html})
    if wanted.id:
        record_id = (await verbs.entity_of(ctx, res, wanted.id)).id
    else:
        record_id = await _newest(ctx, res)
    found = (await wording.records(ctx, about, [record_id]))[record_id]
    trigger = wanted.trigger or OF[about][0]
    values = wording.values(ctx, about, found, trigger, organization=await wording.organization_name(ctx),
                            actor=ctx.principal.name)  # fmt: skip
    try:
        made = wording.render(wording.words(subject, body, html), values)
    except TemplateError as error:  # pragma: no cover - checked above
        raise Invalid(str(error)) from None
    return Preview(subject=made.subject, body=made.body, html=made.html, record=record_id)


async def _newest(ctx: Context, res: Resource[Any]) -> str:
    from sqlalchemy import select

    query = select(res.model.id).order_by(res.model.creation_time.desc(), res.model.id.desc()).limit(1)
    visible = res.behaviour.visible(ctx)
    found = await ctx.session.scalar(query if visible is None else query.where(visible))
    if found is None:
        raise NotFound(f"There is no {res.label.lower()} yet to show the template with.")
    return str(found)
