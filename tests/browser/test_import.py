"""The import wizard."""

from __future__ import annotations

import re

from playwright.async_api import FilePayload, expect

from tests.browser.installation import Installation
from tests.browser.windows import Windows, is_live, pick

# Notes every value that the progress bar takes, from before there is one.
WATCH = """
window.progress = [];
const note = () => {
    const bar = document.querySelector('[data-testid=task] [role=progressbar]');
    const at = bar?.getAttribute('aria-valuenow') ?? null;
    if (at !== null && at !== window.progress.at(-1)) window.progress.push(at);
};
new MutationObserver(note).observe(document.body, {subtree: true, childList: true, attributes: true});
"""


def people(*rows: str) -> FilePayload:
    text = "\n".join(("Full name,Email,Phone", *rows)) + "\n"
    return {"name": "people.csv", "mimeType": "text/csv", "buffer": text.encode()}


async def test_a_thousand_people_are_imported_with_progress(windows: Windows, installation: Installation) -> None:
    page = await windows.open(await installation.person("IT Manager"), "/requester/import")
    await is_live(page)
    await page.evaluate(WATCH)
    wizard = page.get_by_test_id("import-wizard")
    rows = (f"Imported {number:04},imported{number}@example.com,+49 40 {number:06}" for number in range(1000))
    await page.get_by_test_id("file-input").set_input_files(people(*rows))
    await expect(wizard).to_have_attribute("data-step", "map")
    await expect(page.get_by_text("1,000 rows in people.csv")).to_be_visible()
    # Two columns go where their headers say; where the third goes is told by hand.
    for header, field in (("Full name", "Name"), ("Email", "E-mail"), ("Phone", "Leave out")):
        select = page.get_by_role("combobox", name=f"Field: {header}")
        await expect(select).to_have_text(re.compile(rf"^{field}"))
    await pick(page, "Field: Phone", "Mobile")
    await page.get_by_role("button", name="Check the rows").click()
    await expect(page.get_by_test_id("valid-rows")).to_have_text("1,000 rows are ready to import.")
    await page.get_by_role("button", name="Import 1,000 rows").click()

    task = page.get_by_test_id("task")
    await expect(wizard).to_have_attribute("data-step", "run")
    await expect(task.get_by_role("progressbar")).to_be_visible()
    # The job goes on without the window: what comes back to its address finds it again.
    await expect(page).to_have_url(re.compile(r"[?&]task="))
    await expect(task).to_have_attribute("data-status", "succeeded", timeout=120_000)
    await expect(task.get_by_role("status")).to_have_text("1,000 of 1,000 rows · 1,000 created")
    seen = [int(value) for value in await page.evaluate("window.progress")]
    assert seen == sorted(seen), f"progress went back: {seen}"
    assert seen[0] < 100 == seen[-1], f"no progress was shown: {seen}"
    await page.reload()
    await expect(task).to_have_attribute("data-status", "succeeded")

    await page.get_by_role("link", name="Show requesters").click()
    await page.get_by_label("Search in Requesters").fill("Imported 0999")
    await expect(page.get_by_role("link", name="Imported 0999")).to_be_visible()


async def test_rows_that_cannot_be_imported_are_named_before_anything_is_stored(
    windows: Windows, installation: Installation
) -> None:
    page = await windows.open(await installation.person("IT Manager"), "/requester/import")
    await page.get_by_test_id("file-input").set_input_files(
        people("Wanda Well,wanda@example.com,", "Ivo Invalid,not an address,")
    )
    await page.get_by_role("button", name="Check the rows").click()
    await expect(page.get_by_test_id("valid-rows")).to_have_text("1 rows are ready to import.")
    await expect(page.get_by_test_id("invalid-rows")).to_be_visible()
    await expect(page.get_by_test_id("row-errors")).to_contain_text("not an address")
    await page.get_by_role("button", name="Import 1 rows").click()
    await expect(page.get_by_test_id("task")).to_have_attribute("data-status", "succeeded")
    await page.get_by_role("link", name="Show requesters").click()
    await page.get_by_label("Search in Requesters").fill("wanda")
    await expect(page.get_by_role("link", name="Wanda Well")).to_be_visible()
