"""Rules: the shipped library with its own test messages, the organization's, and the accuracy on real messages."""

from __future__ import annotations

import copy
import os
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.kernel.intake.batch import one_source
from mainstay.kernel.platform import Platform
from mainstay.modules.logs.intake.syslog import Sender, parse
from mainstay.modules.monitoring.eventrules import accuracy, catalogue, library, service
from mainstay.modules.monitoring.eventrules.literals import Clauses, needed
from mainstay.modules.monitoring.eventrules.matcher import Matcher, Rule
from mainstay.modules.monitoring.eventrules.sieve import MANY, Sieve
from mainstay.modules.monitoring.events import lines
from mainstay.modules.monitoring.events.setup import Setup
from mainstay.settings import Settings
from tests.monitoring.support import happen, one, rows
from tests.support import World

PATH = "/ux/common/events/rules/"
MESSAGES = Path(os.environ.get("MAINSTAY_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data")) / (
    "syslog-events.jsonl"
)
GUIDES = Path(__file__).with_name("device_messages.txt")
MINE = {
    "name": "Backup failed", "pattern": r"backup of (?P<share>\S+) failed", "event_class": "Backup | Failed",
    "severity": "Critical", "key": ["share"], "template": "No backup of {share}", "samples": ["backup of /srv failed"],
}  # fmt: skip


def test_every_shipped_rule_recognises_its_own_messages() -> None:
    matcher = service.shipped()
    wrong = []
    for rule in library.rules():
        assert rule.tests, f"{rule.name} has no test message."
        for message in rule.tests:
            found = matcher.match(message, rule.vendors[0].rstrip("*") if rule.vendors else "")
            if found is None or found.rule.event_class != rule.event_class:
                wrong.append(f"{rule.name}: {message!r} is {found.rule.name if found else 'not recognised'}")
    assert not wrong, "\n".join(wrong)


def test_every_class_says_what_it_means_and_what_to_do() -> None:
    classes = catalogue.classes()
    for rule in library.rules():
        assert rule.event_class in classes, rule.name
    for kind in classes.values():
        assert kind.meaning, kind.name
        assert kind.action, kind.name
        assert kind.type, kind.name
        for ended in kind.clears:
            assert kind.name in classes[ended].cleared_by
            assert not classes[ended].clears, f"{kind.name} ends {ended}, which is an end itself."


def test_the_sieve_lets_everything_through_that_a_rule_knows() -> None:
    matcher = service.shipped()
    assert matcher.sieves
    messages = [
        message for rule in library.rules() for message in rule.tests
        if (rule.disposition or catalogue.find(rule.event_class).disposition) == catalogue.RAISE
    ]  # fmt: skip
    kept = matcher.sieve(pl.Series(messages))
    assert kept.all()
    assert not matcher.sieve(pl.Series(["the quick brown cat sat"])).any()


def test_the_rules_are_ready_before_lines_come(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    assert service.prepare in platform.registry.preparations
    some = library.rules()[:20]
    monkeypatch.setattr(library, "rules", lambda: some)
    shared: list[Any] = []
    monkeypatch.setattr(service, "_shared", shared)
    service.prepare(Settings(syslog_port=0, syslog_tls_port=0, trap_port=0))
    assert not shared  # a process that takes nothing in starts without them
    service.prepare(Settings(syslog_port=0, syslog_tls_port=0, trap_port=1162))
    assert shared
    assert "_sieve" not in vars(service.shipped())
    service.prepare(Settings(syslog_port=0, syslog_tls_port=6514))
    assert "_sieve" in vars(service.shipped())


def test_a_line_that_only_becomes_a_note_is_sieved_out_and_one_that_may_be_an_event_is_not() -> None:
    noted = Rule(name="n", event_class="Backup | Failed", patterns=("backup of .* failed",), disposition="log")
    raised = Rule(name="r", event_class="Backup | Failed", patterns=("restore of .* failed",))
    kept = Matcher([noted, raised]).sieve(pl.Series(["backup of /srv failed", "restore of /srv failed", None]))
    assert kept.to_list() == [False, True, False]


def test_the_sieve_chooses_words_that_are_rare_in_what_comes() -> None:
    patterns = [r"(?i)port \S+ .*\bup\b", r"session of (?:alice|bob) .*lost"]
    sieve = Sieve(patterns)
    common = [f"session of user{at} from port {at}" for at in range(2000)]
    hits = ["PORT 3 is now UP", "session of bob was lost"]
    kept = sieve(pl.Series([*common, *hits]))
    assert kept.sum() == 2
    assert kept[-2:].all()
    # Where those words are common later, others are chosen, and nothing that matches is passed over.
    later = [f"up and lost again {at}" for at in range(60_000)]
    kept = sieve(pl.Series([*later, *hits]))
    assert kept[-2:].all()
    assert kept.sum() == 2


def ordinary(chance: random.Random) -> Iterator[str]:
    """One line each of what nearly every network logs all day long and nobody needs to look at."""

    def number(below: int) -> int:
        return chance.randrange(below)

    def address() -> str:
        return f"10.{number(16)}.{number(256)}.{number(256)}"

    token = f"{chance.getrandbits(40):x}"
    verb = chance.choice(("opened", "closed", "refused", "reset", "renewed", "moved", "checked", "denied"))
    yield (f"sshd[{number(32768)}]: session {token} {verb} for user{number(4096)} from {address()} "
           f"port {number(65536)} run=udp1 seq={number(10**7)}")  # fmt: skip
    yield (f'nginx: {address()} - - "GET /shop/item/{number(9999)}?ref={token} HTTP/1.1" {chance.choice((200, 304))} '
           f'{number(90000)} "-" "Mozilla/5.0 (X11; Linux x86_64)"')  # fmt: skip
    yield (f"filterlog[{number(9999)}]: {number(200)},,,{number(99999)},em{number(4)},match,pass,in,4,0x0,,64,0,DF,6,"
           f"tcp,{number(1500)},{address()},{address()},{number(65536)},443,0,S,{number(2**32)},,64240,")  # fmt: skip
    yield f"CRON[{number(32768)}]: (root) CMD (   cd / && run-parts --report /etc/cron.hourly)"
    yield f"dhcpd[{number(999)}]: DHCPACK on {address()} to 00:1a:5c:{number(90):02}:aa:bb (pc{number(999)}) via eth1"
    yield (f"named[{number(9999)}]: client @0x7f{token} {address()}#{number(65536)} (www.example.com): "
           "query: www.example.com IN A + (192.0.2.53)")  # fmt: skip
    yield (f"postfix/smtp[{number(32768)}]: {token.upper()}: to=<u{number(999)}@example.com>, delay={number(9)}.1, "
           f"relay=mx.example.com[192.0.2.25]:25, dsn=2.0.0, status=sent (250 2.0.0 Ok: got {token})")  # fmt: skip
    yield (f'orders[{number(9999)}]: level=info msg="order {number(10**7)} taken in {number(900)} ms" '
           f"customer={number(99999)} trace={token}")  # fmt: skip


def test_few_ordinary_lines_pass_the_sieve_of_the_shipped_rules() -> None:
    """Each that does costs as much as fifty that do not: a new rule of common words could halve what log intake takes.
    Where this fails, let the rule ask for a rarer word, or for one more."""
    chance = random.Random(7)
    every = [list(ordinary(chance)) for _ in range(500)]
    kinds = len(every[0])
    fresh = Matcher(library.rules(), library.forms())._sieve

    def passing(seen: list[str], later: list[str]) -> float:
        sieve = copy.copy(fresh)
        sieve(pl.Series(seen))
        return int(sieve(pl.Series(later)).sum()) / len(later)

    later = [list(ordinary(chance)) for _ in range(1000)]
    assert passing([line for lines in every for line in lines], [line for lines in later for line in lines]) < 0.01
    for at in range(kinds):
        share = passing([lines[at] for lines in every], [lines[at] for lines in later])
        assert share < 0.02, every[0][at]


def test_a_message_passes_where_it_has_a_word_of_each_that_a_pattern_needs() -> None:
    sieve = Sieve([r"\bfan\b.*(?:failed|broken)", "(?:power|fan) supply .*token ring", "alarm"])
    hits = ["the fan is broken", "FAN supply with a Token Ring", "an alarm"]
    common = ["fan club", "the token was broken", "a fan of the power supply"] * MANY
    kept = sieve(pl.Series([*common, *hits, None]))
    assert kept.to_list() == [False] * len(common) + [True] * len(hits) + [False]


def test_the_sieve_of_rules_without_words_lets_everything_pass() -> None:
    assert Sieve([r"\d+", "link down"])(pl.Series(["a", "b"])).all()
    assert not Sieve([])(pl.Series(["a", "b"])).any()


def _told(words: list[Clauses], text: str) -> bool:
    return any(all(any(word in text for word in clause) for clause in way) for way in words)


@given(st.from_regex(r"[a-c]{1,3}(?:[de]{2}|fgh)\d?(?:xy|[a-c]{4}z|kl?m)no", fullmatch=True))
def test_needed_words_are_in_whatever_matches(text: str) -> None:
    words = needed(r"[a-c]{1,3}(?:[de]{2}|fgh)\d?(?:xy|[a-c]{4}z|kl?m)no")
    assert words is None or _told(words, text)
    words = needed(r"(?i)(?:LINK|port)-\d-(?:UP|DOWN)\b")
    assert words is not None
    assert all(_told(words, sample) for sample in ("link-3-up", "port-0-down"))
    assert not any(_told(words, sample) for sample in ("link is up", "port of call", "-3-up"))


@given(st.text(max_size=300))
def test_no_message_hangs_or_breaks_the_rules(text: str) -> None:
    service.shipped().match(text * 30)


@pytest.mark.skipif(not MESSAGES.exists(), reason=f"needs real messages in {MESSAGES}")
def test_real_messages_are_classified(capsys: pytest.CaptureFixture[str]) -> None:
    found = accuracy.read(MESSAGES)
    with capsys.disabled():
        print("\n" + accuracy.report(found))
    assert accuracy.measure(found).share >= 0.9


@pytest.mark.skipif(not MESSAGES.exists(), reason=f"needs real messages in {MESSAGES}")
def test_most_real_messages_are_told_without_the_rules_written_for_their_like() -> None:
    assert accuracy.withheld(accuracy.read(MESSAGES)).share >= 0.65


def test_messages_are_akin_by_name_or_by_words() -> None:
    assert accuracy.akin("%LINK-3-UPDOWN: Interface Gi0/1, changed state to up", "%X-SP-5-UPDOWN: something else")
    assert not accuracy.akin("%LINK-3-UPDOWN: Interface Gi0/1", "%LINK-5-CHANGED: Interface Gi0/1")
    assert accuracy.akin("Port 3 link down", "Port 12: link down, 100Mbps")
    assert not accuracy.akin("Port 3 link down", "Fan 3 has failed")


def test_the_last_resort_is_asked_only_where_no_rule_knows_the_message() -> None:
    rules = [
        Rule(name="grid", event_class="A", patterns=("fan.*stopped",), last=True),
        Rule(name="rule", event_class="B", patterns=("fan 1",)),
        Rule(name="foreign", event_class="C", patterns=("fan 2",), vendors=("APC.*",), only=True),
    ]
    matcher = Matcher(rules)
    for message, wanted in (("fan 1 stopped", "rule"), ("fan 2 stopped", "grid"), ("fan 3 stopped", "grid")):
        found = matcher.match(message, "Cisco.IOS")
        assert found is not None
        assert found.rule.name == wanted
    assert [rule.name for rule in matcher.candidates("fan 1 stopped")] == ["rule", "grid"]
    assert matcher.match("fan 4 works") is None


def test_the_grid_tells_a_thing_and_its_state_in_either_order() -> None:
    matcher = service.shipped()
    for message, wanted in (
        ("RECTIFIER_FAULT: shelf 2", "Chassis | PSU | PSU Failed"), ("Lost rectifier 3", "Chassis | PSU | PSU Failed"),
        ("Rectifier 3: fault ceased", "Chassis | PSU | PSU Recovered"),
    ):  # fmt: skip
        found = matcher.match(message)
        assert found is not None
        assert found.rule.event_class == wanted, message


async def test_the_last_resort_tells_ports_apart(world: World) -> None:
    await happen(world, "FastEthernet0/3 went down", "FastEthernet0/4 went down", "FastEthernet0/3 went up")
    found = {row["message"]: row["cleared"] for row in await rows(world)}
    assert found == {"FastEthernet0/3 went down": True, "FastEthernet0/4 went down": False}
    match = service.shipped().match("Impeller 2 is malfunctioning")
    assert match is not None
    assert match.variables == {"fan": "2"}


@pytest.mark.skipif(not MESSAGES.exists(), reason=f"needs real messages in {MESSAGES}")
@pytest.mark.parametrize("vendors", [True, False], ids=["vendor known", "vendor unknown"])
def test_other_ports_people_and_headers_change_no_class(vendors: bool) -> None:
    found = accuracy.read(MESSAGES)
    changed = list(accuracy.perturbed(found, times=2, seed=7))
    assert sum(row["message"] not in {item["message"] for item in found} for row in changed) > len(found)
    assert accuracy.measure(changed, vendors=vendors).share >= accuracy.measure(found, vendors=vendors).share - 0.01


@pytest.mark.parametrize("known", [True, False], ids=["vendor known", "vendor unknown"])
def test_messages_in_the_manner_of_the_vendors_guides_are_classified(known: bool) -> None:
    """What devices send beside the messages above, written by hand in the manner of their makers' guides."""
    matcher = service.shipped()
    wrong = []
    vendor = ""
    for line in GUIDES.read_text("utf-8").splitlines():
        if line.startswith("## "):
            vendor = line.removeprefix("## ")
            continue
        wanted, message = line.split(" :: ", 1)
        found = accuracy.classify(matcher, message, vendor if known else "")
        if found != wanted:
            wrong.append(f"{vendor}: {message!r} should be {wanted}, is {found}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.skipif(not MESSAGES.exists(), reason=f"needs real messages in {MESSAGES}")
@pytest.mark.parametrize("header", ["<189>", "<189>Nov 22 10:11:12 sw1 "])
def test_real_messages_are_classified_as_they_arrive(header: str) -> None:
    """Through the syslog parser and what the event engine makes of a line; nobody says the vendor there."""
    found = accuracy.read(MESSAGES)
    batch = one_source([(header + row["message"]).replace("\n", " ").encode() for row in found], "192.0.2.9")
    parsed = parse(batch, [Sender("192.0.2.9", "acme")]).with_columns(
        pl.int_range(pl.len()).alias("id"), pl.lit("").alias("raw")
    )
    setup = cast(Setup, SimpleNamespace(rules=service.Rulebook([]), unknown_level=-1))
    kept = {int(raw.reference): raw.message for raw in lines.raw_events(parsed, "acme", setup, lines.Relays())}
    wrong = []
    for number, row in enumerate(found):
        text = kept.get(number)
        if text is None:
            # The sieve keeps out what no rule knows, and what is of a class that no event comes of.
            if row["class"] != accuracy.NOISE and catalogue.find(row["class"]).disposition == catalogue.RAISE:
                wrong.append(f"{row['message']!r} is {row['class']}, and sieved out")
        elif (is_class := accuracy.classify(service.shipped(), text)) != row["class"]:
            wrong.append(f"{text!r} should be {row['class']}, is {is_class}")
    assert len(wrong) <= len(found) // 100, "\n".join(wrong)


def test_what_a_message_looks_like_tells_its_vendor() -> None:
    matcher = service.shipped()
    for message, vendor in (
        ("%%01PHY/4/PHY_STATUS_UP(l)[157]:Slot=1;GigabitEthernet1/1/8 change status to up.", "Huawei."),
        ("%%10SHELL/4/LOGIN(l):  admin login from 192.0.2.3", "HP.1905"),
        ("WARN(4) Port 9 Multicast storm is occurring", "DLink."),
        ("%LINK-3-UPDOWN: Interface Gi0/1, changed state to up", "Cisco.IOS"),
        ("the quick brown cat sat", ""),
    ):
        assert matcher.dialect(message) == vendor, message


def test_the_vendor_decides_between_rules_in_plain_words() -> None:
    rules = [
        Rule(name="ups", event_class="A", patterns=("fault exists",), vendors=("APC.*",), only=True),
        Rule(name="any", event_class="B", patterns=("fault",)),
    ]
    matcher = Matcher(rules)
    for vendor, wanted in (("APC.AOS", "A"), ("", "B"), ("Cisco.IOS", "B")):
        found = matcher.match("a fault exists", vendor)
        assert found is not None
        assert found.rule.event_class == wanted
    assert Matcher(rules[:1]).match("a fault exists") is None


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ("FAN_TRAY: tray 3 speed", "Chassis | Fan | Fan Failed"),
        ("FAN_TRAY: tray 3 speed alarm cleared", "Chassis | Fan | Fan Recovered"),
        ("FAN_TRAY_OK: tray 3 speed", "Chassis | Fan | Fan Recovered"),
        ("FAN_TRAY_NOT_OK: tray 3 speed", "Chassis | Fan | Fan Failed"),
        ("FAN_TRAY: tray 3 has not been restored", "Chassis | Fan | Fan Failed"),
    ],
)
def test_a_rule_of_a_problem_knows_its_end_by_what_the_message_says(message: str, wanted: str) -> None:
    known = Rule(name="fans", event_class="Chassis | Fan | Fan Failed", patterns=(r"FAN_TRAY\w*: tray (?P<fan>\d)",),
                 severity=1, template="Fan {fan} failed")  # fmt: skip
    found = Matcher([known]).match(message)
    assert found is not None
    assert (found.rule.event_class, found.variables) == (wanted, {"fan": "3"})
    over = wanted.endswith("Recovered")
    assert (found.rule.severity, found.rule.template) == ((None, "") if over else (1, "Fan {fan} failed"))
    own = Matcher([replace(known, own=True)]).match(message)
    assert own is not None
    assert own.rule.event_class == known.event_class


async def test_an_own_rule_makes_events_and_comes_before_the_shipped_ones(world: World, stranger: World) -> None:
    await world.post(PATH, MINE, expect=201)
    await happen(world, "backup of /srv failed: disk full", "backup of /home failed", "backup of /srv failed: again")
    found = {row["message"]: row for row in await rows(world)}
    assert {text: row["count"] for text, row in found.items()} == {"No backup of /srv": 2, "No backup of /home": 1}
    assert found["No backup of /srv"]["severity_name"] == "Critical"
    assert found["No backup of /srv"]["rule"] == "Backup failed"
    ends = {**MINE, "name": "Backup ran", "pattern": r"backup of (?P<share>\S+) done", "event_class": "Backup | Done",
            "clears": "Backup | Failed", "samples": [], "template": ""}  # fmt: skip
    await world.post(PATH, ends, expect=201)
    await happen(world, "backup of /srv done")
    assert {row["message"]: row["cleared"] for row in await rows(world)} == {
        "No backup of /srv": True,
        "No backup of /home": False,
    }
    await happen(stranger, "backup of /srv failed")
    assert (await one(stranger))["event_class"] == "Unclassified"


async def test_an_own_rule_can_silence_a_shipped_one(world: World) -> None:
    silent = {"name": "Printers may go down", "pattern": r"Interface Fa0/(?P<n>\d+), changed state to down",
              "event_class": "Network | Link | Link Down", "disposition": "ignore"}  # fmt: skip
    made = await world.post(PATH, silent, expect=201)
    down = "%LINK-3-UPDOWN: Interface Fa0/7, changed state to down"
    await happen(world, down)
    assert await rows(world) == []
    await world.patch(f"{PATH}{made['id']}/", {"enabled": False})
    await happen(world, down)
    assert len(await rows(world)) == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"pattern": "(unclosed"}, "pattern"), ({"pattern": r"(?=look)ahead"}, "pattern"),
        ({"samples": ["something else"]}, "samples"), ({"key": ["nothing"]}, "key"), ({"samples": [7]}, "samples"),
    ],
)  # fmt: skip
async def test_a_rule_that_cannot_work_is_refused_by_name(world: World, given: dict[str, object], field: str) -> None:
    refused = await world.post(PATH, {**MINE, **given}, expect=400)
    assert field in refused["fields"], refused


async def test_trying_rules_stores_nothing(world: World) -> None:
    answer = await world.post(f"{PATH}test/", {"messages": ["backup of /srv failed", "no"], "pattern": MINE["pattern"]})
    assert [row["matched"] for row in answer["results"]] == [True, False]
    assert answer["results"][0]["variables"] == {"share": "/srv"}
    shipped = await world.post(f"{PATH}test/", {"messages": ["%LINK-3-UPDOWN: Interface Gi0/1, changed state to up"]})
    assert shipped["results"][0]["event_class"] == "Network | Link | Link Up"
    assert await rows(world) == []
    bad = await world.post(f"{PATH}test/", {"messages": ["x"], "pattern": "("}, expect=400)
    assert "pattern" in bad["fields"]


async def test_rules_travel_as_json(world: World, stranger: World) -> None:
    await world.post(PATH, MINE, expect=201)
    document = await world.get(f"{PATH}export-json/")
    taken = await stranger.post(f"{PATH}import-json/", document)
    assert (taken["created"], taken["updated"]) == (1, 0)
    document["rules"][0]["severity"] = 3
    taken = await stranger.post(f"{PATH}import-json/", document)
    assert (taken["created"], taken["updated"]) == (0, 1)
    await happen(stranger, "backup of /srv failed")
    assert (await one(stranger))["severity_name"] == "Minor"
    document["rules"].append({**document["rules"][0], "name": "broken", "pattern": "("})
    await stranger.post(f"{PATH}import-json/", document, expect=400)
    assert (await stranger.get(PATH))["count"] == 1


async def test_the_catalogue_and_the_library_can_be_read(world: World) -> None:
    classes = await world.get(f"{PATH}classes/", params={"search": "link down"})
    names = [row["name"] for row in classes["results"]]
    assert "Network | Link | Link Down" in names
    shown = await world.get(f"{PATH}library/", params={"search": "cisco MALLOC"})
    first = shown["results"][0]
    assert (first["event_class"], first["severity_name"]) == ("Chassis | RAM | Insufficient Memory", "Major")
    # By the maker, too, and by what it means.
    makers = await world.get(f"{PATH}library/", params={"search": "huawei link down"})
    assert makers["results"]
    assert all("huawei" in str(row).lower() for row in makers["results"])
