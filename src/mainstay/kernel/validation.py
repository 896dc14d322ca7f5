"""From what a client or a CSV row says to the value that is stored; errors name the field and the way out."""

from __future__ import annotations

import re
import sys
from collections.abc import Container, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import MANY, Choice, Field
from mainstay.kernel.richtext import sanitise

_EMAIL = re.compile(r"[^@\s<>()\[\],;:\\\"]{1,64}@(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})\.)*[A-Za-z0-9-]{1,63}")
_PHONE = re.compile(r"[0-9+()./ xX#*-]{0,40}")
_COLOR = re.compile(r"#?[0-9A-Za-z]{1,30}")
_TRUE = {"true", "yes", "1", "on", "y", "active", "enabled"}
_FALSE = {"false", "no", "0", "off", "n", "inactive", "disabled"}
_DATES = ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y/%m/%d")


class BadValue(ValueError):
    """A value that a field does not take."""


def read_values(
    fields: Mapping[str, Field],
    data: Mapping[str, Any],
    *,
    partial: bool,
    required: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Field values from ``data``; names not declared are left out.

    ``partial``: only what is given is checked (PATCH). ``required`` adds fields that are mandatory here and now.
    Raises ``Invalid`` with every error found.
    """
    values, errors = _read_by(_plan(fields, data, partial=partial, required=required), data)
    if errors:
        raise Invalid(fields=errors)
    return values


def read_rows(
    fields: Mapping[str, Field], rows: Sequence[Mapping[str, Any]]
) -> list[tuple[dict[str, Any], dict[str, list[str]]]]:
    """Values of many new records, and each one's errors by field.

    Rows that give the same names, which most of a file or a bulk request do, are read field by field.
    """
    groups: dict[tuple[str, ...], list[int]] = {}
    for index, data in enumerate(rows):
        groups.setdefault(tuple(data), []).append(index)
    out: list[tuple[dict[str, Any], dict[str, list[str]]]] = [({}, {})] * len(rows)
    for given, places in groups.items():
        plan = _plan(fields, given, partial=False)
        some = [rows[place] for place in places]
        if plan.missing or not plan.taken or len(some) == 1:
            found = [_read_by(plan, data) for data in some]
        else:
            names = [name for name, _given, _spec, _mandatory in plan.taken]
            columns = [_column(spec, [data[key] for data in some], must) for _name, key, spec, must in plan.taken]
            found = [
                # What is wrong with a row is told by reading it alone.
                _read_by(plan, data) if _REFUSED in values else (dict(zip(names, values, strict=True)), {})
                for data, values in zip(some, zip(*columns, strict=True), strict=True)
            ]
        for place, one in zip(places, found, strict=True):
            out[place] = one
    return out


class _Refused:
    """Stands for a value that a field does not take."""

    __slots__ = ()


_REFUSED = _Refused()
_FEW = frozenset({"choice", "reference", "user", "boolean", "integer", "number", "date", "datetime"})
"""Kinds whose values come again and again and cannot be changed by who has them."""
_FROZEN = frozenset({str, int})
"""Types of which equal values are read alike; not so of ``True`` and 1."""


def _column(spec: Field, raws: Sequence[Any], mandatory: bool) -> list[Any]:
    """Many values for one field; in place of one that it does not take, ``_REFUSED``."""
    kinds = set(map(type, raws))
    if spec.kind in _FEW and kinds <= _FROZEN:
        known = {raw: _one(spec, raw, mandatory) for raw in set(raws)}
        return [known[raw] for raw in raws]
    if spec.kind in ("text", "longtext") and spec.check is None and kinds == {str} and _sound("".join(raws)):
        # All at once, where nothing can be wrong with any but what is counted here.
        found = list(raws) if spec.kind == "longtext" else [raw.strip() for raw in raws]
        if (all(found) or not mandatory) and max(map(len, found)) <= (spec.max_length or sys.maxsize):
            return found
    return [_one(spec, raw, mandatory) for raw in raws]


def _sound(text: str) -> bool:
    """Whether it holds only characters that may be stored."""
    try:
        return "\x00" not in text and (text.isascii() or bool(text.encode()))
    except UnicodeEncodeError:
        return False


def _one(spec: Field, raw: Any, mandatory: bool) -> Any:
    try:
        value = read(spec, raw)
    except BadValue:
        return _REFUSED
    return _REFUSED if mandatory and (value is None or value == "" or value == []) else value


class _Plan(NamedTuple):
    """How input of certain names is read, whatever the values."""

    taken: list[tuple[str, str, Field, bool]]
    """Field, the name it is given under, its declaration, whether it is mandatory."""
    missing: dict[str, list[str]]
    order: list[str]


def _plan(
    fields: Mapping[str, Field],
    names: Container[str],
    *,
    partial: bool,
    required: frozenset[str] = frozenset(),
) -> _Plan:
    plan = _Plan([], {}, list(fields))
    for name, spec in fields.items():
        if spec.read_only:
            continue
        mandatory = spec.required or name in required
        given = name if name in names else next((alias for alias in spec.aliases if alias in names), None)
        if given is not None:
            plan.taken.append((name, given, spec, mandatory))
        elif mandatory and not partial:
            plan.missing[name] = [f"Please provide {spec.label.lower()}."]
    return plan


def _read_by(plan: _Plan, data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    values: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    for name, given, spec, mandatory in plan.taken:
        try:
            value = read(spec, data[given])
        except BadValue as bad:
            errors[name] = [str(bad)]
            continue
        if mandatory and (value is None or value == "" or value == []):
            errors[name] = [f"Please provide {spec.label.lower()}."]
            continue
        values[name] = value
    if plan.missing:
        errors |= plan.missing
        errors = {name: errors[name] for name in plan.order if name in errors}
    return values, errors


def read(spec: Field, raw: Any) -> Any:
    """One value for one field. Raises ``BadValue``."""
    if raw is None or (raw == "" and spec.kind not in ("json",)):
        return _empty(spec)
    if spec.kind in MANY:
        value: Any = _many(spec, raw)
    else:
        value = _READERS[spec.kind](spec, raw)
    if spec.check is not None:
        problem = spec.check(value)
        if problem:
            raise BadValue(problem)
    return value


def _empty(spec: Field) -> Any:
    if spec.kind in MANY:
        return []
    if spec.kind == "json":
        return {} if not isinstance(spec.default, list) else []
    if spec.kind == "boolean":
        return bool(spec.default)
    if spec.kind in ("text", "longtext", "html", "email", "phone", "url", "color", "secret"):
        return ""
    return None


def _text(spec: Field, raw: Any) -> str:
    if isinstance(raw, bool | list | dict):
        raise BadValue(f"{spec.label} must be text.")
    value = str(raw)
    if "\x00" in value:
        raise BadValue(f"{spec.label} must not contain NUL characters.")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadValue(f"{spec.label} contains characters that are not valid Unicode.") from None
    if spec.kind not in ("longtext", "html", "secret"):
        value = value.strip()
    if spec.max_length and len(value) > spec.max_length:
        raise BadValue(f"{spec.label} must be at most {spec.max_length} characters; this has {len(value)}.")
    return value


def _html(spec: Field, raw: Any) -> str:
    return sanitise(_text(spec, raw))


def _email(spec: Field, raw: Any) -> str:
    value = _text(spec, raw)
    if not _EMAIL.fullmatch(value):
        raise BadValue(f"{spec.label} must be an e-mail address such as name@example.com.")
    return value


def _phone(spec: Field, raw: Any) -> str:
    value = _text(spec, raw)
    if not _PHONE.fullmatch(value):
        raise BadValue(f"{spec.label} must be a phone number: digits, spaces and + ( ) - . / only.")
    return value


def _url(spec: Field, raw: Any) -> str:
    value = _text(spec, raw)
    if "://" not in value:
        value = f"https://{value}"
    if not re.fullmatch(r"https?://[^\s<>\"']+", value):
        raise BadValue(f"{spec.label} must be a web address that starts with http:// or https://.")
    return value


def _color(spec: Field, raw: Any) -> str:
    value = _text(spec, raw)
    if not _COLOR.fullmatch(value):
        raise BadValue(f"{spec.label} must be a colour such as #1d4ed8.")
    return value


def _number(spec: Field, raw: Any) -> int | float:
    whole = spec.kind == "integer"
    kind = "a whole number" if whole else "a number"
    try:
        if isinstance(raw, bool) or not isinstance(raw, int | float | str):
            raise ValueError
        value: int | float = int(raw) if whole and not isinstance(raw, float) else float(raw)
        if whole:
            if isinstance(value, float) and not value.is_integer():
                raise ValueError
            value = int(value)
        elif value != value or value in (float("inf"), float("-inf")):
            raise ValueError
    except (ValueError, OverflowError):
        raise BadValue(f"{spec.label} must be {kind}.") from None
    low, high = spec.minimum, spec.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        raise BadValue(f"{spec.label} must be {kind} between {low:g} and {high:g}."
                       if low is not None and high is not None else f"{spec.label} is out of range.")  # fmt: skip
    return value


def _boolean(spec: Field, raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    word = str(raw).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise BadValue(f"{spec.label} must be true or false.")


def _date(spec: Field, raw: Any) -> date:
    if isinstance(raw, datetime):
        return raw.date()
    if isinstance(raw, date):
        return raw
    word = str(raw).strip()
    for form in _DATES:
        try:
            return datetime.strptime(word[:10], form).date()
        except ValueError:
            continue
    raise BadValue(f"{spec.label} must be a date such as 2026-01-31.")


def _datetime(spec: Field, raw: Any) -> datetime:
    if isinstance(raw, datetime):
        value = raw
    elif isinstance(raw, str):
        try:
            value = datetime.fromisoformat(raw.strip())
        except ValueError:
            raise BadValue(f"{spec.label} must be a time such as 2026-01-31T09:30:00Z.") from None
    elif isinstance(raw, int | float) and not isinstance(raw, bool):
        try:
            # Clients send both seconds and milliseconds; anything past year 5138 in seconds is milliseconds.
            value = datetime.fromtimestamp(raw / 1000 if raw > 1e11 else raw, UTC)
        except (ValueError, OverflowError, OSError):
            raise BadValue(f"{spec.label} is not a valid time.") from None
    else:
        raise BadValue(f"{spec.label} must be a time such as 2026-01-31T09:30:00Z.")
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise BadValue(f"{spec.label} is not a valid time.") from None


_word_lists: dict[int, tuple[tuple[Choice, ...], dict[str, int | str]]] = {}


def _words(choices: tuple[Choice, ...]) -> dict[str, int | str]:
    """What names a choice, in lower case → its id."""
    kept = _word_lists.get(id(choices))
    if kept is None:
        words: dict[str, int | str] = {}
        for option in choices:
            words.setdefault(str(option.id).lower(), option.id)
            words.setdefault(option.name.lower(), option.id)
        if len(_word_lists) > 5000:
            _word_lists.clear()
        # With the choices themselves, so that their number is not given to others.
        kept = _word_lists[id(choices)] = (choices, words)
    return kept[1]


def read_choice(spec: Field, raw: Any) -> int | str:
    """A choice given as ``{"id", "name"}``, by id or by name."""
    if isinstance(raw, Mapping):
        raw = raw.get("id", raw.get("value", raw.get("name")))
    if isinstance(raw, list | dict | bool):
        raise BadValue(f"{spec.label} must be one choice.")
    word = str(raw).strip().lower()
    known = _words(spec.choices).get(word)
    if known is not None:
        return known
    allowed = ", ".join(option.name for option in spec.choices[:20])
    raise BadValue(f"{spec.label} must be one of: {allowed}.")


def read_link(spec: Field, raw: Any) -> str:
    """An id, or a record that carries one. Whether it exists is checked by the caller, set-wise."""
    if isinstance(raw, Mapping):
        keys = ("id", "profile_id", f"{spec.reference}_id", "value")
        raw = next((raw[key] for key in keys if raw.get(key)), None)
    if isinstance(raw, int) and not isinstance(raw, bool):
        raw = str(raw)
    if not isinstance(raw, str) or not raw or "\x00" in raw:
        raise BadValue(f"{spec.label} must be an id.")
    return raw.strip()[:255]


def _json(spec: Field, raw: Any) -> Any:
    if isinstance(raw, str):
        import msgspec

        try:
            raw = msgspec.json.decode(raw)
        except (msgspec.DecodeError, RecursionError):
            raise BadValue(f"{spec.label} must be JSON.") from None
    if not isinstance(raw, dict | list):
        raise BadValue(f"{spec.label} must be a JSON object.")
    return raw


def _many(spec: Field, raw: Any) -> list[Any]:
    if isinstance(raw, str):
        raw = [part.strip() for part in re.split(r"[;,]", raw) if part.strip()]
    if not isinstance(raw, list | tuple):
        raw = [raw]
    if len(raw) > 1000:
        raise BadValue(f"{spec.label} takes at most 1000 entries.")
    if spec.kind == "choices":
        values: list[Any] = [read_choice(spec, item) for item in raw]
    elif spec.kind == "tags":
        values = [_tag(spec, item) for item in raw]
    else:
        values = [read_link(spec, item) for item in raw]
    return list(dict.fromkeys(values))


def _tag(spec: Field, raw: Any) -> str:
    if isinstance(raw, Mapping):
        raw = raw.get("name") or raw.get("tag") or ""
    if not isinstance(raw, str | int) or isinstance(raw, bool) or not str(raw).strip() or "\x00" in str(raw):
        raise BadValue(f"{spec.label} must be a list of tag names.")
    return str(raw).strip()[:255]


_READERS: dict[str, Any] = {
    "text": _text, "longtext": _text, "secret": _text, "html": _html, "email": _email, "phone": _phone, "url": _url,
    "color": _color, "integer": _number, "number": _number, "boolean": _boolean, "date": _date,
    "datetime": _datetime, "choice": read_choice, "user": read_link, "reference": read_link, "json": _json,
}  # fmt: skip
