"""Browser windows on the console, and the steps that several tests take in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.browser.installation import Account, Installation

PATIENCE = 20_000
"""Milliseconds to wait for what should come: the tests also have to pass where much else runs."""

SIGNED_OUT = re.compile(r"status of 40[13] ")
expect.set_options(timeout=PATIENCE)


class Windows:
    """The windows of one test, each with cookies and storage of its own, and what went wrong in them."""

    def __init__(self, browser: Browser, installation: Installation) -> None:
        self._browser = browser
        self._installation = installation
        self._contexts: list[BrowserContext] = []
        self.problems: list[str] = []
        self.refused: list[str] = []
        """Paths whose refusals a test provokes: Chromium logs each as an error."""

    async def open(self, person: Account | None = None, path: str = "/", **options: Any) -> Page:
        """A new window at ``path``, signed in as ``person``."""
        options = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **options}
        context = await self._browser.new_context(base_url=self._installation.url, **options)
        context.set_default_timeout(PATIENCE)
        self._contexts.append(context)
        context.on("console", self._listen)
        context.on("weberror", lambda error: self.problems.append(f"uncaught: {error.error}"))
        if person is not None:
            # The window and these requests share their cookies.
            answer = await context.request.post(
                "/api/session", data={"username": person.username, "password": person.password}
            )
            assert answer.ok, await answer.text()
        page = await context.new_page()
        await page.goto(path)
        if person is not None:
            await expect(page.get_by_test_id("account-menu")).to_be_visible()
        return page

    def _listen(self, message: ConsoleMessage) -> None:
        text, url = message.text, message.location.get("url", "")
        if message.type != "error" and "Content Security Policy" not in text:
            return
        if url.endswith("/api/session") and SIGNED_OUT.search(text):
            return  # how the console learns that nobody is signed in
        if "status of 400 " in text and any(url.endswith(path) for path in self.refused):
            return
        self.problems.append(f"{text} ({url})")

    async def screenshots(self, folder: Path) -> list[str]:
        made = []
        for number, page in enumerate((page for context in self._contexts for page in context.pages), 1):
            made.append(str(folder / f"{number}.png"))
            await page.screenshot(path=made[-1])  # makes the folder
        return made

    async def close(self) -> None:
        for context in self._contexts:
            await context.close()


async def sign_in(page: Page, username: str, password: str) -> None:
    await page.get_by_label("Username").fill(username)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def is_live(page: Page) -> None:
    """Wait until the page hears of changes."""
    await expect(page.get_by_test_id("live-state")).to_have_attribute("data-live", "true")


async def pick(page: Page, label: str, option: str) -> None:
    """Choose an option of a select."""
    await page.get_by_role("combobox", name=re.compile(rf"^{label}\b")).click()
    await page.get_by_role("option", name=option, exact=True).click()


async def new_ticket(page: Page, summary: str, requester: str = "nora@example.com") -> str:
    """Fill in the form of a new ticket, send it, and return the ticket's display id."""
    await page.goto("/incident/create")
    await page.get_by_label("Requester").fill(requester)
    await page.get_by_role("option", name=re.compile(re.escape(requester))).click()
    await page.get_by_label("Summary").fill(summary)
    await page.get_by_role("textbox", name="Description").fill("It began this morning.")
    await pick(page, "Impact", "User")
    await pick(page, "Urgency", "High")
    await expect(page.get_by_test_id("matrix-priority")).to_be_visible()
    await page.get_by_role("button", name="Create ticket").click()
    shown = page.get_by_test_id("display-id")
    await expect(shown).to_have_text(re.compile(r"^INC-\d+$"))
    return (await shown.text_content() or "").strip()


async def say(page: Page, text: str, *files: Any) -> None:
    """Answer on an open ticket, with files."""
    await page.get_by_role("textbox", name="Reply").fill(text)
    if files:
        await page.get_by_test_id("composer").get_by_test_id("file-input").set_input_files(list(files))
    await page.get_by_test_id("send").click()
    await expect(page.get_by_test_id("message").filter(has_text=text)).to_be_visible()


async def mark(page: Page) -> None:
    """Leave a mark that a reload would wipe away."""
    await page.evaluate("window.notReloaded = true")


async def is_marked(page: Page) -> bool:
    return bool(await page.evaluate("window.notReloaded === true"))
