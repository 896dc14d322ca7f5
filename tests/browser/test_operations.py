"""An operator's pages: live events, log search, pipelines and MIBs."""

from __future__ import annotations

import re
import socket
from contextlib import suppress

from playwright.async_api import TimeoutError as PlaywrightTimeout
from playwright.async_api import expect

from tests.browser.installation import Installation
from tests.browser.windows import Windows, is_live, is_marked, mark
from tests.monitoring.netsnmp import free_port
from tests.monitoring.scripted import honest, serving, system

EVENTS = "/ux/common/events/events/events_nbi/"
PIPELINES = "/ux/log_pipeline/log_pipeline_configuration/"


def _event(message: str, resource: str, severity: str = "Minor") -> dict[str, object]:
    return {"events": [{"host": "core-1", "address": "192.0.2.1", "severity": severity, "resource": resource,
                        "event_class": "Interface | Down", "message": message}]}  # fmt: skip


def _send(port: int, text: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(f"<11>1 - core-1 sshd 42 - - {text}".encode(), ("127.0.0.1", port))


async def test_events_come_in_by_themselves_and_are_dealt_with_from_the_keyboard(
    windows: Windows, installation: Installation
) -> None:
    page = await windows.open(await installation.person(role="Infraon Admin"), "/event")
    await expect(page.get_by_role("heading", name="Events")).to_be_visible()
    await is_live(page)
    await mark(page)
    await installation.call("POST", EVENTS, _event("Link Te1/1 of core-1 is down", "Te1/1"))
    row = page.get_by_role("row").filter(has_text="Link Te1/1 of core-1 is down")
    await expect(row).to_be_visible()
    assert await is_marked(page), "the page was loaded again"

    await page.keyboard.press("j")
    await page.keyboard.press("a")
    await expect(row).to_contain_text("acked")

    await page.keyboard.press("x")
    await page.get_by_test_id("event-actions").get_by_role("button", name="Open a ticket").click()
    link = row.get_by_role("link", name=re.compile(r"^INC-\d+$"))
    await expect(link).to_be_visible()
    await link.click()
    await expect(page.get_by_role("heading", name="Link Te1/1 of core-1 is down")).to_be_visible()
    await page.get_by_role("tab", name="Events").click()
    await expect(page.get_by_test_id("ticket-events")).to_contain_text("Link Te1/1 of core-1 is down")


async def test_a_line_sent_by_udp_appears_and_is_found(windows: Windows, installation: Installation) -> None:
    page = await windows.open(await installation.person(role="Infraon Admin"), "/logs/search?live=1")
    await expect(page.get_by_test_id("live-toggle")).to_be_visible()
    # The first line opens tables and indexes; what is measured is how it is afterwards.
    warm = page.get_by_test_id("log-lines").get_by_text("warming up the zebra").first
    for _ in range(20):
        _send(installation.syslog_port, "warming up the zebra")
        with suppress(PlaywrightTimeout):
            await warm.wait_for(timeout=1000)
            break
    await expect(warm).to_be_visible()
    _send(installation.syslog_port, "the giraffe cannot log in")
    await expect(page.get_by_test_id("log-lines").get_by_text("the giraffe cannot log in")).to_be_visible()

    await page.goto("/logs/search?q=giraffe")
    await expect(page.get_by_test_id("log-lines").get_by_text("the giraffe cannot log in")).to_be_visible()
    await expect(page.get_by_test_id("log-lines").get_by_text("zebra")).to_have_count(0)
    await page.goto("/logs/intake")
    await expect(page.get_by_test_id("intake-status")).to_contain_text("Receiving")
    await expect(page.get_by_test_id("senders")).to_contain_text("127.0.0.1")


async def test_a_pipeline_is_previewed_saved_and_put_in_force(windows: Windows, installation: Installation) -> None:
    page = await windows.open(await installation.person(role="Infraon Admin"), "/log_pipeline/create")
    await page.get_by_label("Name").fill("Orders")
    await page.get_by_role("button", name="Add a stage").click()
    await page.get_by_role("menuitem", name=re.compile("^grok ")).click()
    await page.get_by_label("Patterns *").fill("order %{INT:order} of %{WORD:who}")
    await page.get_by_role("button", name="Pasted lines").click()
    await page.get_by_label("Lines, one a line").fill("order 4711 of ann\nnothing to see")
    await page.get_by_test_id("run-preview").click()
    await expect(page.get_by_test_id("preview-summary")).to_contain_text("2 lines")
    lines = page.get_by_test_id("preview-line")
    await expect(lines.nth(0)).to_contain_text("4711")
    await expect(lines.nth(1)).to_contain_text("_grokfailure")

    windows.refused.append("/preview/")
    # An expression that cannot be used is refused with the reason, before anything is saved.
    await page.get_by_label("Patterns *").fill("%{NO_SUCH_PATTERN:x}")
    await page.get_by_test_id("run-preview").click()
    await expect(page.get_by_test_id("preview-error")).to_contain_text("NO_SUCH_PATTERN")

    await page.get_by_label("Patterns *").fill("order %{INT:order} of %{WORD:who}")
    await page.get_by_role("button", name="Create", exact=True).last.click()
    await expect(page.get_by_test_id("pipeline-state")).to_have_text("Draft")
    await page.get_by_role("button", name="Put in force").click()
    await expect(page.get_by_test_id("pipeline-state")).to_have_text("Running")
    listed = await installation.call("GET", f"{PIPELINES}get_pipeline_list/")
    assert [(item["name"], item["in_force"]) for item in listed["results"]] == [("Orders", 1)]


async def test_what_is_wrong_with_a_mib_is_shown(windows: Windows, installation: Installation) -> None:
    page = await windows.open(await installation.person(role="Infraon Admin"), "/mibs")
    await page.get_by_role("button", name="Upload MIBs").click()
    windows.refused.append("/mib-explorer/")
    await page.get_by_test_id("file-input").set_input_files(
        {"name": "broken.mib", "mimeType": "text/plain", "buffer": b"this is a shopping list, not a MIB"}
    )
    problems = page.get_by_test_id("mib-problems")
    await expect(problems).to_contain_text("broken.mib")

    good = b"""ACME-BROWSER-MIB DEFINITIONS ::= BEGIN
IMPORTS enterprises, MODULE-IDENTITY, OBJECT-TYPE, Integer32 FROM SNMPv2-SMI;
acme MODULE-IDENTITY LAST-UPDATED "202601010000Z" ORGANIZATION "ACME" CONTACT-INFO "x" DESCRIPTION "x"
  ::= { enterprises 55555 }
acmeTemperature OBJECT-TYPE SYNTAX Integer32 MAX-ACCESS read-only STATUS current
  DESCRIPTION "Of the boiler." ::= { acme 1 }
END
"""
    await page.get_by_test_id("file-input").set_input_files(
        {"name": "acme.mib", "mimeType": "text/plain", "buffer": good}
    )
    await expect(page.get_by_test_id("mib-loaded")).to_contain_text("ACME-BROWSER-MIB")
    await page.keyboard.press("Escape")
    await page.get_by_label("Search objects").fill("acmeTemp")
    await page.get_by_role("button", name=re.compile("^acmeTemperature")).click()
    await expect(page.get_by_test_id("mib-object")).to_contain_text("Of the boiler.")


async def test_a_credential_is_tried_before_it_is_added(windows: Windows, installation: Installation) -> None:
    page = await windows.open(await installation.person(role="Infraon Admin"), "/credential/create")
    port = free_port()
    await page.get_by_label("Name", exact=False).first.fill("Edge routers")
    await page.get_by_label("Port").fill(str(port))
    await page.get_by_label("Community", exact=True).fill("public")
    await page.get_by_label("Address of a device").fill("127.0.0.97")
    async with serving("127.0.0.97", port, honest(system("edge"))):
        await page.get_by_role("button", name="Ask the device").click()
        await expect(page.get_by_test_id("credential-answer")).to_contain_text("edge answered")
    await page.get_by_role("combobox", name="Kind").click()
    await page.get_by_role("option", name="SNMP v3").click()
    await expect(page.get_by_label("Community", exact=True)).to_have_count(0)
    await expect(page.get_by_label("Privacy password")).to_be_visible()
    await page.get_by_role("combobox", name="Kind").click()
    await page.get_by_role("option", name="SNMP v2c").click()
    await page.get_by_role("button", name="Create", exact=True).last.click()
    await expect(page.get_by_role("heading", name="Edge routers")).to_be_visible()
    await expect(page.get_by_text("Kept as it is unless you type a new one")).to_have_count(1)


async def test_a_discovery_is_set_up_run_and_watched(windows: Windows, installation: Installation) -> None:
    port = free_port()
    await installation.call("POST", "/api/credentials/", {
        "name": "Closet", "kind": "snmp_v2c", "community": "public", "port": port, "scope": "127.0.0.98", "timeout": 1,
    })  # fmt: skip
    page = await windows.open(await installation.person(role="Infraon Admin"), "/discovery/create")
    await page.get_by_label("Name", exact=False).first.fill("Wiring closet")
    async with serving("127.0.0.98", port, honest(system("closet-sw1"))):
        await page.get_by_label("Addresses", exact=False).first.fill("127.0.0.98")
        await page.get_by_role("button", name="Create and run").click()
        await expect(page.get_by_role("heading", name="Wiring closet")).to_be_visible()
        await page.get_by_role("link", name="closet-sw1").click()
    await expect(page.get_by_test_id("ci-name")).to_have_text("closet-sw1")
