"""An operator's day: a list that changes under the hands, own columns, filters, and what is shown only once."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.async_api import expect

from tests.browser.installation import Installation
from tests.browser.windows import Windows, is_live
from tests.monitoring.netsnmp import Agent, run

EVENTS = "/ux/common/events/events/"


async def post(installation: Installation, *messages: str, **values: object) -> None:
    """Events with these messages, one after the other: the last is the newest."""
    for message in messages:
        event = {"host": "noc-1", "address": "192.0.2.9", "severity": "Minor", "message": message, "key": message}
        await installation.call("POST", f"{EVENTS}events_nbi/", {**event, **values})


async def test_keys_act_on_the_row_that_was_marked_whatever_arrives_above_it(
    windows: Windows, installation: Installation
) -> None:
    await post(installation, "Mark older", "Mark newer", host="mark-1")
    page = await windows.open(await installation.person(role="Infraon Admin"), "/event?q=mark-1")
    await is_live(page)
    await expect(page.get_by_test_id("event-count")).to_have_text("2")
    await page.keyboard.press("j")
    await expect(page.locator("[role=row].at")).to_contain_text("Mark newer")
    await page.keyboard.press("x")
    await post(installation, "Mark newest", host="mark-1")
    await expect(page.get_by_test_id("event-count")).to_have_text("3")
    # The new row stands on top; mark and selection stay where the operator left them.
    await expect(page.locator("[role=row][data-id]").first).to_contain_text("Mark newest")
    await expect(page.locator("[role=row].at")).to_contain_text("Mark newer")
    await expect(page.locator("[role=row].selected")).to_contain_text("Mark newer")
    await page.keyboard.press("Escape")
    await expect(page.locator("[role=row].selected")).to_have_count(0)
    await page.keyboard.press("c")
    await expect(page.get_by_test_id("event-count")).to_have_text("2")
    await expect(page.get_by_role("link", name="Mark newer", exact=True)).to_have_count(0)
    # With its row gone nothing is marked: the same key once more ends nobody else's event.
    await page.keyboard.press("c")
    await page.keyboard.press("j")
    await expect(page.locator("[role=row].at")).to_contain_text("Mark older")
    left = await installation.call("GET", f"{EVENTS}?search=mark-1&filters={json.dumps({'cleared': False})}")
    assert {item["message"] for item in left["results"]} == {"Mark older", "Mark newest"}


async def test_ten_thousand_live_rows_keep_place_and_selection_while_more_arrive(
    windows: Windows, installation: Installation
) -> None:
    # Of many devices: what one of them raises beyond a hundred a minute is one counted row.
    events = [{"host": f"many-{number % 200}", "address": f"198.51.100.{number % 200}", "severity": "Minor",
               "message": f"Many rows {number}", "key": f"many {number}"} for number in range(10_000)]  # fmt: skip
    await installation.call("POST", f"{EVENTS}events_nbi/", events)
    try:
        page = await windows.open(await installation.person(role="Infraon Admin"), "/event?q=many-")
        await is_live(page)
        await expect(page.get_by_test_id("event-count")).to_have_text("10,000")
        table, rows = page.get_by_test_id("event-rows"), page.locator("[role=row][data-id]")
        await table.evaluate("element => { element.scrollTop = 160_000 }")
        await expect(rows.nth(40)).to_be_visible()
        assert await rows.count() < 200, "rows out of sight are in the page"
        name = await rows.nth(40).get_attribute("data-id")
        chosen = page.locator(f"[role=row][data-id='{name}']")
        await chosen.get_by_role("checkbox").check()
        before = await chosen.bounding_box()
        await post(installation, "Many rows and one more", host="many-1000")
        await expect(page.get_by_test_id("event-count")).to_have_text("10,001")
        assert await chosen.bounding_box() == before, "the row moved under the pointer"
        await expect(chosen).to_have_attribute("aria-selected", "true")
        # Counts change in place, too.
        await installation.call("POST", f"{EVENTS}events_nbi/", events[:3000])
        await table.evaluate("element => { element.scrollTop = element.scrollHeight }")
        await expect(rows.last).to_be_visible()
        await table.evaluate("element => { element.scrollTop = 0 }")
        await expect(page.get_by_role("link", name="Many rows and one more", exact=True)).to_be_visible()
        await expect(page.get_by_test_id("event-actions")).to_contain_text("1 selected")
    finally:
        where = {"and": [{"field": "host", "condition": "starts_with", "value": "many-"}]}
        for _ in range(2):
            await installation.call("POST", f"{EVENTS}action/", {"action": "clear", "filters": where})


async def test_columns_conditions_and_order_are_the_operators_own(windows: Windows, installation: Installation) -> None:
    await post(installation, "Own column", host="own-1", severity="Critical")
    await post(installation, "Other column", host="own-2")
    (event,) = (await installation.call("GET", f"{EVENTS}?search=own-1"))["results"]
    await installation.call("POST", f"{EVENTS}save-tag-to-events/", {"ids": [event["id"]], "tags": ["night"]})
    made = await installation.call("POST", f"{EVENTS}create_incident/", {"event_ids": [event["id"]]})
    person = await installation.person(role="Infraon Admin")
    page = await windows.open(person, "/event?q=column")
    shown = page.locator(f"[role=row][data-id='{event['id']}']")
    # The ticket of an event stands in the list, and leads to it.
    await expect(shown.get_by_role("link", name=made["display_id"])).to_be_visible()
    await page.get_by_role("button", name="Columns").click()
    await page.get_by_role("checkbox", name="Tags").click()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("columnheader", name="Tags")).to_be_visible()
    await expect(shown).to_contain_text("night")
    await page.get_by_role("button", name="Severity", exact=True).click()
    await expect(page).to_have_url(re.compile("sort=severity"))
    await expect(page.locator("[role=row][data-id]").first).to_contain_text("Own column")
    where = json.dumps([{"field": "host", "condition": "equal", "value": "own-2"}])
    await page.goto(f"/event?q=column&where={where}")
    await expect(page.get_by_role("link", name="Other column", exact=True)).to_be_visible()
    await expect(page.get_by_role("link", name="Own column", exact=True)).to_have_count(0)
    # The columns are the person's, wherever they sign in.
    again = await windows.open(person, "/event?q=column")
    await expect(again.get_by_role("columnheader", name="Tags")).to_be_visible()


async def test_a_beep_is_seen_by_the_one_it_is_for(windows: Windows, installation: Installation) -> None:
    person = await installation.person(role="Infraon Admin")
    page = await windows.open(person, "/event")
    other = await windows.open(await installation.person(role="Infraon Admin"), "/event")
    await is_live(page)
    await is_live(other)
    body = {"beep_data": {"user": person.username, "title": "Look", "message": "Core switch down", "sound": "alarm"}}
    await installation.call("POST", "/ux/common/messenger/beep/", body)
    await expect(page.get_by_test_id("beep")).to_contain_text("Core switch down")
    await expect(other.get_by_test_id("beep")).to_have_count(0)
    await page.get_by_test_id("beep").get_by_role("button", name="Close").click()
    await expect(page.get_by_test_id("beep")).to_have_count(0)
    # A storm leaves the page usable: three are shown, the others counted.
    for number in range(5):
        body["beep_data"]["title"] = f"Look at {number}"
        await installation.call("POST", "/ux/common/messenger/beep/", body)
    await expect(page.get_by_test_id("more-beeps")).to_have_text("and 2 more")
    await expect(page.get_by_test_id("beep")).to_have_count(3)
    await page.get_by_role("button", name="Close all").click()
    await expect(page.get_by_test_id("beep")).to_have_count(0)


async def test_the_token_of_a_log_agent_is_shown_once_in_its_configuration(
    windows: Windows, installation: Installation
) -> None:
    page = await windows.open(await installation.person(role="Infraon Admin"), "/log_agent_config/create")
    await page.get_by_label("Name", exact=False).first.fill("Web servers")
    await page.get_by_role("combobox", name=re.compile("^Agent")).click()
    await page.get_by_role("option", name="Vector").click()
    await page.get_by_role("button", name="Create", exact=True).last.click()
    made = page.get_by_test_id("agent-config")
    await expect(made).to_contain_text("ApiKey ms_")
    async with page.expect_download() as saving:
        await made.get_by_role("button", name="Save as vector.yaml").click()
    assert (await saving.value).suggested_filename == "vector.yaml"
    await made.get_by_role("link", name="To the log agent").click()
    await expect(page.get_by_test_id("agent-file")).to_contain_text("PUT-THE-TOKEN-HERE")
    await page.get_by_role("button", name="New token").click()
    await page.get_by_role("dialog").get_by_role("button", name="New token").click()
    renewed = page.get_by_test_id("agent-config")
    await expect(renewed).to_contain_text("ApiKey ms_")
    # The record has changed by it, and the form with it: what is shown once stays.
    await page.get_by_label("Description").fill("In the closet")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    await expect(renewed).to_contain_text("ApiKey ms_")


async def test_a_signing_secret_is_shown_once(windows: Windows, installation: Installation) -> None:
    page = await windows.open(await installation.person(role="Infraon Admin"), "/notification_channel/create")
    await page.get_by_label("Name", exact=False).first.fill("Chat room")
    await page.get_by_role("combobox", name=re.compile("^Kind")).click()
    await page.get_by_role("option", name=re.compile("API")).click()
    await page.get_by_label("URL", exact=False).first.fill("https://chat.example/hook")
    await page.get_by_role("button", name="Create", exact=True).last.click()
    await expect(page.get_by_test_id("signing-secret")).to_contain_text("whsec_")
    await page.get_by_role("link", name="To the notification channel").click()
    await expect(page.get_by_test_id("channel-test")).to_be_visible()
    await expect(page.get_by_text("whsec_")).to_have_count(0)


async def test_words_and_rules_are_tried_before_they_are_saved(windows: Windows, installation: Installation) -> None:
    await post(installation, "Preview of this", severity="Critical")
    page = await windows.open(await installation.person(role="Infraon Admin"), "/notification_template/create")
    await page.get_by_label("Subject", exact=False).first.fill("{{ event.severity_name | upper }}: {{ event.message }}")
    await expect(page.get_by_test_id("preview-subject")).to_contain_text("CRITICAL: Preview of this")
    windows.refused.append("/preview/")
    await page.get_by_label("Subject", exact=False).first.fill("{{ event.no_such_thing }}")
    await expect(page.get_by_test_id("template-preview")).to_contain_text("no_such_thing")
    lines = [{"message": f"walrus refused number {number}", "host": "pole-1"} for number in range(3)]
    await installation.call("POST", "/api/logs/", lines)
    # From a search to a rule.
    await page.goto("/logs/search?q=walrus")
    await page.get_by_role("link", name="Make a rule").click()
    await expect(page.get_by_label("Query", exact=False).first).to_have_value("walrus")
    await page.get_by_label("Name", exact=False).first.fill("Walruses")
    await page.get_by_role("spinbutton", name="Threshold").fill("2")
    await page.get_by_test_id("rule-preview").get_by_role("button", name="Try it").click()
    await expect(page.get_by_test_id("rule-outcome")).to_be_visible()


async def test_kinds_of_lines_lead_to_their_lines(windows: Windows, installation: Installation) -> None:
    lines = [{"message": f"otter {number} swims to port {number}", "host": "sea-1", "app": "otter", "colour": "grey"}
             for number in range(5)]  # fmt: skip
    await installation.call("POST", "/api/logs/", lines)
    page = await windows.open(await installation.person(role="Infraon Admin"), "/logs/templates?q=otter")
    template = page.get_by_test_id("log-templates").get_by_role("row").filter(has_text="otter <*> swims to port <*>")
    await expect(template).to_be_visible(timeout=60_000)
    await template.get_by_role("link", name="5", exact=True).click()
    await expect(page.get_by_test_id("log-lines").get_by_text("otter 4 swims to port 4")).to_be_visible()
    # A field of the lines is looked into, and becomes a column.
    fields = page.get_by_test_id("log-fields")
    await fields.locator("summary").click()
    await fields.get_by_role("button", name="colour", exact=True).click()
    await expect(
        page.get_by_label("Most frequent values").get_by_role("button", name=re.compile("grey"))
    ).to_be_visible()
    await fields.get_by_role("button", name=re.compile("Show as column: .*colour")).click()
    await expect(page.get_by_role("columnheader", name="colour")).to_be_visible()


async def test_an_object_is_set_on_a_device(windows: Windows, installation: Installation, tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    agent.start()
    try:
        await installation.call("POST", "/api/credentials/", {
            "name": "Bench", "kind": "snmp_v2c", "community": "public", "write_community": "private",
            "port": agent.port, "scope": "127.0.0.1",
        })  # fmt: skip
        page = await windows.open(await installation.person(role="Infraon Admin"), "/mibs?oid=1.3.6.1.2.1.1.5")
        await page.get_by_role("textbox", name="Address").fill("127.0.0.1")
        await page.get_by_role("combobox", name="Operation").click()
        await page.get_by_role("option", name="set", exact=True).click()
        await expect(page.get_by_label("Object *")).to_have_value("1.3.6.1.2.1.1.5.0")
        await page.get_by_label("New value").fill("walrus-7")
        await page.get_by_role("button", name="Set", exact=True).click()
        await page.get_by_role("dialog").get_by_role("button", name="Set", exact=True).click()
        await expect(page.get_by_test_id("run-results")).to_contain_text("walrus-7")
        code, said = await run("snmpget", "-v2c", "-c", "public", f"127.0.0.1:{agent.port}", "1.3.6.1.2.1.1.5.0")
        assert (code, "walrus-7" in said) == (0, True), said
        # What a device only tells cannot be set.
        await page.goto("/mibs?oid=1.3.6.1.2.1.1.1")
        await page.get_by_role("combobox", name="Operation").click()
        await expect(page.get_by_role("option", name="walk", exact=True)).to_be_visible()
        await expect(page.get_by_role("option", name="set", exact=True)).to_have_count(0)
    finally:
        agent.stop()
