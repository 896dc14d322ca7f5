"""The page of an item: what it is made of, what sources say otherwise, what fails with it, and what it was before."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.installation import Installation
from tests.browser.windows import Windows

ITEMS = "/ux/common/cmdb/profile/"
RELATIONS = "/ux/common/cmdb/relation/"
GIB = 2**30


async def make(installation: Installation, name: str, **values: object) -> str:
    made = await installation.call("POST", ITEMS, {"name": name, "category": "Server", **values})
    return str(made["id"])


async def test_what_an_item_is_made_of_and_what_a_source_says_otherwise(
    windows: Windows, installation: Installation
) -> None:
    item = await make(installation, "files-1", serial_number="FILES-1", os_version="11")
    storage = [{"key": "/", "name": "/", "kind": "filesystem", "total": 100 * GIB, "used": 85 * GIB}]
    software = [{"key": f"tool-{n}", "name": f"tool-{n}", "version": f"1.{n}"} for n in range(40)]
    await installation.call(
        "POST", f"{ITEMS}save-inventory/", {"ci_id": item, "storage": storage, "software": software}
    )
    said = [{"ref": "1", "attributes": {"serial_number": "FILES-1", "os_version": "12"}}]
    await installation.call("POST", f"{ITEMS}reconcile/", {"source": "csv", "items": said})
    page = await windows.open(await installation.person(role="Infraon Admin"), f"/ci/{item}")
    # Decided on the page, and the page shows it.
    conflicts = page.get_by_test_id("conflicts")
    await expect(conflicts).to_contain_text("12 (csv")
    await conflicts.get_by_role("button", name="from csv").click()
    await expect(conflicts).to_have_count(0)
    assert (await installation.call("GET", f"{ITEMS}{item}/"))["os_version"] == "12"
    await page.get_by_role("tab", name="Storage (1)").click()
    await expect(page.get_by_test_id("storage")).to_contain_text("85% · 85 GB")
    await page.get_by_role("tab", name="Software (40)").click()
    await page.get_by_role("searchbox", name="Search here").fill("tool-39")
    await expect(page.get_by_role("cell", name="1.39")).to_be_visible()
    await expect(page.get_by_role("cell", name="1.1", exact=True)).to_have_count(0)
    # What it was before, by a click in its history.
    await page.get_by_role("tab", name="History").click()
    await page.get_by_role("button", name="Bring back Version").click()
    await expect(page.get_by_text("Version is as it was before.")).to_be_visible()
    assert (await installation.call("GET", f"{ITEMS}{item}/"))["os_version"] == "11"


async def test_what_fails_with_an_item_and_what_changed_around_it(windows: Windows, installation: Installation) -> None:
    rack, shop, mail = [await make(installation, name) for name in ("rack-x", "shop-x", "mail-x")]
    spare = await make(installation, "spare-x")
    types = await installation.call("GET", "/ux/common/cmdb/relation-type/?search=Depends")
    kind = next(one["id"] for one in types["results"] if one["name"] == "Depends on")
    for source, target in ((shop, rack), (mail, rack), (mail, spare)):
        await installation.call("POST", RELATIONS, {"source": source, "target": target, "type": kind})
    page = await windows.open(await installation.person(role="Infraon Admin"), f"/ci/{rack}?tab=relations")
    await page.get_by_role("button", name="What fails with it").click()
    await page.get_by_role("button", name="What if it fails?").click()
    await expect(page.get_by_test_id("what-if").get_by_role("link", name="shop-x")).to_be_visible()
    await page.get_by_role("combobox", name="Since").click()
    await page.get_by_role("option", name="a day ago").click()
    await expect(page.get_by_test_id("compared").get_by_role("row").filter(has_text="New relation")).to_have_count(3)
    await expect(page.get_by_test_id("compared")).to_contain_text("Depends on")
