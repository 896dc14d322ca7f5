"""What others do appears by itself, and can be found."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.browser.installation import Installation
from tests.browser.windows import Windows, is_live, is_marked, mark, new_ticket, say


async def test_a_second_window_shows_a_new_ticket_without_reloading(
    windows: Windows, installation: Installation
) -> None:
    author = await windows.open(await installation.person())
    watcher = await windows.open(await installation.person(), "/incident")
    await expect(watcher.get_by_role("heading", name="Incidents", exact=True)).to_be_visible()
    await is_live(watcher)
    await mark(watcher)
    ticket = await new_ticket(author, "Seen in a second window")
    link = watcher.get_by_role("link", name="Seen in a second window")
    await expect(link).to_be_visible()

    # An open ticket follows as well, and says who changed it.
    await link.click()
    await expect(watcher.get_by_test_id("display-id")).to_have_text(ticket)
    await say(author, "Written in the first window.")
    await expect(watcher.get_by_test_id("message").filter(has_text="Written in the first window.")).to_be_visible()
    await expect(watcher.get_by_test_id("live-notice")).to_be_visible()
    assert await is_marked(watcher)


async def test_search_finds_a_ticket_from_the_keyboard(windows: Windows, installation: Installation) -> None:
    ticket = await installation.ticket("Zeppelin drops its anchor")
    page = await windows.open(await installation.person())
    await is_live(page)
    await page.keyboard.press("/")
    search = page.get_by_role("combobox", name="Search")
    await search.fill("zeppelin")
    hit = page.get_by_role("option", name="Zeppelin drops its anchor")
    await expect(hit).to_be_visible()
    await search.press("Enter")
    await expect(page.get_by_test_id("display-id")).to_have_text(ticket)


async def test_a_list_is_searched(windows: Windows, installation: Installation) -> None:
    await installation.ticket("Quokka in the server room")
    await installation.ticket("Nothing to do with it")
    page = await windows.open(await installation.person(), "/incident")
    await page.get_by_label("Search in Incidents").fill("quokka")
    await expect(page.get_by_role("link", name="Nothing to do with it")).to_have_count(0)
    await expect(page.get_by_role("link", name="Quokka in the server room")).to_be_visible()
    await expect(page.get_by_test_id("range")).to_have_text(re.compile(r"^1.1 of 1$"))
