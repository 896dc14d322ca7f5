"""Stages and conditions on frames: what each does, also with lines that do not fit, and that nothing is lost."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainstay.modules.logs.grok.library import Library
from mainstay.modules.logs.grok.pacing import until
from mainstay.modules.logs.pipeline import definitions as d
from mainstay.modules.logs.pipeline import running
from mainstay.modules.logs.pipeline.batch import Batch
from mainstay.modules.logs.pipeline.condition import Condition, ConditionError
from mainstay.modules.logs.pipeline.formats import Format, FormatError
from mainstay.modules.logs.pipeline.lookups import read_table
from mainstay.modules.logs.pipeline.running import Pipeline, StageRefused, World, make, process
from mainstay.modules.logs.pipeline.stages.base import TIMEOUT, Run
from tests.logs.lines_in import RECEIVED, frame

LIBRARY = Library()


def pipeline(*stages: dict[str, Any], condition: str = "", **world: Any) -> Pipeline:
    made = make(d.read(list(stages)), World(library=LIBRARY, **world))
    return Pipeline(id="p", name="P", version=1, condition=Condition(condition), stages=made)


def ran(lines: list[str], *stages: dict[str, Any], run: Run | None = None, **columns: Any) -> list[dict[str, Any]]:
    """Rows after the stages, fields as a dictionary."""
    given = frame("o", lines, **{"received": RECEIVED, "time": RECEIVED, **columns})
    out = process([pipeline(*stages)], given, run or Run(deadline=time.monotonic() + 30))
    return [{**row, "fields": {p["key"]: p["value"] for p in row["fields"]}} for row in out.to_dicts()]


def one(line: str, *stages: dict[str, Any], **columns: Any) -> dict[str, Any]:
    (row,) = ran([line], *stages, **columns)
    return row


def test_the_first_expression_that_matches_counts() -> None:
    stage = {"type": "grok", "patterns": ["^a=%{INT:a:int}$", "%{WORD:w} %{INT:a}", "(?<w>x)"]}
    rows = ran(["a=007", "b 12", "x", "?"], stage)
    assert [row["fields"] for row in rows] == [{"a": "7"}, {"a": "12", "w": "b"}, {"w": "x"}, {}]
    assert [row["tags"] for row in rows] == [[], [], [], ["_grokfailure"]]


def test_captures_may_be_columns_and_severities_words() -> None:
    stage = {"type": "grok", "patterns": ["%{WORD:severity} %{WORD:app}: %{GREEDYDATA:message}"]}
    row = one("CRITICAL disk: full", stage)
    assert (row["severity"], row["app"], row["message"], row["raw"]) == (2, "disk", "full", "CRITICAL disk: full")
    wrong = one("purple disk: full", stage)
    assert (wrong["severity"], wrong["tags"]) == (6, ["_typefailure"])


@pytest.mark.parametrize(
    ("line", "options", "fields"),
    [
        ("user=ann id=\"7 8\" note='a b' x=", {}, {"user": "ann", "id": "7 8", "note": "a b", "x": ""}),
        ("OUT= MAC= SRC=10.0.0.1", {}, {"OUT": "", "MAC": "", "SRC": "10.0.0.1"}),
        ("a:1;b:2", {"pair_separator": ";", "value_separator": ":"}, {"a": "1", "b": "2"}),
        ("/p?a=1&b=x=y", {"pair_separator": "?&", "prefix": "q."}, {"q.a": "1", "q.b": "x=y"}),
        ("a=1 b=2 c=3", {"include": ["a", "b"], "exclude": ["b"]}, {"a": "1"}),
        ("a=1 a=2", {}, {"a": "2"}),
        ('msg="say \\"hi\\"" z=1', {}, {"msg": 'say \\"hi\\"', "z": "1"}),
    ],
)
def test_pairs(line: str, options: dict[str, Any], fields: dict[str, str]) -> None:
    row = one(line, {"type": "kv", **options})
    assert (row["fields"], row["tags"]) == (fields, [])


def test_json_becomes_fields_with_dots() -> None:
    text = '{"a": {"b": 1, "c": null}, "l": [1, "x"], "t": true, "s": "ü", "e": {}}'
    rows = ran([text, "[1]", "{", ""], {"type": "json", "prefix": "j."})
    assert rows[0]["fields"] == {"j.a.b": "1", "j.l": '[1,"x"]', "j.t": "true", "j.s": "ü", "j.e": "{}"}
    assert [row["tags"] for row in rows[1:]] == [["_jsonfailure"]] * 3


def test_a_hostile_document_makes_neither_columns_nor_endless_fields() -> None:
    wide = "{" + ",".join(f'"k{n}": {n}' for n in range(5000)) + "}"
    deep = '{"a":' * 5000 + "1" + "}" * 5000
    nested = '{"a":' * 30 + "1" + "}" * 30
    rows = ran([wide, deep, nested, '{"' + "x" * 5000 + '": 1}'], {"type": "json"}, {"type": "kv"})
    assert len(rows[0]["fields"]) == 300
    assert rows[1]["tags"][0] == "_jsonfailure"
    assert next(iter(rows[2]["fields"])).count(".") == 9
    assert len(next(iter(rows[3]["fields"]))) == 200
    many = ran([f'{{"k{n}": 1}}' for n in range(3000)], {"type": "json"}, {"type": "remove", "fields": ["k7"]})
    assert [len(row["fields"]) for row in many] == [1] * 7 + [0] + [1] * 2992


def test_csv_takes_quotes_and_refuses_another_width() -> None:
    stage = {"type": "csv", "columns": ["a", "", "c"]}
    rows = ran(['1,"x, ""y""",3', "1,2", '1,"open,3', "1,2,3"], stage)
    assert [row["fields"] for row in rows] == [{"a": "1", "c": "3"}, {}, {}, {"a": "1", "c": "3"}]
    assert [bool(row["tags"]) for row in rows] == [False, True, True, False]
    assert one("a|b|", {**stage, "separator": "|", "quote": ""})["fields"] == {"a": "a", "c": ""}


@pytest.mark.parametrize(
    ("form", "zone", "text", "instant"),
    [
        ("ISO8601", "UTC", "2026-11-22T07:01:02.123+01:00", "2026-11-22T06:01:02.123Z"),
        ("ISO8601", "Europe/Berlin", "2026-07-01 07:01", "2026-07-01T05:01:00Z"),
        ("ISO8601", "UTC", "2026-11-22T07:01:02-0530", "2026-11-22T12:31:02Z"),
        ("UNIX", "UTC", "1732258862.5", "2024-11-22T07:01:02.5Z"),
        ("UNIX_MS", "UTC", "1732258862500", "2024-11-22T07:01:02.5Z"),
        ("dd/MMM/yyyy:HH:mm:ss Z", "UTC", "22/Nov/2026:07:01:02 +0100", "2026-11-22T06:01:02Z"),
        ("%d.%m.%Y %H:%M:%S", "Europe/Berlin", "22.11.2026 07:01:02", "2026-11-22T06:01:02Z"),
        ("yyyy-MM-dd'T'HH:mm:ss,SSS", "UTC", "2026-11-22T07:01:02,123", "2026-11-22T07:01:02.123Z"),
        ("M/d/yyyy h:mm a", "UTC", "1/2/2026 3:04 PM", "2026-01-02T15:04:00Z"),
        ("MMM d HH:mm:ss", "UTC", "Nov  2 07:01:02", "2026-11-02T07:01:02Z"),
        ("MMM d HH:mm:ss", "UTC", "Dec 31 23:59:59", "2025-12-31T23:59:59Z"),
        ("MMM d HH:mm:ss", "UTC", "Nov 23 11:00:00", "2026-11-23T11:00:00Z"),
        ("HH:mm:ss", "UTC", "07:01:02", "2026-11-22T07:01:02Z"),
    ],
)
def test_times(form: str, zone: str, text: str, instant: str) -> None:
    stage = {"type": "date", "field": "t", "formats": [form], "timezone": zone}
    first, second = ran([text, "never"], {"type": "set", "fields": {"t": "%{message}"}}, stage)
    assert first["time"] == datetime.fromisoformat(instant)
    assert first["tags"] == []
    assert (second["time"], second["tags"]) == (RECEIVED, ["_datefailure"])


def test_a_leap_day_without_a_year_and_times_out_of_range() -> None:
    stage = {"type": "date", "field": "message", "formats": ["MMM d HH:mm:ss", "ISO8601"], "target": "when"}
    received = datetime(2025, 1, 10, tzinfo=UTC)
    rows = ran(["Feb 29 07:01:02", "9999-01-01T00:00:00Z", "0001-01-01T00:00:00Z"], stage, received=received)
    assert rows[0]["fields"] == {"when": "2024-02-29T07:01:02.000000Z"}
    assert [row["tags"] for row in rows[1:]] == [["_datefailure"]] * 2
    assert rows[0]["time"] == RECEIVED
    for bad in ("", "qq", "%Q", "yyyy"):
        with pytest.raises(FormatError):
            Format(bad, "UTC")


def test_rename_remove_set() -> None:
    row = one(
        "a=1 b=2 c=3", {"type": "kv"}, {"type": "rename", "fields": {"a": "x", "b": "c", "nope": "n"}},
        {"type": "set", "fields": {"y": "%{x}/%{c}/%{host}", "n": 5, "app": "new"}},
        {"type": "set", "fields": {"y": "kept", "z": True}, "overwrite": False}, {"type": "remove", "fields": ["x"]},
    )  # fmt: skip
    assert row["fields"] == {"c": "2", "y": "1/2/web01", "n": "5", "z": "true"}
    assert row["app"] == "new"


def test_a_value_set_into_itself_does_not_grow_without_end() -> None:
    doubling = [{"type": "set", "fields": {"a": "%{a}%{a}%{message}"}}] * 60
    assert len(one("x" * 100, *doubling)["fields"]["a"]) == 65_536


def test_conditional_stages_and_dropping() -> None:
    stage = {
        "type": "if", "when": "a > 5",
        "then": [{"type": "route", "tags": ["big"]}, {"type": "drop", "when": "a > 90"}],
        "else": [{"type": "if", "when": "has a", "then": [{"type": "route", "tags": ["small"]}]}],
    }  # fmt: skip
    rows = ran(["a=1", "a=7", "a=99", "none"], {"type": "kv"}, stage, {"type": "set", "fields": {"end": "1"}})
    assert [(row["message"], row["tags"], row["fields"]) for row in rows] == [
        ("a=1", ["small"], {"a": "1", "end": "1"}),
        ("a=7", ["big"], {"a": "7", "end": "1"}),
        ("none", ["_kvfailure"], {"end": "1"}),
    ]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("login user=ann password=hunter22 ok", "login user=ann password=*** ok"),
        ('{"api_key": "abc def", "x": 1}', '{"api_key": ***, "x": 1}'),
        ("GET https://ann:s3cret@example.org/", "GET https://ann:***@example.org/"),
        ("Authorization: Bearer abcdefgh.ijk", "Authorization: Bearer ***"),
        ("card 4111 1111 1111 1111 and 4111111111111112", "card *** and 4111111111111112"),
        ("enable secret 5 $1$mERr$hx5rVt7rPNoS4wqbXKX7m0", "enable secret 5 ***"),
        ("token eyJhbGciOiJIUzI1.eyJzdWIiOiIx.abc_-", "token ***"),
        ("Failed password for root from 10.0.0.1", "Failed password for root from 10.0.0.1"),
        ("key AKIAIOSFODNN7EXAMPLE used", "key *** used"),
    ],
)
def test_secrets_are_masked_everywhere(text: str, masked: str) -> None:
    row = one(text, {"type": "set", "fields": {"copy": "%{message}"}}, {"type": "mask"}, raw=f"<13> {text}")
    assert (row["message"], row["fields"]["copy"], row["raw"]) == (masked, masked, f"<13> {masked}")


def test_masking_by_field_name_kind_and_own_pattern() -> None:
    own = {"kinds": ["password", "email"], "patterns": ["X-[0-9]+"], "replacement": "$1"}
    row = one("password=abc mail=ann@example.org id=X-12$", {"type": "kv"}, {"type": "mask", **own})
    assert row["fields"] == {"password": "$1", "mail": "$1", "id": "$1$"}
    only = one("a=secret1 b=secret1", {"type": "kv"}, {"type": "mask", "fields": ["a"], "patterns": ["secret1"]})
    assert only["fields"] == {"a": "***", "b": "secret1"}


def test_lookups() -> None:
    table = read_table('code,name,team\n10,"Router, core",net\n10,again,x\n20,Switch,lan\n')
    stage = {"type": "enrich_table", "field": "message", "table": "T", "target": "dev"}
    world = {"tables": {"t": table}}
    made = pipeline(
        stage,
        {"type": "enrich_table", "field": "message", "entries": {"a": "1"}, "target": "n", "default": "0"},
        {"type": "enrich_table", "field": "message", "entries": {"A": "2"}, "target": "u", "ignore_case": True},
        **world,
    )
    out = process([made], frame("o", ["10", "a"]), Run(deadline=time.monotonic() + 9)).to_dicts()
    fields = [{p["key"]: p["value"] for p in row["fields"]} for row in out]
    assert fields == [{"dev.name": "Router, core", "dev.team": "net", "n": "0"}, {"n": "1", "u": "2"}]
    assert out[1]["tags"] == ["_lookupfailure"]


CONDITIONS: list[tuple[str, list[bool]]] = [
    ("", [True, True, True]),
    ("app == sshd", [True, False, False]),
    ("app != sshd", [False, True, True]),
    ("app in (sshd, 'nginx')", [True, True, False]),
    ("app not in (sshd, 'nginx')", [False, False, True]),
    ("severity <= warning", [True, False, True]),
    ("severity == 3 or severity == info", [False, True, True]),
    ("severity in (err, info)", [False, True, True]),
    ("n > 9", [False, True, False]),
    ("n >= 9 and not n == '10'", [True, False, False]),
    ("not has n", [False, False, True]),
    ('message contains "GET"', [False, True, False]),
    ('message not contains "GET"', [True, False, True]),
    ("message startswith 'Fail' or message endswith '!'", [True, False, True]),
    ('message matches "(?i)^(fail|get)"', [True, True, False]),
    ("message !~ /[0-9]+/", [False, False, True]),
    ("source cidr 10.0.0.0/8", [True, False, False]),
    ('source cidr ("10.0.0.0/8", "2001:db8::/32")', [True, True, False]),
    ('"web" in tags', [False, True, False]),
    ("tags contains web", [False, True, False]),
    ("host == %{app}", [False, True, False]),
    ("host != %{app}", [True, False, True]),
    ("(app == sshd or app == nginx) and (n == 9 or n == 10) && !(n == 9)", [False, True, False]),
    ("[a][b] == 'x y'", [False, False, True]),
    ("true", [True, True, True]),
    ("fields.host == special", [True, False, False]),
]


@pytest.mark.parametrize(("text", "holds"), CONDITIONS)
def test_conditions(text: str, holds: list[bool]) -> None:
    lines = frame(
        "o", ["Failed 1", "GET /1", "odd!"], app=["sshd", "nginx", ""], severity=[4, 6, 3],
        source=["10.1.1.1", "2001:db8::1", "no address"], host=["web", "nginx", "db"], tags=[[], ["web"], []],
        fields=[{"n": "9", "host": "special"}, {"n": "10"}, {"a.b": "x y"}],
    )  # fmt: skip
    mask = Condition(text).mask(Batch.of(lines))
    assert (mask.to_list() if mask is not None else [True] * 3) == holds


@pytest.mark.parametrize(
    "text",
    ["app", "app ==", "app = (", "== x", "app like x", "(app == x", "app == x)", "app == x y == z", "n > many",
     'app matches "(?=a)"', "source cidr 10.0.0.0/99", "app in (", "app in (a b)", '"x" contains a', "a b c",
     "severity == purple", "(" * 50 + "a == b" + ")" * 50, "app == 'open", "x" * 5000, "tags startswith a"],
)  # fmt: skip
def test_a_condition_that_cannot_be_read_says_why(text: str) -> None:
    with pytest.raises(ConditionError) as refused:
        Condition(text)
    assert str(refused.value).endswith(".")


def test_what_takes_too_long_is_tagged_and_kept() -> None:
    slow = {"type": "grok", "patterns": ["(?:[a-z]?[a-y]?){1,950}(?:[a-z]{0,999}){4}x"]}
    lines = ["a" * 20_000] * 40
    started = time.monotonic()
    run = Run(deadline=started + 0.5)
    rows = ran(lines, slow, {"type": "set", "fields": {"a": 1}}, run=run)
    assert time.monotonic() - started < 15
    assert [row["message"] for row in rows] == lines
    assert all(row["tags"] == [TIMEOUT] for row in rows)
    assert run.meter("p", "").timeouts >= 40


def test_a_stage_that_breaks_leaves_its_lines_as_they_were() -> None:
    made = pipeline({"type": "set", "fields": {"a": 1}}, {"type": "set", "fields": {"b": 1}})

    def breaks(*_: Any) -> Any:
        raise RuntimeError("boom")

    made.stages[0].apply = breaks  # type: ignore[method-assign]
    run = Run(deadline=time.monotonic() + 9)
    (row,) = process([made], frame("o", ["x"]), run).to_dicts()
    assert (row["tags"], row["fields"]) == (["_stagefailure"], [{"key": "b", "value": "1"}])
    assert "boom" in run.errors["p"]


def test_lines_that_nothing_applies_to_are_not_touched() -> None:
    given = frame("o", ["a", "b"])
    assert process([pipeline(condition="app == other")], given, Run(deadline=time.monotonic() + 9)) is given


def test_a_large_frame_is_divided_and_comes_back_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PART", 3)
    monkeypatch.setattr(running, "CORES", 4)
    made = pipeline({"type": "grok", "patterns": ["n=%{INT:n:int}"]}, condition='message startswith "n"')
    lines = [*(f"n={n}" for n in range(6)), "n=x", *(f"other {n}" for n in range(6))]
    run = Run(deadline=time.monotonic() + 9)
    out = process([made], frame("o", lines), run)
    rows = out.to_dicts()
    assert [row["message"] for row in rows] == lines
    assert [[pair["value"] for pair in row["fields"]] for row in rows] == [*([str(n)] for n in range(6)), *[[]] * 7]
    assert [row["pipeline"] for row in rows] == ["P"] * 7 + [None] * 6
    assert [row["tags"] for row in rows] == [[]] * 6 + [["_grokfailure"]] + [[]] * 6
    whole, stage = run.meter("p", ""), run.meter("p", "0")
    assert (whole.lines_in, whole.failed, stage.lines_out, stage.failed) == (7, 1, 7, 1)
    given = frame("o", ["other"] * 20)
    assert process([made], given, run) is given


words = st.sampled_from(["message", "a", "b.c", "host", "severity", "fields.x", "raw", "k", ""])
stages = st.recursive(
    st.one_of(
        st.builds(lambda f, p: {"type": "grok", "field": f, "patterns": p}, words,
                  st.lists(st.sampled_from(["%{WORD:a} %{INT:b.c:int}", "(?<message>.+)", "%{DATA:severity}:", "^$"]),
                           min_size=1, max_size=3)),
        st.builds(lambda f: {"type": "kv", "field": f}, words),
        st.builds(lambda f: {"type": "json", "field": f}, words),
        st.builds(lambda f: {"type": "csv", "field": f, "columns": ["a", "k"]}, words),
        st.builds(lambda f: {"type": "date", "field": f, "formats": ["ISO8601", "UNIX", "MMM d HH:mm:ss"]}, words),
        st.builds(lambda a, b: {"type": "rename", "fields": {a: b}}, words, words),
        st.builds(lambda a: {"type": "remove", "fields": [a]}, words),
        st.builds(lambda a, b: {"type": "set", "fields": {a: f"%{{{b}}}-x"}}, words, words),
        st.just({"type": "mask", "kinds": ["password", "token", "private_key", "card", "email", "ip"]}),
        st.just({"type": "route", "tags": ["x"], "remove_tags": ["y"]}),
    ),
    lambda inner: st.builds(
        lambda when, then, other: {"type": "if", "when": when, "then": then, "else": other},
        st.sampled_from(["has a", "a == 1", 'message contains "a"', "severity < 4", "k matches '^a'"]),
        st.lists(inner, max_size=3), st.lists(inner, max_size=3),
    ),
    max_leaves=8,
)  # fmt: skip
texts = st.one_of(
    st.text(max_size=80),
    st.sampled_from(
        ['{"a": 1, "b": {"c": [1]}}', "a=1 b.c=2 k='x", '"a","b', "2026-11-22T07:01:02Z", "word 12", "a,b"]
    ),
)


@settings(max_examples=250, deadline=None)
@given(st.lists(stages, max_size=5), st.lists(texts, min_size=1, max_size=6))
def test_no_pipeline_loses_or_reorders_a_line(given_stages: list[dict[str, Any]], lines: list[str]) -> None:
    try:
        made = pipeline(*given_stages)
    except StageRefused:
        return
    given = frame("o", lines, fields=[{"k": "v", "n": str(n)} for n in range(len(lines))]).with_columns(
        pl.int_range(pl.len(), dtype=pl.UInt64).alias("id")
    )
    run = Run(deadline=time.monotonic() + 30)
    out = process([made], given, run)
    assert out["id"].to_list() == list(range(len(lines)))
    assert not run.errors, run.errors
    for row in out.to_dicts():
        keys = [pair["key"] for pair in row["fields"]]
        assert len(keys) == len(set(keys))
        assert all(pair["value"] is not None for pair in row["fields"])
        assert {pair["key"]: pair["value"] for pair in row["fields"]}["n"] == str(row["id"])


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab =!<>()'\"/\\%{}[].,~|&1", max_size=40) | st.text(max_size=40))
def test_any_text_is_a_condition_or_refused(text: str) -> None:
    try:
        condition = Condition(text)
    except ConditionError:
        return
    with until(time.monotonic() + 9):
        mask = condition.mask(Batch.of(frame("o", ["a", "b"])))
    assert mask is None or mask.null_count() == 0
