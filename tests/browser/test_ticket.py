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
    await expect(page.get_by_text("It is the door of the vault.")).to_be_visible()


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
