"""Grok expressions: every well-known name, typed fields, refusals, and that nothing makes them hang."""

from __future__ import annotations

import re
import time
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainstay.modules.logs.grok.engine import Refused, compile_grok, explain
from mainstay.modules.logs.grok.library import Library, known
from mainstay.modules.logs.grok.linear import plain
from mainstay.modules.logs.grok.tree import LinearError
from tests.logs.grok_samples import NOT, SAMPLES

LIBRARY = Library()


def test_every_well_known_pattern_has_a_sample() -> None:
    assert sorted(SAMPLES) == sorted(known())


@pytest.mark.parametrize("name", sorted(known()))
def test_a_well_known_pattern_matches_its_line(name: str) -> None:
    sample = SAMPLES[name]
    line, fields = sample if isinstance(sample, tuple) else (sample, {})
    found = explain(compile_grok(f"^%{{{name}}}$", LIBRARY), line)
    assert found.matched, found.reason
    assert (found.start, found.length) == (0, len(line))
    assert {field: found.fields.get(field) for field in fields} == fields


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in NOT.items() for line in lines])
def test_a_well_known_pattern_leaves_other_text(name: str, line: str) -> None:
    assert not explain(compile_grok(f"^%{{{name}}}$", LIBRARY), line).matched


@pytest.mark.parametrize(
    ("expression", "line", "fields"),
    [
        ("%{INT:count:int} of %{NUMBER:share:float}", "007 of 2.50", {"count": 7, "share": 2.5}),
        ("%{NUMBER:share:int}", "12.9", {"share": 12}),
        ("%{WORD:[user][name]} %{IP:[source][ip]}", "ann 10.0.0.1", {"user.name": "ann", "source.ip": "10.0.0.1"}),
        (r"(?<id>[A-Z]{2}\d+) (?P<rest>.*)", "AB17 x y", {"id": "AB17", "rest": "x y"}),
        ("(?<port:int>[0-9]+)", "port 0443", {"port": 443}),
        ("(?:user=%{WORD:user}|uid=%{INT:user})", "uid=17", {"user": "17"}),
        (r"(?i)error: %{GREEDYDATA:what}", "ERROR: disk", {"what": "disk"}),
        (r"\[%{DATA:a}\] \"%{DATA:b}\" <%{DATA:c}>", '[x] "y" <z>', {"a": "x", "b": "y", "c": "z"}),
        (r"[[:alpha:]]+(?#a word) [\w.-]+ %{NOTSPACE:x}", "a b.c-d e", {"x": "e"}),
        ("ümlaut %{DATA:x}$", "sö ümlaut ß", {"x": "ß"}),
        ("a %{GREEDYDATA:x}", "a one\ntwo", {"x": "one"}),
        ("(?s)a %{GREEDYDATA:x}", "a one\ntwo", {"x": "one\ntwo"}),
        ("^a (?:(?<x>.*))", "a ", {"x": ""}),
        ("a=(?<x>.*?) b", "a=1 b 2 b", {"x": "1"}),
    ],
)
def test_expressions_find_fields(expression: str, line: str, fields: dict[str, Any]) -> None:
    found = explain(compile_grok(expression, LIBRARY), line)
    assert found.matched, found.reason
    assert found.fields == fields


def test_where_a_match_begins_is_counted_in_characters() -> None:
    found = explain(compile_grok("%{IP:ip}", LIBRARY), "größer: 10.0.0.1!")
    assert (found.start, found.length, found.text) == (8, 8, "10.0.0.1")


def test_a_typed_field_that_is_no_number_keeps_its_text() -> None:
    found = compile_grok("n=%{NOTSPACE:n:int}", LIBRARY).extract(pl.Series(["n=5", "n=five", "x"]))
    assert found.matched.to_list() == [True, True, False]
    assert found.fields["n"].to_list() == ["5", "five", None]
    assert found.wrong_type.to_list() == [False, True, False]


def test_a_line_that_does_not_match_is_explained() -> None:
    found = explain(compile_grok("%{IP:ip} port %{INT:port} ssh2", LIBRARY), "from 10.0.0.1 port http ssh2")
    assert not found.matched
    assert (found.matched_expression, found.matched_text) == ("%{IP:ip} port ", "10.0.0.1 port ")
    assert (found.failed_at, found.rest) == ("%{INT:port}", "http ssh2")
    assert "%{INT:port}" in found.reason


@pytest.mark.parametrize(
    ("expression", "says", "instead"),
    [
        (r"(?<![0-9])%{INT:x}(?![0-9])", "looks", r"\b%{INT:x}\b"),
        (r"(?>a|b)c", "atomic", "(?:a|b)c"),
        (r"a++b?+c", "possessive", "a+b?c"),
        (r"%{WORD:a}(?= end)", "looks ahead", "%{WORD:a}(?: end)"),
        (r"%{WORD:a}(?= end).", "looks ahead", None),
        (r"(a)\1", "back-reference", None),
        (r"(?<n>a)\k<n>", "back-reference", None),
        (r"(?=a)b(?!c)", "looks ahead", None),
        ("%{NOSUCH:x}", "no pattern named NOSUCH", None),
        ("%{IPV44:x}", "Did you mean IPV4", None),
        ("%{WORD:a b}", "not a field name", None),
        ("%{WORD:a:date}", "not a type", None),
        ("%{WORD", "Write %{PATTERN}", None),
        ("(a", "not closed", None),
        ("a)", "without an opening", r"a\)"),
        ("*a", "nothing to repeat", r"\*a"),
        ("[a", "not closed", None),
        ("(?:a{1000}){1000}", "too large", None),
        ("a{5,2}", "ends below", None),
        ("(" * 100, "nested deeper", None),
        ("a" * 20_000, "at most", None),
    ],
)
def test_what_is_not_linear_is_refused_with_the_way_out(expression: str, says: str, instead: str | None) -> None:
    with pytest.raises(Refused) as refused:
        compile_grok(expression, LIBRARY)
    assert says in refused.value.reason
    assert refused.value.rewritten == instead
    if instead is not None:
        compile_grok(instead, LIBRARY)


def test_circles_and_doubling_patterns_are_refused() -> None:
    with pytest.raises(Refused, match="refers to itself"):
        compile_grok("%{A}", Library({"A": "x%{B}", "B": "%{A}"}))
    bombs = {f"B{n}": f"%{{B{n + 1}}}%{{B{n + 1}}}" for n in range(15)} | {"B15": ""}
    with pytest.raises(Refused, match="too large"):
        compile_grok("%{B0}", Library(bombs))
    many = Library({"C": "".join(f"%{{WORD:w{n}}}" for n in range(60))})
    with pytest.raises(Refused, match="captures at most"):
        compile_grok("%{C}%{C}%{C}%{C}", many)


def test_a_line_too_long_is_left_alone() -> None:
    grok = compile_grok("^%{GREEDYDATA:all}$", LIBRARY)
    found = grok.extract(pl.Series(["x" * 65_537, "x" * 65_536]))
    assert found.matched.to_list() == [False, True]
    assert "longer" in explain(grok, "x" * 65_537).reason


@pytest.mark.parametrize(
    ("expression", "line"),
    [
        (r"(?:[a-z]?[a-y]?){1,950}(?:[a-z]{0,999}){4}x", "a" * 12_000),
        (r"^(a+)+$", "a" * 20_000 + "!"),
        (r"^(a|aa)+$", "a" * 20_000 + "!"),
        (r"^(.*?,){200}P", ",".join("1" * 3_000)),
        (r"(x+x+)+y", "x" * 20_000),
        (r"%{DATA:a}%{DATA:b}%{DATA:c}%{DATA:d}z$", "ab " * 5_000),
        (r"(?:[0-9a-f]{1,4}:){1,900}z", "1:" * 10_000),
    ],
)
def test_expressions_that_hang_other_engines_do_not_hang_this_one(expression: str, line: str) -> None:
    started = time.monotonic()
    assert not compile_grok(expression, LIBRARY).extract(pl.Series([line])).matched[0]
    # Usually far below a second; the first, which is as large as may be, takes two when nothing else runs.
    assert time.monotonic() - started < 20


fragments = st.sampled_from([
    "a", "é", ".", "\\d", "\\w+", "\\S*", "[^x]", "[a-c\\d]", "(", ")", "(?:", "(?<n>", "(?=", "(?i)", "|", "*", "+",
    "?", "{2,5}", "{3}", "{,2}", "{", "}", "%{INT:i:int}", "%{DATA}", "%{", "\\b", "^", "$", "[", "]", "\\", "\\1",
    "[[:digit:]]", "&&", "-", "\\x41", "\\u{1F600}", "\\p{L}", " ", "\x00", "😀",
])  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(fragments, max_size=14).map("".join), st.text(max_size=200))
def test_any_expression_is_refused_or_matches_in_time(expression: str, line: str) -> None:
    started = time.monotonic()
    try:
        grok = compile_grok(expression, LIBRARY)
    except Refused as refused:
        if refused.rewritten is not None:
            compile_grok(refused.rewritten, LIBRARY)
        return
    found = explain(grok, line)
    if found.matched:
        assert line[found.start : found.start + found.length] == found.text
    assert time.monotonic() - started < 5


@settings(max_examples=300, deadline=None)
@given(
    st.text(alphabet="ab0 .-_/\\[]^&~#@é", min_size=1, max_size=8), st.text(alphabet="ab0 .-_/\\[]^&~#@é", max_size=12)
)
def test_bracketed_classes_mean_what_python_means(inside: str, line: str) -> None:
    """Where both engines take a plain class, both find the same."""
    text = f"[{inside}]"
    if any(pair in inside for pair in ("[", "&&", "--", "~~", "||", "\\")):
        return
    try:
        mine, _size = plain(text)
        theirs = re.compile(text)
    except (LinearError, re.error):
        return
    assert pl.Series([line]).str.contains(mine)[0] == bool(theirs.search(line))
