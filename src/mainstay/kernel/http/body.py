"""Request bodies: JSON, form and multipart become the same plain values; hostile ones become a clear 4xx."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.datastructures import UploadFile
from litestar.exceptions import ClientException

from mainstay.kernel.errors import Invalid, TooLarge, Unsupported
from mainstay.kernel.operation import Upload

MAX_DEPTH = 40
_NESTED = (dict, list)
_ESCAPED_NUL = re.compile(rb"\\u0000")


async def read_raw(request: Request[Any, Any, Any], limit: int) -> bytes:
    """The body's bytes. Raises ``TooLarge`` beyond ``limit`` without reading on."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise TooLarge(f"The request is larger than {limit // 2**20} MiB.")
    parts, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"The request is larger than {limit // 2**20} MiB.")
        parts.append(chunk)
    return b"".join(parts)


def decode_json(raw: bytes) -> Any:
    """JSON as plain values. Raises ``Invalid`` for what is not JSON, too deep, or has NUL characters."""
    if not raw.strip():
        return {}
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"The body is not valid JSON: {error}.") from None
    except (RecursionError, OverflowError):
        raise Invalid("The body is nested too deeply.") from None
    check_depth(value)
    if _ESCAPED_NUL.search(raw) or b"\x00" in raw:
        _refuse_nul(value, "")
    return value


def check_depth(value: Any) -> None:
    """Raises ``Invalid`` beyond ``MAX_DEPTH`` levels."""
    level = [value] if isinstance(value, _NESTED) else []
    for _ in range(MAX_DEPTH + 1):
        if not level:
            return
        level = [
            item
            for held in level
            for item in (held.values() if isinstance(held, dict) else held)
            if isinstance(item, _NESTED)
        ]
    if level:
        raise Invalid(f"The body is nested too deeply; {MAX_DEPTH} levels are the most.")


def _refuse_nul(value: Any, where: str) -> None:
    if isinstance(value, str) and "\x00" in value:
        name = where or "body"
        raise Invalid.field(name, f"{name} must not contain NUL characters.")
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_nul(key, where)
            _refuse_nul(item, where or str(key).replace("\x00", ""))
    elif isinstance(value, list):
        for item in value:
            _refuse_nul(item, where)


async def read_body(request: Request[Any, Any, Any], limit: int, *, upload: bool) -> tuple[Any, Upload | None]:
    """The body's values and, where there is one, its file."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "multipart/form-data":
        announced = request.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > limit:
            raise TooLarge(f"The request is larger than {limit // 2**20} MiB.")
        return await _multipart(request, upload=upload)
    raw = await read_raw(request, limit)
    if kind in ("", "application/json") or kind.endswith("+json"):
        return decode_json(raw), None
    if kind == "application/x-www-form-urlencoded":
        return _form(raw), None
    if upload and kind in ("text/csv", "text/plain", "application/vnd.ms-excel", "application/octet-stream",
                           "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"):  # fmt: skip
        return {}, Upload(request.headers.get("x-file-name", "upload.csv"), raw, {})
    if not raw:
        return {}, None
    raise Unsupported(f"The content type {kind[:60]!r} is not supported. Send application/json.")


def _form(raw: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=1000)
    except (UnicodeDecodeError, ValueError):
        raise Invalid("The form cannot be read.") from None
    return fold(pairs)


def fold(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Form pairs as an object: a repeated name becomes a list, a JSON value is read as such."""
    values: dict[str, Any] = {}
    for name, raw in pairs:
        item = raw
        if isinstance(raw, str) and raw[:1] in "[{" and raw.strip():
            try:
                item = msgspec.json.decode(raw)
                check_depth(item)
            except (msgspec.DecodeError, RecursionError):
                item = raw
        if name in values:
            kept = values[name]
            values[name] = [*kept, item] if isinstance(kept, list) else [kept, item]
        else:
            values[name] = item
    _refuse_nul(values, "")
    return values


async def _multipart(request: Request[Any, Any, Any], *, upload: bool) -> tuple[Any, Upload | None]:
    try:
        form = await request.form()
    except (ClientException, ValueError, UnicodeDecodeError):
        raise Invalid("The multipart form cannot be read.") from None
    pairs, found = [], None
    for name, item in form.multi_items():
        if isinstance(item, UploadFile):
            if found is None and upload:
                found = Upload(item.filename, await item.read(), {})
        else:
            pairs.append((name, item if isinstance(item, str) else str(item)))
    values = fold(pairs)
    if found is not None:
        found.fields = values
    return values, found
