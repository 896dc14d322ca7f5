"""Log templates: which lines fall together, and what the API says of them."""

from __future__ import annotations

import re
import time

import re2
from hypothesis import given
from hypothesis import strategies as st

from mainstay.kernel.signals import LINES as STORED
from mainstay.modules.logs.search.parser import LONGEST_REGEX, parse
from mainstay.modules.logs.search.query import render
from mainstay.modules.logs.templates import engine
from mainstay.modules.logs.templates import service as templates
from mainstay.modules.logs.templates.resource import query_of
from tests.logs.lines import frame, line, store
from tests.support import World

BASE = "/api/logs/templates/"


def see(tree: engine.Tree, message: str, app: str = "sshd") -> engine.Cluster:
    return tree.add(app, engine.mask(message), lines=1, first=1, last=1, example=message, example_id=1)


def test_lines_that_differ_in_values_fall_together() -> None:
    tree = engine.Tree()
    one = see(tree, "Failed password for bob from 10.0.0.7 port 4022 ssh2")
    two = see(tree, "Failed password for alice from 2001:db8::7 port 22 ssh2")
    assert one is two
    assert one.text == "Failed password for <*> from <*> port <*> ssh<*>"
    assert see(tree, "Accepted password for alice from 10.0.0.7 port 22 ssh2") is not one
    assert see(tree, "Failed password for alice from 10.0.0.7 port 22 ssh2", "other") is not one
    assert see(tree, "Failed password for alice") is not one
    assert {cluster.lines for cluster in tree.take()} == {2, 1}
    assert tree.take() == []


def test_a_cluster_keeps_its_number_over_a_restart_and_while_it_grows() -> None:
    tree = engine.Tree()
    number = see(tree, "user bob logged in").number
    see(tree, "user eve logged in")
    [cluster] = tree.take()
    again = engine.Tree()
    again.learn(cluster.number, cluster.app, cluster.text)
    assert see(again, "user mallory logged in").number == number
    assert see(engine.Tree(), "user bob logged in").number == number


def test_memory_is_bounded_however_many_kinds_there_are() -> None:
    tree = engine.Tree()
    for number in range(engine.MOST_CLUSTERS + 500):
        word = "".join(chr(97 + int(digit)) for digit in str(number))
        see(tree, f"{word} {word[::-1]}x is {word}y")
        if number % 1000 == 0:
            tree.take()
    assert len(tree.clusters) <= engine.MOST_CLUSTERS + 1000
    tree.take()
    see(tree, "something else altogether")
    assert len(tree.clusters) <= engine.MOST_CLUSTERS
    assert sum(map(len, tree.groups.values())) == len(tree.clusters)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=80), min_size=1, max_size=6))
def test_a_template_matches_the_lines_it_came_from(messages: list[str]) -> None:
    tree = engine.Tree()
    for message in messages:
        masked = engine.mask(message)
        if not masked.strip():
            continue
        cluster = see(tree, message)
        node = query_of(cluster.app, cluster.text)
        assert parse(render(node)) == node
        expression = engine.expression(cluster.text, LONGEST_REGEX - 10)
        # Whitespace beyond ASCII separates words here, but is no \s for the engine.
        if re.fullmatch(r"[^\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\v]*", message):
            assert re2.search(expression, message), (expression, message)


def test_a_long_line_is_found_by_its_beginning() -> None:
    tree = engine.Tree()
    message = " ".join(f"w{'x' * (n % 9)}" for n in range(70))
    cluster = see(tree, message)
    assert cluster.words[-1] == engine.REST
    assert re2.search(engine.expression(cluster.text, LONGEST_REGEX), message)
    see(tree, "é" * 3000 + " end")


async def test_templates_are_counted_listed_and_lead_to_their_lines(world: World, stranger: World) -> None:
    lines = [
        *(line(world.organization, f"Failed password for u{n} from 10.0.0.{n} port {n}", n + 1) for n in range(20)),
        *(
            line(world.organization, f"link {'up' if n % 2 else 'down'} on eth{n}", n + 1, app="kernel")
            for n in range(5)
        ),
    ]
    await store(world.platform, lines)
    service = world.platform.service(templates.Templates)
    assert service is not None
    service._budget, service._at = 2000.0, time.monotonic()
    await STORED.publish(world.platform, frame(lines))
    await service.flush()
    answer = await world.get(BASE)
    failed = answer["results"][0]
    assert failed["template"] == "Failed password for u<*> from <*> port <*>"
    assert (failed["count"], failed["share"], failed["new"], answer["total"]) == (20, 0.8, True, 25)
    assert failed["example"] in [row["message"] for row in lines]
    assert (await world.get(f"/api/logs/lines/{failed['example_id']}/"))["message"] == failed["example"]
    for item in answer["results"]:
        got = await world.get(f"{BASE}{item['id']}/lines/", params={"limit": 100})
        assert got["count"] == item["count"], item["query"]
        found = await world.post("/ux/logmanagement/log_search/log_search/logs/", {"query": item["query"]})
        assert found["count"] == item["count"]
    narrowed = await world.get(f"{BASE}{failed['id']}/lines/", params={"query": '"10.0.0.7"'})
    assert [row["message"] for row in narrowed["results"]] == ["Failed password for u7 from 10.0.0.7 port 7"]
    assert len((await world.get(BASE, params={"search": "LINK"}))["results"]) >= 1
    assert {row["app"] for row in (await world.get(BASE, params={"app": "kernel"}))["results"]} == {"kernel"}
    assert (await world.get(BASE, params={"from": "now-9d", "to": "now-8d"}))["count"] == 0
    await world.get(BASE, params={"sort": "size"}, expect=400)
    assert (await stranger.get(BASE))["count"] == 0
    await stranger.get(f"{BASE}{failed['id']}/lines/", expect=404)
    nobody = await world.granted({})
    await world.get(BASE, by=nobody, expect=403)


async def test_a_flood_is_sampled_and_still_counted_whole(world: World) -> None:
    service = world.platform.service(templates.Templates)
    assert service is not None
    service._budget, service._at = 500.0, time.monotonic()
    lines = [line(world.organization, f"flood number {n} of many") for n in range(10_000)]
    started = time.monotonic()
    await service.see(frame(lines))
    assert time.monotonic() - started < 2
    await service.flush()
    [only] = (await world.get(BASE))["results"]
    assert only["template"] == "flood number <*> of many"
    assert only["count"] == 10_000
    assert service._budget < 500
