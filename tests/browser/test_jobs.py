"""The list of jobs: discoveries and polled devices, run, paused and resumed."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.installation import Installation
from tests.browser.windows import Windows


async def test_jobs_are_seen_paused_and_resumed(windows: Windows, installation: Installation) -> None:
    made = await installation.call("POST", "/ux/ims/discovery/profile/", {"label": "Night round", "host": "127.0.0.9"})
    page = await windows.open(await installation.person(role="Infraon Admin"), "/monitoring/jobs")
    row = page.get_by_test_id("jobs").get_by_role("row").filter(has_text="Night round")
    await expect(row).to_contain_text("127.0.0.9")
    await row.get_by_role("button", name="Pause").click()
    await expect(row).to_contain_text("Paused")
    assert not (await installation.call("GET", f"/ux/ims/discovery/profile/{made['id']}/"))["is_enabled"]
    await page.get_by_role("button", name="Polling", exact=True).click()
    await expect(row).to_have_count(0)
    await page.get_by_role("button", name="All", exact=True).click()
    await row.get_by_role("button", name="Resume").click()
    await row.get_by_role("button", name="Run").click()
    await expect(row).to_contain_text("Done", timeout=40_000)
