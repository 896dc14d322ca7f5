"""Lists: from ``items_per_page``, ``page``, ``sort``, ``reverse``, ``search`` and ``filters`` to SQL.

Sort keys and filter fields come from the declaration; nothing else reaches the statement.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Float,
    String,
    and_,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy import (
    column as sql_column,
)
from sqlalchemy.dialects.postgresql import JSONB

from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import MANY, Coarse, Field
from mainstay.kernel.validation import BadValue, read

MAX_PAGE = 1000
MAX_CONDITIONS = 50
CUSTOM = "custom_field_data."

# The documented words, and the spellings clients use for them.
CONDITIONS = {
    "equal": "equal", "equal to": "equal", "equals": "equal", "eq": "equal", "is": "equal", "=": "equal",
    "not_equal": "not_equal", "not equal": "not_equal", "not equal to": "not_equal", "ne": "not_equal",
    "!=": "not_equal", "in": "in", "not_in": "not_in", "not in": "not_in", "contains": "contains",
    "not_contains": "not_contains", "not contains": "not_contains", "does not contain": "not_contains",
    "starts_with": "starts_with", "starts with": "starts_with", "greater": "greater", "greater than": "greater",
    "gt": "greater", ">": "greater", "greater_equal": "greater_equal", "gte": "greater_equal",
    ">=": "greater_equal", "less": "less", "less than": "less", "lt": "less", "<": "less",
    "less_equal": "less_equal", "lte": "less_equal", "<=": "less_equal", "between": "between", "empty": "empty",
    "is empty": "empty", "not_empty": "not_empty", "not empty": "not_empty", "is not empty": "not_empty",
}  # fmt: skip


class ListQuery(msgspec.Struct, kw_only=True):
    """The query parameters of every list."""

    items_per_page: int = 50
    page: int = 1
    sort: str = ""
    reverse: bool = False
    search: str = ""
    filters: str = ""
    cursor: str = ""


@dataclass(slots=True)
class Source:
    """What can be filtered and sorted: the SQL of each declared field."""

    columns: Mapping[str, Any]
    fields: Mapping[str, Field]
    custom: Mapping[str, Field]
    document: Any  # the column that holds custom field values
    sqlite: bool


def parse_filters(raw: Any) -> Any:
    """The filter document of a query parameter or of a JSON body."""
    if raw in (None, "", {}, []):
        return None
    if isinstance(raw, str):
        try:
            raw = msgspec.json.decode(raw)
        except (msgspec.DecodeError, RecursionError):
            raise Invalid.field("filters", 'Filters must be JSON, such as {"field": "value"}.') from None
    if isinstance(raw, Mapping) and set(raw) == {"filters"}:
        return parse_filters(raw["filters"])
    return raw


def where(source: Source, document: Any) -> ColumnElement[bool] | None:
    """The SQL condition of a filter document. Raises ``Invalid`` naming what is wrong in it."""
    if document is None:
        return None
    counter = [0]
    return _node(source, document, counter, 0)


def _node(source: Source, node: Any, counter: list[int], depth: int) -> ColumnElement[bool]:
    if depth > 8:
        raise Invalid.field("filters", "Filters are nested too deeply; eight levels are the most.")
    if isinstance(node, list):
        return and_(true(), *[_node(source, item, counter, depth + 1) for item in node])
    if not isinstance(node, Mapping):
        raise Invalid.field("filters", 'A filter must be {"field", "condition", "value"} or {"field": value}.')
    if "field" in node:
        return _condition(source, node["field"], node.get("condition", node.get("operator", "equal")),
                          node.get("value"), counter)  # fmt: skip
    parts = []
    for key, value in node.items():
        if key in ("and", "or"):
            if not isinstance(value, list):
                raise Invalid.field("filters", f'"{key}" must hold a list of filters.')
            inner = [_node(source, item, counter, depth + 1) for item in value]
            parts.append(and_(true(), *inner) if key == "and" else or_(false(), *inner))
        elif key == "not":
            parts.append(not_(_node(source, value, counter, depth + 1)))
        elif isinstance(value, Mapping) and "condition" in value:
            parts.append(_condition(source, key, value["condition"], value.get("value"), counter))
        else:
            parts.append(_condition(source, key, "in" if isinstance(value, list) else "equal", value, counter))
    return and_(true(), *parts)


def _condition(source: Source, name: Any, word: Any, raw: Any, counter: list[int]) -> ColumnElement[bool]:
    counter[0] += 1
    if counter[0] > MAX_CONDITIONS:
        raise Invalid.field("filters", f"At most {MAX_CONDITIONS} conditions are allowed.")
    condition = CONDITIONS.get(str(word).strip().lower().replace("_to", ""))
    if condition is None:
        raise Invalid.field("filters", f"{str(word)[:40]!r} is not a condition. Conditions: "
                            + ", ".join(sorted(set(CONDITIONS.values()))) + ".")  # fmt: skip
    spec, column = _resolve(source, name)
    if spec.kind in MANY:
        return _many(source, spec, column, condition, raw)
    if condition == "empty":
        return _blank(spec, column)
    if condition == "not_empty":
        return not_(_blank(spec, column))
    if condition in ("contains", "not_contains", "starts_with"):
        return _like(column, condition, raw)
    if condition in ("in", "not_in"):
        values = raw if isinstance(raw, list) else [raw]
        if len(values) > 500:
            raise Invalid.field("filters", "A condition takes at most 500 values.")
        picked = [_value(spec, item) for item in values]
        found = column.in_([v for v in picked if v is not None])
        if any(v is None for v in picked):
            found = or_(found, column.is_(None))
        return found if condition == "in" else or_(not_(found), column.is_(None))
    if condition == "between":
        if not isinstance(raw, list) or len(raw) != 2:
            raise Invalid.field("filters", f"{spec.label}: between needs two values, [from, to].")
        first, last = _value(spec, raw[0]), _value(spec, raw[1])
        return and_(*_near(spec, column, "greater", first), *_near(spec, column, "less", last), column >= first,
                    column <= last)  # fmt: skip
    value = _value(spec, raw)
    if value is None or (value == "" and condition == "equal"):
        blank = _blank(spec, column)
        return blank if condition == "equal" else not_(blank)
    near = _near(spec, column, condition, value)
    if isinstance(value, str) and spec.kind in ("text", "email", "longtext", "phone", "url"):
        indexed = condition == "equal" and not source.sqlite and not spec.custom and _lowered(column)
        column, value = func.lower(column), value.lower()
        if indexed:
            # PostgreSQL has no statistics of what a partial index holds and takes one row in 200 for equal: it would
            # rather read the table in the order of the list. A range beside it says that there are few.
            near = [column >= value, column <= value]
    simple: dict[str, Any] = {
        "equal": lambda: column == value,
        "not_equal": lambda: or_(column != value, column.is_(None)),
        "greater": lambda: column > value, "greater_equal": lambda: column >= value,
        "less": lambda: column < value, "less_equal": lambda: column <= value,
    }  # fmt: skip
    made: ColumnElement[bool] = simple[condition]()
    return and_(*near, made)


@cache
def _lowered(column: Any) -> bool:
    """Whether an index holds the column in lower case."""
    table = column.class_.__table__
    return any(str(part) == str(func.lower(sql_column(column.key))) for i in table.indexes for part in i.expressions)


def steps(column: Any, coarse: Coarse) -> Any:
    """The column that stands in the indexes for this one."""
    return getattr(column.class_, coarse.column)


def _near(spec: Field, column: Any, condition: str, value: Any) -> list[ColumnElement[bool]]:
    """What a comparison means for the column that the indexes have instead of this one."""
    if spec.coarse is None or value is None or condition == "not_equal":
        return []
    step, held = spec.coarse.of(value), steps(column, spec.coarse)
    return [held == step if condition == "equal" else held >= step if condition.startswith("greater") else held <= step]


def _resolve(source: Source, name: Any) -> tuple[Field, Any]:
    if isinstance(name, str):
        if name.startswith(CUSTOM):
            spec = source.custom.get(name[len(CUSTOM) :])
            if spec is not None:
                return spec, custom_column(source, spec)
        for candidate, spec in source.fields.items():
            if name == candidate or name in spec.aliases or name == f"{candidate}_id":
                if not spec.filter:
                    break
                return spec, source.columns[candidate]
        if name in source.custom:
            return source.custom[name], custom_column(source, source.custom[name])
    raise Invalid.field("filters", f"{str(name)[:60]!r} is not a field to filter by. Fields: "
                        + ", ".join(n for n, s in source.fields.items() if s.filter) + ".")  # fmt: skip


def custom_column(source: Source, spec: Field) -> Any:
    """A custom field's value in the JSON document, typed so that it compares as people expect."""
    if spec.kind in MANY:
        return source.document[spec.name]
    if source.sqlite:
        value: Any = func.json_extract(source.document, f'$."{spec.name}"')
    else:
        value = type_coerce(source.document, JSONB)[spec.name].astext
    if spec.kind in ("integer", "number"):
        return cast(value, Float)
    if spec.kind == "boolean":
        return (value == literal(1)) if source.sqlite else (value == "true")
    return value


def _value(spec: Field, raw: Any) -> Any:
    if spec.kind == "html":
        return raw
    try:
        value = read(spec, raw)
    except BadValue as bad:
        raise Invalid.field("filters", str(bad)) from None
    if spec.custom and isinstance(value, date | datetime):
        return value.isoformat()
    if spec.custom and spec.kind == "choice":
        return str(value)
    return value


def _blank(spec: Field, column: Any) -> ColumnElement[bool]:
    if spec.kind in ("text", "longtext", "html", "email", "phone", "url", "color") or spec.custom:
        return or_(column.is_(None), cast(column, String) == "")
    blank: ColumnElement[bool] = column.is_(None)
    return blank


def _like(column: Any, condition: str, raw: Any) -> ColumnElement[bool]:
    words = [raw] if not isinstance(raw, list) else raw
    tests = []
    for word in words[:50]:
        if isinstance(word, dict | list) or "\x00" in str(word):
            raise Invalid.field("filters", "A contains condition needs text.")
        text = func.lower(cast(column, String))
        low = str(word).lower()
        tests.append(text.startswith(low, autoescape=True) if condition == "starts_with"
                     else text.contains(low, autoescape=True))  # fmt: skip
    found: ColumnElement[bool] = or_(false(), *tests)
    return or_(not_(found), column.is_(None)) if condition == "not_contains" else found


def _many(source: Source, spec: Field, column: Any, condition: str, raw: Any) -> ColumnElement[bool]:
    if condition in ("empty", "not_empty"):
        length = func.json_array_length(column) if source.sqlite else func.jsonb_array_length(column)
        blank = or_(column.is_(None), length == 0)
        return blank if condition == "empty" else not_(blank)
    if condition not in ("equal", "not_equal", "in", "not_in", "contains", "not_contains"):
        raise Invalid.field("filters", f"{spec.label} is a list: use in, not_in, contains, empty or not_empty.")
    values = [_value(Field(name=spec.name, kind="text", label=spec.label), v)
              for v in (raw if isinstance(raw, list) else [raw])]  # fmt: skip
    if spec.kind == "choices" and spec.choices and isinstance(spec.choices[0].id, int):
        values = [
            _value(Field(name=spec.name, kind="choice", label=spec.label, choices=spec.choices), v) for v in values
        ]
    found = holds_any(source.sqlite, column, values)
    return not_(found) if condition.startswith("not") else found


def holds_any(sqlite: bool, column: Any, values: list[Any]) -> ColumnElement[bool]:
    """Whether a JSON list column holds any of the values."""
    if sqlite:
        each = func.json_each(column).table_valued("value", name="each_value")
        return exists(select(literal(1)).select_from(each).where(each.c.value.in_(values)))
    # Named as JSONB: the portable type's ``contains`` is the one of text.
    held = type_coerce(column, JSONB)
    tests: list[ColumnElement[bool]] = [held.contains([value]) for value in values]
    return or_(false(), *tests)


def search(source: Source, words: str) -> ColumnElement[bool] | None:
    """Every word somewhere in the searchable fields, without case, also inside words."""
    columns = [source.columns[name] for name, spec in source.fields.items() if spec.search]
    terms = words.replace("\x00", "").lower().split()[:8]
    if not terms or not columns:
        return None
    return and_(*[or_(*[func.lower(column).contains(term, autoescape=True) for column in columns]) for term in terms])


def encode_cursor(sort: str, reverse: bool, value: Any, record_id: str) -> str:
    """Where a page ended: the sort key's value and the id."""
    raw = msgspec.json.encode([sort, reverse, value, record_id])
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode_cursor(text: str) -> tuple[str, bool, Any, str]:
    """Raises ``Invalid`` for a cursor that this server did not make."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        sort, reverse, value, record_id = msgspec.json.decode(raw)
        if not isinstance(sort, str) or not isinstance(reverse, bool) or not isinstance(record_id, str):
            raise ValueError
        if isinstance(value, list | dict) or "\x00" in str(value) + record_id:
            raise ValueError
    except (ValueError, TypeError, RecursionError, msgspec.DecodeError):
        raise Invalid.field("cursor", "The cursor is not valid. Start again from page 1.") from None
    return sort, reverse, value, record_id
