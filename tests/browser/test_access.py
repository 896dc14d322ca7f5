"""What a role does not grant is not shown, and not served."""

from __future__ import annotations

from playwright.async_api import expect

from mainstay.kernel.access.bootstrap import ADMIN_ROLE
from tests.browser.installation import Installation
from tests.browser.windows import Windows, pick


async def test_a_role_without_incidents_does_not_see_them(windows: Windows, installation: Installation) -> None:
    ticket = await installation.ticket("Not for everybody's eyes")
    role = await installation.role({"User Management": {"department": {"view": True}}})
    page = await windows.open(await installation.person(role))
    navigation = page.get_by_role("navigation", name="Navigation")
    await expect(navigation.get_by_role("link", name="Departments")).to_be_visible()
    await expect(navigation.get_by_role("link", name="Incidents")).to_have_count(0)

    for path in ("/incident", f"/incident/{ticket}", "/incident/create"):
        await page.goto(path)
        await expect(page.get_by_test_id("forbidden")).to_be_visible()
        await expect(page.get_by_text("Not for everybody's eyes")).to_have_count(0)
    await page.goto("/no/such/page")
    await expect(page.get_by_test_id("not-found")).to_be_visible()
    # The console hides what the server refuses anyway.
    assert (await page.request.get(f"/ux/sd/inci/incident/{ticket}/")).status == 403
    assert (await page.request.get("/ux/sd/inci/incident/")).status == 403


async def test_who_may_only_look_is_offered_nothing_to_change(windows: Windows, installation: Installation) -> None:
    ticket = await installation.ticket("Only to look at")
    role = await installation.role({"Service Desk": {"incident": {"view": True}}})
    page = await windows.open(await installation.person(role), f"/incident/{ticket}")
    await expect(page.get_by_role("heading", name="Only to look at")).to_be_visible()
    await expect(page.get_by_test_id("transition")).to_have_count(0)
    await expect(page.get_by_test_id("composer")).to_have_count(0)
    await expect(page.get_by_role("button", name="Edit summary")).to_have_count(0)
    await expect(page.get_by_label("Due")).to_be_disabled()
    await page.goto("/incident/create")
    await expect(page.get_by_test_id("forbidden")).to_be_visible()


async def test_how_fields_behave_is_configured_without_writing_json(
    windows: Windows, installation: Installation
) -> None:
    page = await windows.open(await installation.person(ADMIN_ROLE), "/field_config/create")
    await pick(page, "Module", "Vendor")
    await pick(page, "Status", "Inactive")
    behaviours = page.get_by_test_id("behaviours")
    for name, behaviour in (("Website", "Hidden"), ("Phone", "Read-only")):
        await behaviours.get_by_role("button", name="Add a field").click()
        await behaviours.get_by_role("combobox", name="Field").last.click()
        await page.get_by_role("option", name=name, exact=True).click()
        await behaviours.get_by_role("combobox", name="Behaviour").last.click()
        await page.get_by_role("option", name=behaviour, exact=True).click()
    await page.get_by_role("button", name="Create", exact=True).last.click()
    await expect(page.get_by_text("Field configuration created.")).to_be_visible()
    (made,) = (await installation.call("GET", "/ux/common/fieldconfig/field-config/"))["results"]
    assert (made["module"], made["status"]) == ("vendor", "Inactive")
    assert sorted(made["field_config"].values()) == ["hidden", "read_only"]
    await installation.call("DELETE", f"/ux/common/fieldconfig/field-config/{made['field_config_id']}/")
