"""Reading many records at once says the same as reading each by itself."""

from __future__ import annotations

from typing import Any

from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import Choice, Field
from mainstay.kernel.validation import read_rows, read_values

FIELDS = {
    "name": Field(name="name", kind="text", label="Name", required=True, max_length=10, aliases=("title",)),
    "status": Field(name="status", kind="choice", label="Status", choices=(Choice(1, "Open"), Choice(2, "Closed"))),
    "count": Field(name="count", kind="integer", label="Count", minimum=0, maximum=9),
    "code": Field(name="code", kind="text", label="Code", required=True),
    "made": Field(name="made", kind="text", label="Made", required=True, read_only=True),
}
ROWS: list[dict[str, Any]] = [
    {"name": " one ", "status": "open", "count": "3", "code": "a"},
    {"title": "two", "status": {"id": 2}, "code": "b", "unknown": "x"},
    {"name": "given under both", "title": "three", "code": "c"},
    {"status": "Ajar", "count": 12},
    {"code": "", "name": "x" * 11, "made": "by hand"},
    {"code": "\ud800", "name": "é", "count": 1.5},
    {"name": "one", "status": None, "count": "", "code": "d"},
    {},
]


def alone(row: dict[str, Any], fields: dict[str, Field] = FIELDS) -> tuple[dict[str, Any], dict[str, list[str]]]:
    try:
        return read_values(fields, row, partial=False), {}
    except Invalid as invalid:
        return {}, invalid.extra["fields"]


def test_rows_are_read_as_each_would_be_alone() -> None:
    read = read_rows(FIELDS, ROWS * 2)
    assert [(values if not errors else {}, errors) for values, errors in read] == [alone(row) for row in ROWS] * 2
    good = [values for values, errors in read if not errors]
    assert good[:3] == [
        {"name": "one", "status": 1, "count": 3, "code": "a"},
        {"name": "two", "status": 2, "code": "b"},
        {"name": "one", "status": None, "count": None, "code": "d"},
    ]


def test_errors_come_in_the_order_of_the_fields() -> None:
    wrong = [errors for _values, errors in read_rows(FIELDS, ROWS)]
    assert wrong[2] == {"name": ["Name must be at most 10 characters; this has 16."]}
    assert list(wrong[3]) == ["name", "status", "count", "code"]
    assert wrong[3]["name"] == ["Please provide name."]
    assert list(wrong[4]) == ["name", "code"]
    assert "Unicode" in wrong[5]["code"][0]
    assert list(wrong[7]) == ["name", "code"]


def test_many_texts_are_read_as_each_would_be_alone() -> None:
    spec = {"name": FIELDS["name"], "note": Field(name="note", kind="longtext", label="Note", max_length=5)}
    columns: list[list[Any]] = [
        ["a", " b ", "é"],
        ["a", "", "b"],
        ["a", "x" * 11, "b"],
        ["a", "\x00", "b"],
        ["a", "\ud800", "b"],
        ["a", 5, True],
    ]
    for column in columns:
        rows = [{"name": value, "note": value} for value in column]
        found = read_rows(spec, rows)
        assert [(values if not errors else {}, errors) for values, errors in found] == [
            alone(row, spec) for row in rows
        ]
