"""People in the console: support levels of a team, a picture of oneself."""

from __future__ import annotations

import base64
import re

from playwright.async_api import expect

from mainstay.kernel.access.bootstrap import ADMIN_ROLE
from tests.browser.installation import Installation
from tests.browser.windows import Windows, say

# One red pixel.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
)


async def test_the_support_levels_of_a_team_are_set_by_name(windows: Windows, installation: Installation) -> None:
    first = await installation.person(full_name="Fiona First")
    await installation.person(full_name="Stefan Second")
    made = await installation.call(
        "POST", "/ux/common/teams/profile/", {"name": "Levels", "level_staff": {"L1": [first.email]}}
    )
    page = await windows.open(await installation.person(ADMIN_ROLE), f"/team/{made['id']}")
    levels = page.get_by_test_id("steps-level_staff")
    await expect(levels.get_by_role("button", name="Fiona First")).to_be_visible()
    await levels.get_by_role("button", name="Add a level").click()
    await levels.get_by_label("People").nth(1).fill("Stefan")
    await page.get_by_role("option", name=re.compile("Stefan Second")).click()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()

    team = await installation.call("GET", f"/ux/common/teams/profile/{made['id']}/")
    names = [(step["level"], [person["full_name"] for person in step["staffs"]]) for step in team["level_staff"]]
    assert names == [("L1", ["Fiona First"]), ("L2", ["Stefan Second"])]
    # Whoever is at a level is a member.
    assert {person["full_name"] for person in team["staffs"]} == {"Fiona First", "Stefan Second"}

    await levels.get_by_role("button", name="Move L2 up").click()
    await page.get_by_role("button", name="Save").click()
    await expect(levels.get_by_label("Level").first).to_have_value("L2")
    await page.reload()
    await expect(levels.get_by_label("Level").first).to_have_value("L2")


async def test_a_picture_of_oneself_stands_beside_ones_words(windows: Windows, installation: Installation) -> None:
    ticket = await installation.ticket("Who answers here?")
    page = await windows.open(await installation.person(), "/me")
    file = {"name": "me.png", "mimeType": "image/png", "buffer": PICTURE}
    await page.get_by_test_id("file-input").set_input_files([file])  # type: ignore[list-item]
    await expect(page.get_by_role("button", name="Remove the picture")).to_be_visible()
    await page.goto(f"/incident/{ticket}")
    await say(page, "It is me.")
    face = page.get_by_test_id("message").filter(has_text="It is me.").locator("img")
    await expect(face).to_have_js_property("complete", True)
    assert await face.evaluate("image => image.naturalWidth") == 1
    await page.goto("/me")
    await page.get_by_role("button", name="Remove the picture").click()
    await expect(page.get_by_role("button", name="Remove the picture")).to_have_count(0)


async def test_a_requester_reports_answers_and_rates(windows: Windows, installation: Installation) -> None:
    requester = await installation.requester("Rosa Reporter")
    page = await windows.open(requester, "/incident/create")
    await page.get_by_label("Summary").fill("My chair squeaks")
    await page.get_by_role("textbox", name="Description").fill("Since this morning.")
    await page.get_by_role("button", name="Create ticket").click()
    shown = page.get_by_test_id("display-id")
    await expect(shown).to_have_text(re.compile(r"^INC-\d+$"))
    ticket = (await shown.text_content() or "").strip()
    await say(page, "It is the left wheel.")
    # What is of the service desk alone is not offered.
    for name in ("Internal note", "Merge into another ticket…", "Activity"):
        await expect(page.get_by_text(name, exact=True)).to_have_count(0)

    talk = "/ux/sd/inci/conversation/"
    await installation.call("POST", talk, {"incident_id": ticket, "message": "Oiled.", "is_public": True})
    await installation.call("POST", talk, {"incident_id": ticket, "message": "He weighs too much.", "type": "note"})
    await installation.call(
        "POST", "/ux/sd/inci/incident/inci_resolve/", {"incident_id": ticket, "closure_note": "Oiled the wheel."}
    )
    await page.goto("/")
    solved = page.get_by_role("region", name="Solved")
    await solved.get_by_role("link", name=re.compile(ticket)).click()
    await expect(page.get_by_test_id("status")).to_have_text("Resolved")
    await expect(page.get_by_test_id("message").filter(has_text="Oiled.").first).to_be_visible()
    await expect(page.get_by_text("He weighs too much.")).to_have_count(0)
    await page.locator("label").filter(has_text="4 of 5").click()
    await page.get_by_label("What should we know?").fill("Quick.")
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.get_by_test_id("rated")).to_contain_text("4 of 5")
    said = await installation.call("GET", f"/ux/sd/inci/incident/feedback/?incident_id={ticket}")
    assert (said["rating"], said["feedback"]) == (4, "Quick.")
