"""MIB text as vendors write it, and values as their types want them shown."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainstay.modules.monitoring.mibs import compiler, values
from mainstay.modules.monitoring.mibs.compiler import Library, compile_all
from mainstay.modules.monitoring.mibs.model import Module, Node, standard
from mainstay.modules.monitoring.mibs.source import NotAMib, split, text_of
from mainstay.modules.monitoring.mibs.tree import Tree, standard_tree
from mainstay.modules.monitoring.snmp import ber
from tests.monitoring.mibs import BOILER, ROOT


def build(*texts: str) -> dict[str, Module]:
    made = compile_all([source for text in texts for source in split(text)], Library())
    compiler.finish(made)
    return {module.name: module for module in made}


def test_old_modules_with_traps_of_version_1() -> None:
    text = """OLD-MIB DEFINITIONS ::= BEGIN
    IMPORTS enterprises FROM RFC1155-SMI OBJECT-TYPE FROM RFC-1212
        TRAP-TYPE FROM RFC-1215 snmp, ifIndex FROM RFC1213-MIB; ----- a line -----
    old OBJECT IDENTIFIER ::= { enterprises 4711 }
    oldValue OBJECT-TYPE SYNTAX INTEGER { yes(1), no(2), } ACCESS read-only STATUS mandatory ::= { old 1 }
    oldTrap TRAP-TYPE ENTERPRISE old VARIABLES { oldValue, ifIndex } DESCRIPTION "Old." ::= 5
    oldLinkDown TRAP-TYPE ENTERPRISE snmp VARIABLES { ifIndex } DESCRIPTION "Generic." ::= 2
    END"""
    module = build(text)["OLD-MIB"]
    found = {node.name: node for node in module.nodes}
    assert (module.problems, module.missing) == ([], [])
    assert (found["oldTrap"].oid, found["oldTrap"].objects) == ("1.3.6.1.4.1.4711.0.5", ["oldValue", "ifIndex"])
    assert found["oldLinkDown"].oid == "1.3.6.1.6.3.1.1.5.3"
    assert found["oldValue"].enums == {"1": "yes", "2": "no"}


def test_types_come_down_to_their_base_through_several_modules() -> None:
    text = """TYPES-MIB DEFINITIONS ::= BEGIN
    IMPORTS OBJECT-TYPE FROM SNMPv2-SMI Tenths FROM ACME-BOILER-MIB acme FROM ACME-ROOT-MIB InterfaceIndex FROM IF-MIB;
    Colder ::= Tenths
    cold OBJECT-TYPE SYNTAX Colder (0..50) MAX-ACCESS read-only STATUS current DESCRIPTION "x" ::= { acme 20 }
    port OBJECT-TYPE SYNTAX InterfaceIndex MAX-ACCESS read-only STATUS current DESCRIPTION "x" ::= { acme 21 }
    END"""
    found = {node.name: node for node in build(text, BOILER, ROOT)["TYPES-MIB"].nodes}
    assert (found["cold"].base, found["cold"].hint, found["cold"].range) == ("Integer32", "d-1", "0..50")
    assert (found["port"].type, found["port"].base) == ("InterfaceIndex", "Integer32")


def test_circles_and_endless_chains_end() -> None:
    circle = """CIRCLE-MIB DEFINITIONS ::= BEGIN
    IMPORTS enterprises FROM SNMPv2-SMI;
    a OBJECT IDENTIFIER ::= { b 1 }
    b OBJECT IDENTIFIER ::= { a 1 }
    Loop ::= Pool
    Pool ::= Loop
    self OBJECT IDENTIFIER ::= { self 1 }
    fine OBJECT IDENTIFIER ::= { enterprises 1 }
    END"""
    module = build(circle)["CIRCLE-MIB"]
    assert [node.name for node in module.nodes] == ["fine"]
    assert {item.definition for item in module.problems} == {"a", "b", "self"}
    chain = "\n".join(f"n{at} OBJECT IDENTIFIER ::= {{ n{at - 1} 1 }}" for at in range(1, 3000))
    long = build(f"LONG-MIB DEFINITIONS ::= BEGIN\nn0 OBJECT IDENTIFIER ::= {{ iso 3 }}\n{chain}\nEND")["LONG-MIB"]
    assert len(long.nodes) == 127
    one = "ONE-MIB DEFINITIONS ::= BEGIN IMPORTS two FROM TWO-MIB; one OBJECT IDENTIFIER ::= { two 1 } END\n"
    two = "TWO-MIB DEFINITIONS ::= BEGIN IMPORTS one FROM ONE-MIB; two OBJECT IDENTIFIER ::= { one 1 } END\n"
    assert [module.nodes for module in build(one, two).values()] == [[], []]


@pytest.mark.parametrize(
    "text",
    [
        "A-MIB DEFINITIONS ::= BEGIN " + "x MACRO ::= " * 150 + "END",
        "A-MIB DEFINITIONS ::= BEGIN " + "CHOICE { " * 190 + "END",
        "A-MIB DEFINITIONS ::= BEGIN " + '"' * 20_001 + " END",
        "A-MIB DEFINITIONS ::= BEGIN x OBJECT IDENTIFIER ::= " + "{ " * 20_000 + "END",
        "A-MIB DEFINITIONS ::= BEGIN IMPORTS " + "a, " * 50_000 + "END",
        "A-MIB DEFINITIONS ::= BEGIN\n" + "bad OBJECT-TYPE\n" * 2000 + "END",
        "A-MIB DEFINITIONS ::= BEGIN\n" + "--" * 50_000 + "\nEND",
        "A" * 200_000 + " DEFINITIONS ::= BEGIN END",
        " " * 200_000 + "DEFINITIONS",
    ],
)
def test_hostile_text_ends_in_time(text: str) -> None:
    started = time.perf_counter()
    with contextlib.suppress(NotAMib):
        build(text)
    assert time.perf_counter() - started < 10


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(BOILER) - 1), st.integers(0, 200), st.text(max_size=20))
def test_a_damaged_file_never_breaks_the_compiler(at: int, size: int, text: str) -> None:
    with contextlib.suppress(NotAMib):
        build(BOILER[:at] + text + BOILER[at + size :], ROOT)


def test_what_is_not_a_mib_is_said() -> None:
    for text in ("", "hello", "x" * 100):
        with pytest.raises(NotAMib, match="no MIB module"):
            split(text)
    with pytest.raises(NotAMib, match="MACRO"):
        split("A-MIB DEFINITIONS ::= BEGIN " + "MACRO " * 300 + "END")
    assert text_of(b"\xef\xbb\xbfA\r\nB\x00\x1a") == "A\nB"
    assert text_of(b"caf\xe9") == "café"


def node(**given: object) -> Node:
    return Node(name="x", oid="1.3", **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hint", "content", "shown"),
    [
        ("1x:", b"\x00\x1a\xff", "00:1a:ff"),
        ("255a", b"plain text\x00", "plain text"),
        ("255a", b"\x01\x02\xff", "01:02:ff"),
        ("2d-1d-1d,1d:1d:1d.1d,1a1d:1d", b"\x07\xea\x01\x1f\x17\x05\x09\x00+\x02\x00", "2026-1-31,23:5:9.0,+2:0"),
        ("1d.1d.1d.1d", b"\x0a\x00\x00\x01", "10.0.0.1"),
        ("*1x:/1x:", b"\x02\xaa\xbb\xcc\xdd", "aa:bb/cc:dd"),
        ("nonsense", b"text", "text"),
        ("0d", b"\x01\x02", ""),
        ("", b"\xc3\xa9t\xc3\xa9", "été"),
    ],
)
def test_octets_are_shown_by_their_hint(hint: str, content: bytes, shown: str) -> None:
    assert values.shown(node(base="OCTET STRING", hint=hint), ber.OCTET_STRING, content) == shown


def test_numbers_bits_and_times_are_shown_as_people_read_them() -> None:
    assert values.shown(node(enums={"1": "up"}), ber.INTEGER, b"\x01") == "up"
    assert values.shown(node(enums={"1": "up"}), ber.INTEGER, b"\x07") == "7"
    assert values.shown(node(hint="d-2"), ber.INTEGER, b"\xfe") == "-0.02"
    assert values.shown(node(base="BITS", enums={"0": "a", "9": "b"}), ber.OCTET_STRING, b"\x80\x41") == "a,b,15"
    assert values.shown(None, ber.TIME_TICKS, (8_640_000 + 6123).to_bytes(4, "big")) == "1d 00:01:01.23"
    assert values.shown(None, ber.OPAQUE, b"\x9f\x78\x04\x40\x49\x0f\xdb") == "3.141593"
    assert values.shown(None, ber.IP_ADDRESS, b"\x0a\x01") == "0a:01"


@settings(deadline=None)
@given(st.text(max_size=30), st.binary(max_size=600), st.sampled_from([*ber.TYPE_NAMES, 0x99]))
def test_any_value_is_shown(hint: str, content: bytes, tag: int) -> None:
    shown = values.shown(node(base="OCTET STRING", hint=hint), tag, content)
    assert len(shown) <= values.MAX_TEXT * 2


def test_the_standard_modules_are_whole() -> None:
    """Every variable of a notification, every index and every type has its definition."""
    names = standard_tree().by_name
    for module in standard().values():
        for item in module.nodes:
            assert all(part.isdigit() for part in item.oid.split("."))
            for name in [*item.objects, *(index.removeprefix("IMPLIED ") for index in item.index)]:
                assert name in names, (item.name, name)
            if item.kind in ("scalar", "column"):
                assert item.type, item.name


def test_a_name_with_its_index_and_an_unknown_number() -> None:
    tree = Tree(standard_tree())
    assert tree.find("IF-MIB::ifOperStatus.3")[0] == (1, 3, 6, 1, 2, 1, 2, 2, 1, 8, 3)
    assert tree.name((1, 3, 6, 1, 4, 1, 99999, 1)) == "enterprises.99999.1"
    with pytest.raises(LookupError):
        tree.find("noSuchName")
    with pytest.raises(ber.Malformed):
        tree.find("1.3..6")
