"""The query language: what it reads, what it refuses, and that its two forms mean the same."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mainstay.modules.logs.search import moments
from mainstay.modules.logs.search.parser import LONGEST, parse
from mainstay.modules.logs.search.query import (
    And,
    Compare,
    Exists,
    Node,
    Not,
    Or,
    Pattern,
    QueryError,
    Regex,
    Wild,
    Words,
    join,
    negate,
    render,
)
from mainstay.modules.logs.search.sql import Condition

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def word(text: str) -> Words:
    return Words(Pattern((text,)))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("failed password", And((word("failed"), word("password")))),
        ('"failed password"', word("failed password")),
        ("a AND b or c", Or((And((word("a"), word("b"))), word("c")))),
        ("a (b || c)", And((word("a"), Or((word("b"), word("c")))))),
        ("-user:bob", Not(Compare("fields.user", ":", Pattern(("bob",))))),
        ("not not a", word("a")),
        ("severity <= 3", Compare("severity", "<=", Pattern(("3",)))),
        ("level:error", Compare("severity", ":", Pattern(("error",)))),
        ("host!=(a, b)", Not(Or((Compare("host", ":", Pattern(("a",))), Compare("host", ":", Pattern(("b",))))))),
        ('"odd name":x', Compare("fields.odd name", ":", Pattern(("x",)))),
        ("fields.host:x", Compare("fields.host", ":", Pattern(("x",)))),
        ("host:co*-?1", Compare("host", ":", Pattern(("co", Wild.ANY, "-", Wild.ONE, "1")))),
        ("user:*", Exists("fields.user")),
        (r"\*x", word("*x")),
        (r'message~"^a\d+ \"b\""', Regex("message", '^a\\d+ "b"')),
        ("fe80::1", word("fe80::1")),
        ("message:up", Compare("message", ":", Pattern(("up",)))),
        ("http://example.com/a?", Words(Pattern(("http://example.com/a", Wild.ONE)))),
        ("00:1b:44:11:3a:b7", word("00:1b:44:11:3a:b7")),
    ],
)
def test_a_query_becomes_this_tree(text: str, tree: Node) -> None:
    assert parse(text) == tree
    assert parse(render(tree)) == tree


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("a or", 4, "ends where"), ("(a", 0, "not closed"), ("a)", 1, "no opening"), ('a "b', 2, "quote is not closed"),
        ("eth0: link", 5, '"eth0:"'), ("and a", 0, "quote it"), ("host:()", 6, "value is expected"),
        ("severity<er*", 0, "Wildcards"), ('m~"(?=a)"', 2, "RE2"), ("m~abc", 2, "quotes"), ("host:(a b)", 8, "comma"),
        ("host:(a", 5, "not closed"), ('""', 0, "nothing between"), ("a>(1,2)", 2, "list"),
        ("(" * 50 + "a" + ")" * 50, 40, "levels"), ("a " * 201, 400, "at most 200"),
        ("a" * (LONGEST + 1), LONGEST, "characters"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_where_and_why(text: str, at: int, says: str) -> None:
    with pytest.raises(QueryError, match=says) as caught:
        parse(text)
    assert caught.value.at == at


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("severity:bad", "emergency"), ("message>3", "is text"), ("bytes>many", "compares numbers"),
        ("time>soon", "ISO 8601"), ("id:x", "whole number"), ('severity~"3"', "holds numbers"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_says_the_way_out(text: str, says: str) -> None:
    with pytest.raises(QueryError, match=says):
        Condition(NOW, ZoneInfo("UTC")).of(parse(text))


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
NAMES = st.sampled_from(["host", "app", "fields.user", "fields.x y", "fields.and", "source", "raw"])


def _pattern(parts: list[str | Wild]) -> Pattern:
    made: list[str | Wild] = []
    for part in parts:
        if isinstance(part, str) and made and isinstance(made[-1], str):
            made[-1] += part
        elif not (part is Wild.ANY and made and made[-1] is Wild.ANY):
            made.append(part)
    return Pattern(tuple(made))


PATTERNS = st.lists(st.one_of(TEXT, st.sampled_from(list(Wild))), min_size=1, max_size=4).map(_pattern)
SOME = PATTERNS.filter(lambda pattern: pattern.parts != (Wild.ANY,))
LEAVES = st.one_of(
    SOME.map(Words),
    st.builds(Compare, NAMES, st.sampled_from([":", "=", "!="]), SOME),
    st.builds(Compare, st.just("fields.n"), st.sampled_from(["<", ">="]), st.just(Pattern(("1.5",)))),
    st.builds(Exists, NAMES),
    st.builds(Regex, NAMES, st.sampled_from(["^a|b$", r'\d+"\\', "x y"])),
)
TREES = st.recursive(
    LEAVES,
    lambda inside: st.one_of(
        st.lists(inside, min_size=2, max_size=3).map(lambda items: join(And, items)),
        st.lists(inside, min_size=2, max_size=3).map(lambda items: join(Or, items)),
        inside.map(lambda item: negate(item, 0)),
    ),
    max_leaves=8,
)


@given(TREES)
def test_a_tree_survives_its_own_text(tree: Node) -> None:
    assert parse(render(tree)) == tree


@given(st.one_of(st.text(max_size=60), st.text('ab:"()*?\\ -!<>=~,/|&ornt.1', max_size=40)))
@example('host:"')
@example("a\\")
@example("!")
@example("-")
@example("\x00")
def test_no_text_causes_anything_but_a_clear_error(text: str) -> None:
    with suppress(QueryError):
        tree = parse(text)
        made = Condition(NOW, ZoneInfo("UTC")).of(tree)
        # Nothing that was typed is in the statement: it is all bound.
        assert set(re.findall(r"'[^']*'", made)) <= {"' '", "''", "'UTC'"}
        assert parse(render(tree)) == tree


@pytest.mark.parametrize(
    ("given_text", "read"),
    [
        ("2026-01-05T08:00:00Z", datetime(2026, 1, 5, 8, tzinfo=UTC)),
        ("2026-01-05 08:00", datetime(2026, 1, 5, 7, tzinfo=UTC)),
        (1_767_600_000, datetime(2026, 1, 5, 8, tzinfo=UTC)),
        ("1767600000123", datetime(2026, 1, 5, 8, 0, 0, 123000, tzinfo=UTC)),
        ("now", NOW),
        ("now-90m", datetime(2026, 11, 22, 10, 30, tzinfo=UTC)),
        ("yesterday", datetime(2026, 11, 20, 23, tzinfo=UTC)),
    ],
)
def test_points_in_time(given_text: object, read: datetime) -> None:
    assert moments.read(given_text, NOW, ZoneInfo("Europe/Berlin")) == read


@given(st.one_of(st.text(max_size=30), st.floats(), st.integers()))
def test_what_is_no_time_is_refused(value: object) -> None:
    with suppress(moments.BadMoment):
        assert moments.read(value, NOW, ZoneInfo("UTC")).tzinfo is UTC
