"""Rich text from outside: HTML is sanitised on the way in, so that everything stored is safe to show."""

from __future__ import annotations

import html
import re

import nh3

_TAGS = {
    "a", "b", "blockquote", "br", "code", "div", "em", "h1", "h2", "h3", "h4", "hr", "i", "img", "li", "ol", "p",
    "pre", "s", "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*|/[^/\\][^\s]*")


def sanitise(text: str) -> str:
    """HTML with scripts, handlers, styles and foreign images removed; links open without a referrer."""
    if "<" not in text and "&" not in text:
        return text
    return nh3.clean(
        text,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "tel", "data"},
        link_rel="noopener noreferrer nofollow",
        attribute_filter=_attribute,
        clean_content_tags={"script", "style", "iframe", "object", "svg", "math", "template"},
    )


def _attribute(tag: str, name: str, value: str) -> str | None:
    # A foreign image tells its host who reads the ticket, and when.
    if tag == "img" and name == "src":
        return value if _IMAGE.fullmatch(value) else None
    if name == "href" and value.lower().lstrip().startswith("data:"):
        return None
    return value


def plain(text: str) -> str:
    """The words of a rich text, for search, mail subjects and previews."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", text))).strip()
