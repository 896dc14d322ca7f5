"""Signing in and out."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.browser.installation import PASSWORD, Installation
from tests.browser.windows import Windows, sign_in


async def test_a_wrong_password_is_told_and_the_right_one_opens_the_console(
    windows: Windows, installation: Installation
) -> None:
    person = await installation.person(full_name="Olga Operator")
    page = await windows.open()
    await sign_in(page, person.username, "not-" + person.password)
    await expect(page.get_by_test_id("login-error")).to_have_text("Incorrect username or password.")
    await expect(page.get_by_test_id("account-menu")).to_have_count(0)

    await sign_in(page, person.username, person.password)
    await expect(page.get_by_test_id("account-menu")).to_be_visible()
    await expect(page.get_by_role("heading", name="Hello, Olga Operator")).to_be_visible()
    # The session outlives a reload, and ends where it is ended.
    await page.reload()
    await page.get_by_test_id("account-menu").click()
    await page.get_by_role("menuitem", name="Sign out").click()
    await expect(page.get_by_label("Username")).to_be_visible()
    await page.reload()
    await expect(page.get_by_label("Username")).to_be_visible()


async def test_the_first_administrator_has_to_choose_a_password(windows: Windows, installation: Installation) -> None:
    admin = installation.first_admin
    page = await windows.open()
    await sign_in(page, admin.username, admin.password)
    await expect(page.get_by_role("heading", name="Choose a new password")).to_be_visible()
    # There is no way around it.
    await page.goto("/incident")
    await expect(page.get_by_role("heading", name="Choose a new password")).to_be_visible()

    change = page.get_by_role("button", name="Change password")
    await page.get_by_label("Current password").fill(admin.password)
    await page.get_by_label(re.compile(r"^New password")).fill(PASSWORD)
    await page.get_by_label("Repeat the new password").fill(PASSWORD + "x")
    await expect(page.get_by_text("The two passwords differ.")).to_be_visible()
    await expect(change).to_be_disabled()
    await page.get_by_label("Repeat the new password").fill(PASSWORD)
    await change.click()
    await expect(page.get_by_test_id("account-menu")).to_be_visible()

    other = await windows.open()
    await sign_in(other, admin.username, PASSWORD)
    await expect(other.get_by_test_id("account-menu")).to_be_visible()
