"""Every text of the console can be read: WCAG AA contrast, measured on the pages as they are shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from mainstay.kernel.access.bootstrap import ADMIN_ROLE
from tests.browser.installation import Installation
from tests.browser.windows import Windows, say

MEASURE = (Path(__file__).parent / "contrast.js").read_text()


STILL = """Promise.all(document.getAnimations()
  .filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
  .map((one) => one.finished.catch(() => null))).then(() => null)"""
"""Until nothing appears or fades away any more; what turns for ever may."""


async def readable(page: Page) -> None:
    await page.evaluate(STILL)
    found: dict[str, Any] = await page.evaluate(MEASURE)
    assert found["measured"] > 10, f"{page.url}: nothing to measure"
    assert not found["poor"], f"{page.url}: " + "; ".join(found["poor"])


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_can_be_read(windows: Windows, installation: Installation, scheme: Any) -> None:
    ticket = await installation.ticket("Contrast of everything", urgency="High", impact="Business")
    await installation.call(
        "POST", "/ux/sd/inci/conversation/",
        {"incident_id": ticket, "message": "<p>See <a href='https://example.com'>this</a>.</p>", "is_public": False},
    )  # fmt: skip
    page = await windows.open(await installation.person(ADMIN_ROLE), f"/incident/{ticket}", color_scheme=scheme)
    await say(page, "A reply.")
    await readable(page)
    for tab in ("Details", "Activity"):
        await page.get_by_role("tab", name=tab).click()
        await expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        await expect(page.get_by_role("progressbar")).to_have_count(0)
        await readable(page)
    for path, ready in (
        ("/", page.get_by_role("heading", name="Unassigned")),
        ("/incident", page.get_by_role("link", name="Contrast of everything").first),
        ("/incident/create", page.get_by_role("textbox", name="Description")),
        ("/event", page.get_by_role("heading", name="Events")),
        ("/me", page.get_by_text("This one")),
        ("/admin/roles", page.get_by_role("heading", name="Roles and privileges")),
        ("/admin/settings", page.get_by_role("heading", name="Settings")),
        ("/team/create", page.get_by_role("button", name="Add a level")),
    ):
        await page.goto(path)
        await expect(ready).to_be_visible()
        await readable(page)
