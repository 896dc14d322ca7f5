"""The dark theme, and the console on a phone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from mainstay.kernel.access.bootstrap import ADMIN_ROLE
from tests.browser.installation import Installation
from tests.browser.windows import Windows, say, sign_in

DARK = "rgb(18, 22, 29)"
LIGHT = "rgb(246, 247, 249)"
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


async def choose_theme(page: Page, name: str) -> None:
    await page.get_by_test_id("account-menu").click()
    async with page.expect_response("**/preference/") as kept:
        await page.get_by_role("menuitemradio", name=f"Theme: {name}").click()
    assert (await kept.value).ok


async def test_the_dark_theme_is_chosen_once_and_comes_along(windows: Windows, installation: Installation) -> None:
    person = await installation.person()
    page = await windows.open(person, color_scheme="light")
    await expect(page.locator("body")).to_have_css("background-color", LIGHT)
    await choose_theme(page, "Dark")
    await expect(page.locator("body")).to_have_css("background-color", DARK)
    await page.goto("/incident")
    await expect(page.get_by_role("heading", name="Incidents")).to_be_visible()
    await expect(page.locator("body")).to_have_css("background-color", DARK)

    # Another device has never heard of it until its owner signs in there.
    device = await windows.open(color_scheme="light")
    await expect(device.locator("body")).to_have_css("background-color", LIGHT)
    await sign_in(device, person.username, person.password)
    await expect(device.get_by_test_id("account-menu")).to_be_visible()
    await expect(device.locator("body")).to_have_css("background-color", DARK)


async def test_without_a_choice_the_theme_is_the_systems(windows: Windows) -> None:
    page = await windows.open(color_scheme="dark")
    await expect(page.get_by_label("Username")).to_be_visible()
    await expect(page.locator("body")).to_have_css("background-color", DARK)


async def fits(page: Page) -> None:
    """Nothing is wider than the screen; a table that is scrolls within itself."""
    width = await page.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
    assert width <= 390, f"{page.url} is {width} pixels wide"


@pytest.mark.slow
async def test_a_phone_never_scrolls_sideways(windows: Windows, installation: Installation) -> None:
    wide = "A_summary_without_a_single_space_in_it_that_is_much_wider_than_the_screen_of_a_phone"
    ticket = await installation.ticket(wide)
    page = await windows.open(**PHONE)
    await expect(page.get_by_label("Username")).to_be_visible()
    await fits(page)

    page = await windows.open(await installation.person(ADMIN_ROLE), **PHONE)
    await expect(page.get_by_role("heading", name="Unassigned")).to_be_visible()
    await fits(page)
    for path, ready in (
        ("/incident", page.get_by_role("link", name=wide)),
        ("/incident/create", page.get_by_role("textbox", name="Description")),
        ("/requester/import", page.get_by_test_id("import-wizard")),
        ("/department/create", page.get_by_role("button", name="Create", exact=True).last),
        ("/team/create", page.get_by_role("button", name="Add a level")),
        ("/field_config/create", page.get_by_test_id("behaviours")),
        ("/me", page.get_by_text("This one")),
        ("/admin/keys", page.get_by_role("heading", name="API keys")),
        ("/admin/roles", page.get_by_role("heading", name="Roles and privileges")),
        ("/admin/settings", page.get_by_role("heading", name="Settings")),
    ):
        await page.goto(path)
        await expect(ready).to_be_visible()
        await fits(page)

    await page.goto(f"/incident/{ticket}")
    await say(page, "https://example.com/" + "a-long-address-" * 12)
    await fits(page)
    for tab in ("Details", "Activity", "Properties"):
        await page.get_by_role("tab", name=tab).click()
        await expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        await fits(page)
    await page.get_by_label("Due").scroll_into_view_if_needed()
    await page.get_by_role("button", name="Open navigation").click()
    await expect(page.get_by_role("link", name="Departments")).to_be_visible()
    await fits(page)
