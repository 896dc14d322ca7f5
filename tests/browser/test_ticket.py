"""A ticket's life, as an agent works on it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.installation import Installation
from tests.browser.windows import Windows, new_ticket, pick, say


async def test_a_ticket_from_its_creation_to_closed(windows: Windows, installation: Installation) -> None:
    page = await windows.open(await installation.person(full_name="Aino Agent"))
    await new_ticket(page, "The scanner scans nothing")
    status = page.get_by_test_id("status")
    await expect(status).to_have_text("Open / New")
    await expect(page.get_by_role("heading", name="The scanner scans nothing")).to_be_visible()

    steps = {"name": "steps.txt", "mimeType": "text/plain", "buffer": b"Restart it.\n"}
    await say(page, "Please try these steps.", steps)
    message = page.get_by_test_id("message").filter(has_text="Please try these steps.")
    link = message.get_by_role("link", name=re.compile(r"steps\.txt"))
    await expect(link).to_be_visible()
    await expect(message).to_contain_text("Aino Agent")
    stored = await page.request.get(await link.get_attribute("href") or "")
    assert await stored.body() == b"Restart it.\n"

    # Closed cannot be reached from here, so it is not offered; the way leads over the work.
    await expect(page.get_by_role("button", name="Move to Closed")).to_have_count(0)
    await page.get_by_role("button", name="Move to Analysis").click()
    await expect(status).to_have_text("In Progress / Analysis")
    await page.get_by_role("button", name="Move to Resolved").click()
    await page.get_by_label("Closure note").fill("The cable was loose.")
    await page.get_by_role("button", name="Resolve", exact=True).click()
    await expect(status).to_have_text("Resolved")
    await page.get_by_role("button", name="Move to Closed").click()
    await page.get_by_label("Closure note").fill("Confirmed by phone.")
    await page.get_by_role("button", name="Close ticket", exact=True).click()
    await expect(status).to_have_text("Closed")

    await page.reload()
    await expect(status).to_have_text("Closed")
    await page.get_by_role("tab", name="Activity").click()
    await expect(page.get_by_text("Resolved").first).to_be_visible()


async def test_tags_and_due_date_are_set_beside_the_conversation(windows: Windows, installation: Installation) -> None:
    ticket = await installation.ticket("A lamp flickers")
    page = await windows.open(await installation.person(), f"/incident/{ticket}", timezone_id="Europe/Berlin")
    properties = page.get_by_role("complementary", name="Properties")
    due = properties.get_by_label("Due")
    await due.fill("2031-07-02T15:30")
    await due.press("Enter")
    await expect(page.get_by_text("Due changed.")).to_be_visible()
    tags = properties.get_by_label("Tags")
    await tags.fill("lighting")
    await tags.press("Enter")
    await expect(page.get_by_text("Tags changed.")).to_be_visible()

    record = (await installation.call("GET", f"/ux/sd/inci/incident/{ticket}/"))["incident"]
    assert record["tag"] == ["lighting"]
    assert record["due_date"].startswith("2031-07-02T13:30:00"), "typed in Berlin's time, kept in UTC"
    await page.reload()
    await expect(due).to_have_value("2031-07-02T15:30")
    await expect(properties.get_by_role("button", name="lighting")).to_be_visible()


async def test_a_new_priority_asks_for_its_reason(windows: Windows, installation: Installation) -> None:
    ticket = await installation.ticket("The door squeaks")
    page = await windows.open(await installation.person(), f"/incident/{ticket}")
    await pick(page, "Priority", "Critical")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Reason for the change").fill("It is the door of the vault.")
    await dialog.get_by_role("button", name="Save").click()
    await expect(page.get_by_test_id("priority")).to_have_text("Critical")
    await page.get_by_role("tab", name="Activity").click()
    activity = page.get_by_role("list", name="History")
    await expect(activity.get_by_text("It is the door of the vault.")).to_be_visible()


@pytest.mark.slow
async def test_a_long_conversation_shows_its_end_and_earlier_messages_when_asked(
    windows: Windows, installation: Installation
) -> None:
    ticket = await installation.ticket("Much is said about this")
    for number in range(1, 121):
        await installation.call(
            "POST", "/ux/sd/inci/conversation/",
            {"incident_id": ticket, "message": f"<p>Remark {number}.</p>", "is_public": False},
        )  # fmt: skip
    page = await windows.open(await installation.person(), f"/incident/{ticket}")
    remarks = page.get_by_test_id("message").filter(has_text=re.compile(r"Remark \d+\."))
    await expect(remarks).to_have_count(100)
    await expect(remarks.first).to_contain_text("Remark 21.")
    await expect(remarks.last).to_contain_text("Remark 120.")
    await page.get_by_role("button", name="Show earlier messages (20)").click()
    await expect(remarks).to_have_count(120)
    await expect(remarks.first).to_contain_text("Remark 1.")
    await expect(page.get_by_test_id("earlier")).to_have_count(0)
    # A new message joins them; none is lost or shown twice.
    await say(page, "The last word.")
    await expect(remarks).to_have_count(120)


async def test_a_message_is_corrected_and_another_taken_back(windows: Windows, installation: Installation) -> None:
    ticket = await installation.ticket("The fan rattles")
    await installation.call(
        "POST", "/ux/sd/inci/conversation/", {"incident_id": ticket, "message": "<p>From somebody else.</p>"}
    )
    page = await windows.open(await installation.person(), f"/incident/{ticket}")
    await say(page, "Restrat it, please.")
    await say(page, "Wrong ticket, sorry.")
    messages = page.get_by_test_id("message")
    # Only one's own.
    await expect(messages.filter(has_text="somebody else").get_by_role("button", name="this message")).to_have_count(0)

    await messages.filter(has_text="Restrat").get_by_role("button", name="Edit this message").click()
    editor = page.get_by_role("textbox", name="Edit this message")
    await editor.fill("Restart it, please.")
    await page.get_by_role("form", name="Edit this message").get_by_role("button", name="Save").click()
    corrected = messages.filter(has_text="Restart it, please.")
    await expect(corrected).to_contain_text("edited")
    await expect(messages.filter(has_text="Restrat")).to_have_count(0)

    await messages.filter(has_text="Wrong ticket").get_by_role("button", name="Delete this message").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(messages.filter(has_text="Wrong ticket")).to_have_count(0)
    talk = await installation.call("GET", f"/ux/sd/inci/conversation/?incident_id={ticket}")
    assert [row["message"] for row in talk["results"]] == ["<p>From somebody else.</p>", "<p>Restart it, please.</p>"]
    await page.get_by_role("tab", name="Activity").click()
    activity = page.get_by_role("list", name="History")
    await expect(activity.get_by_text("Restrat it, please.").first).to_be_visible()


async def test_what_else_is_known_of_a_ticket_is_edited_under_details(
    windows: Windows, installation: Installation
) -> None:
    await installation.call(
        "POST", "/api/custom-fields/", {"resource": "incident", "label": "Rack", "key": "rack", "kind": "text"}
    )
    await installation.call(
        "POST", "/api/custom-fields/",
        {"resource": "incident", "label": "Heard by", "key": "heard_by", "kind": "user"},
    )  # fmt: skip
    ticket = await installation.ticket("Alarm in the cellar")
    person = await installation.person(full_name="Carla Cellar")
    page = await windows.open(person, f"/incident/{ticket}?tab=details")
    details = page.get_by_test_id("ticket-details")
    await details.get_by_label("Rack", exact=True).fill("R 12")
    await details.get_by_label("Heard by").fill("Carla")
    await page.get_by_role("option", name=re.compile("Carla Cellar")).click()
    await details.get_by_label("Reported by").fill("The janitor")
    await details.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    facts = page.get_by_test_id("custom-facts")
    await expect(facts).to_contain_text("R 12")
    await expect(facts.get_by_role("link", name="Carla Cellar")).to_be_visible()
    record = (await installation.call("GET", f"/ux/sd/inci/incident/{ticket}/"))["incident"]
    assert record["custom_field_data"]["rack"] == "R 12"
    assert record["reporter_info"]["name"] == "The janitor"

    # It is a column of the list, and something to filter by.
    await page.goto("/incident")
    await page.get_by_role("button", name="Columns").click()
    for name in ("Rack", "Heard by"):
        # Ticked, it moves to another place: it is another element then.
        box = page.get_by_role("checkbox", name=name)
        await box.click()
        await expect(box).to_be_checked()
    await page.keyboard.press("Escape")
    row = page.get_by_role("row").filter(has_text="Alarm in the cellar")
    await expect(row).to_contain_text("R 12")
    await expect(row).to_contain_text("Carla Cellar")
    await page.get_by_role("button", name="Filter", exact=True).click()
    await page.get_by_role("button", name="Add a condition").click()
    clause = page.get_by_test_id("filter-clause")
    await clause.get_by_role("combobox", name="Field").click()
    await page.get_by_role("option", name="Heard by").click()
    # Before, it asks for another kind of value.
    await expect(clause.get_by_role("combobox", name="Field")).to_contain_text("Heard by")
    await clause.get_by_role("combobox", name="Value").fill("Carla")
    await page.get_by_role("option", name=re.compile("Carla Cellar")).click()
    await expect(page.get_by_role("row")).to_have_count(2)
    await page.get_by_role("button", name="Filter", exact=True).click()
    await expect(page.get_by_text("Heard by is one of Carla Cellar")).to_be_visible()


async def test_reports_of_one_trouble_are_merged_from_the_list(windows: Windows, installation: Installation) -> None:
    first = await installation.ticket("Gateway down on floor one")
    others = [await installation.ticket(f"Gateway down on floor {number}") for number in ("two", "three")]
    page = await windows.open(await installation.person(), "/incident")
    await page.get_by_role("searchbox", name="Search in Incidents").fill("Gateway down")
    await expect(page.get_by_role("row")).to_have_count(4)
    await page.get_by_role("checkbox", name="Select all rows on this page").check()
    await page.get_by_role("button", name="Merge…").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("radio", name=re.compile(first))).to_be_checked()
    await dialog.get_by_label("Why they belong together").fill("One gateway.")
    await dialog.get_by_role("button", name="Merge", exact=True).click()
    await expect(page.get_by_text(f"Merged into {first}.")).to_be_visible()
    for other in others:
        record = (await installation.call("GET", f"/ux/sd/inci/incident/{other}/"))["incident"]
        assert record["reference"][0]["display_id"] == first
    await page.goto(f"/incident/{first}")
    await expect(page.get_by_test_id("merged-here")).to_contain_text(others[0])
    await expect(page.get_by_test_id("message").filter(has_text="One gateway.")).to_have_count(2)


async def test_a_ticket_is_merged_into_one_that_is_found_by_its_words(
    windows: Windows, installation: Installation
) -> None:
    kept, gone = await installation.ticket("Boiler is cold"), await installation.ticket("No warm water")
    page = await windows.open(await installation.person(), f"/incident/{gone}")
    await page.get_by_role("button", name="Merge into another ticket…").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("The ticket that remains").fill("boiler")
    await page.get_by_role("option", name=re.compile(kept)).click()
    await dialog.get_by_role("button", name="Merge", exact=True).click()
    await expect(page.get_by_test_id("merged-into")).to_contain_text(kept)
    await expect(page.get_by_test_id("status")).to_have_text("Closed")
    await page.get_by_role("button", name="Undo the merge").click()
    await expect(page.get_by_test_id("status")).to_have_text("Open / New")
