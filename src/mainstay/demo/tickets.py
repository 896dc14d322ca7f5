"""The demonstration's incidents: what is reported, who works on it, what solved it."""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """An incident. ``impact`` and ``urgency`` are the documented codes."""

    summary: str
    team: str
    impact: int
    urgency: int
    tag: str
    text: str
    fix: str


DESK, NET, SYS, APP = "Service Desk", "Network", "Systems", "Business Applications"

CASES = tuple(Case(*row) for row in (
    ("Laptop does not start after the weekend", DESK, 5, 1, "laptop", "The screen stays black; the power light is on.", "Drained the battery and reseated the memory; starts again."),
    ("VPN drops every few minutes", NET, 5, 2, "vpn", "Since yesterday the VPN reconnects about every five minutes.", "Moved the client to the new gateway and raised the idle timer."),
    ("Printer on floor 2 prints blank pages", DESK, 4, 3, "printer", "Everything comes out white, the test page too.", "Replaced the drum and cleaned the corona wire."),
    ("Cannot open shared calendar", DESK, 5, 3, "mail", "Outlook says that I have no permission for the team calendar.", "Granted reviewer rights to the group."),
    ("ERP very slow at month end", APP, 3, 1, "erp", "Posting a journal takes more than a minute.", "Rebuilt the index on the journal table; posting takes two seconds."),
    ("Wi-Fi unreachable in meeting room Alster", NET, 4, 2, "wifi", "Nobody in the room gets a connection.", "The access point had lost its uplink; replaced the patch cable."),
    ("Password reset", DESK, 5, 2, "account", "I am locked out after my holidays.", "Identity checked by phone; password reset."),
    ("Barcode scanners lose connection", NET, 2, 1, "wifi", "Six scanners in hall B drop out at the same time.", "Two access points used the same channel; channel plan corrected."),
    ("New monitor flickers", DESK, 5, 3, "hardware", "It flickers when the laptop is on the dock.", "Replaced the display cable."),
    ("Backup of file server failed", SYS, 2, 2, "backup", "The nightly job ended with an error three times in a row.", "The snapshot volume was full; extended it and ran the job by hand."),
    ("Cannot send mail to outside addresses", SYS, 1, 1, "mail", "Mails come back with a delivery error since 9 o'clock.", "Renewed the expired certificate of the relay; queue is empty."),
    ("Phone headset crackles", DESK, 5, 3, "hardware", "Customers hear an echo.", "Updated the headset's firmware."),
    ("Access to the sales share", DESK, 5, 2, "account", "I moved to sales and need drive S.", "Added to the group after approval by the owner."),
    ("CRM shows an error when saving a contact", APP, 3, 2, "crm", "It says 'value too long' for the street.", "Widened the field with the vendor's patch."),
    ("Internet down in Rotterdam", NET, 2, 1, "wan", "The whole site has no internet; phones are dead too.", "Carrier fault; switched to the LTE line until repair."),
    ("Label printer prints the wrong size", DESK, 4, 2, "printer", "Labels are cut off on the right.", "Driver had fallen back to A6; fixed the default size."),
    ("Laptop is very slow", DESK, 5, 2, "laptop", "It takes ten minutes until I can work.", "Removed old start-up programs and doubled the memory."),
    ("Disk space low on build server", SYS, 4, 2, "server", "Builds fail with 'no space left on device'.", "Deleted old artifacts and set a retention of 30 days."),
    ("Payroll report is empty", APP, 3, 1, "erp", "The report for this month shows no lines.", "The period was not released; released it and ran the report."),
    ("Video calls freeze", NET, 5, 2, "network", "The picture stands still for seconds, sound goes on.", "Set the port to full duplex; it had negotiated half."),
    ("Two-factor code is not accepted", DESK, 5, 1, "account", "The code from the app is always wrong.", "The phone's clock was four minutes off; set to automatic."),
    ("Suspicious e-mail with attachment", SYS, 4, 1, "security", "It claims to come from our bank. I did not open it.", "Blocked the sender and removed the mail from 14 mailboxes."),
    ("Mouse and keyboard do not work on the dock", DESK, 5, 3, "hardware", "They work when plugged into the laptop.", "Updated the dock's firmware."),
    ("Warehouse terminal shows yesterday's orders", APP, 3, 2, "erp", "The list does not refresh.", "Restarted the interface; its queue had stopped."),
    ("DNS answers slowly", NET, 1, 2, "network", "Pages take long to open the first time.", "One resolver timed out; removed it from the pool."),
    ("Projector in the board room has no signal", DESK, 4, 1, "hardware", "Board meeting starts at two.", "Replaced the adapter."),
    ("File restored by mistake", SYS, 5, 2, "backup", "I need yesterday's version of the price list.", "Restored the file from the 18:00 snapshot."),
    ("Signature in Outlook has the old address", DESK, 3, 3, "mail", "All of sales still has the old office.", "Template changed; comes with the next log-in."),
    ("Camera app is missing on the new phone", DESK, 5, 3, "mobile", "I cannot scan documents.", "Released the app in the device profile."),
    ("Switch in rack 4 reports high temperature", NET, 2, 2, "network", "The NOC got three alarms in an hour.", "Fan replaced by the vendor."),
    ("Invoices are not exported", APP, 2, 1, "erp", "The nightly export did not run.", "The service account's password had expired; changed and documented."),
    ("Cannot log in to the portal", DESK, 5, 2, "account", "It says that my account is disabled.", "The account had an end date; extended by HR."),
    ("Excel crashes when opening a large file", DESK, 5, 3, "software", "It closes without a message.", "Installed the 64-bit version."),
    ("Badge reader at the north gate is offline", NET, 2, 2, "network", "People wait outside.", "Port was shut down after a loop; loop removed."),
    ("Database server restarts by itself", SYS, 1, 1, "server", "Twice this morning, without warning.", "Faulty memory module replaced; health check is clean."),
    ("Need a loan laptop for a trip", DESK, 5, 3, "laptop", "From Monday to Friday, with VPN.", "Loan laptop 07 handed out."),
    ("Scanner does not send to e-mail", DESK, 4, 3, "printer", "It says 'authentication failed'.", "Entered the new mail account."),
    ("Sales dashboard shows wrong totals", APP, 3, 2, "reporting", "March is counted twice.", "Corrected the join in the view."),
    ("Slow downloads in Leeds", NET, 2, 3, "wan", "Downloads run at one megabit.", "Provider had throttled the line by mistake."),
    ("Antivirus warning on a notebook", SYS, 5, 1, "security", "A window says that a threat was found.", "False alarm; file checked and released."),
    ("Screen stays dark after an update", DESK, 5, 1, "laptop", "I hear the start-up sound but see nothing.", "Rolled back the graphics driver."),
    ("Time stamps are wrong in the warehouse system", APP, 3, 3, "erp", "All bookings are one hour late.", "Corrected the time zone of the interface."),
    ("Shared mailbox is missing", DESK, 4, 2, "mail", "The orders mailbox is gone from Outlook.", "Mapped it again; licence had been removed."),
    ("Headquarters: phones without dial tone", NET, 2, 1, "voice", "None of the desk phones works on floor 3.", "Restarted the voice VLAN's gateway."),
    ("Storage latency above threshold", SYS, 2, 2, "server", "The array reports 40 ms on volume 2.", "Moved two heavy machines to volume 3."),
    ("New colleague starts on Monday", DESK, 5, 2, "account", "Please prepare account, laptop and phone.", "All prepared; hand-over on Monday at nine."),
    ("Order confirmation has the wrong logo", APP, 4, 3, "erp", "It shows the logo from last year.", "Template replaced."),
    ("Tablet cannot join the network", NET, 5, 2, "wifi", "It asks for a certificate.", "Certificate issued through device management."),
    ("Virtual desktop is disconnected", SYS, 5, 2, "server", "Every time after lunch.", "Idle policy adjusted for the group."),
    ("Keyboard with the wrong layout", DESK, 5, 3, "hardware", "I got a US layout and need a German one.", "Exchanged."),
    ("Customer portal answers with error 502", APP, 1, 1, "portal", "Customers call us; nobody can log in.", "Restarted the application pool after a memory leak."),
    ("Firewall blocks the new courier service", NET, 3, 2, "firewall", "Labels cannot be fetched.", "Rule added after review."),
    ("Printer driver asks for administrator rights", DESK, 5, 3, "printer", "I cannot add the printer.", "Driver distributed by policy."),
    ("Certificate of the intranet expires soon", SYS, 3, 3, "security", "The browser shows a warning from Friday on.", "Certificate renewed."),
    ("Meeting room panel shows wrong bookings", DESK, 4, 3, "hardware", "It shows the bookings of another room.", "Linked to the right calendar."),
    ("Stock figures differ from the shelf", APP, 3, 2, "erp", "Article 4711 shows 20, there are 12.", "A return had been booked twice; corrected."),
    ("Fibre link between halls flaps", NET, 2, 1, "network", "The link goes down for seconds, ten times an hour.", "Transceiver replaced."),
    ("Laptop battery swollen", DESK, 5, 1, "laptop", "The touchpad is being pushed up.", "Device taken out of use and replaced."),
    ("Mailbox is full", DESK, 5, 2, "mail", "I cannot send any more.", "Archive switched on."),
    ("Restore test of the ERP database", SYS, 4, 3, "backup", "Planned test of the quarter: please confirm the result.", "Restored in 41 minutes; result filed."),
))  # fmt: skip  # noqa: E501

ANSWERS = (
    "Thank you for the report. I am looking at it and will call you within the hour.",
    "I can see it in the logs. Could you tell me since when it happens?",
    "Thanks. I have taken this over and will keep you posted here.",
    "I tried it with your account and got the same result; on it.",
)
REPLIES = (
    "It started this morning, right after the update.",
    "Colleagues next to me have the same.",
    "Yes, you can connect to my computer any time before four.",
    "Still the same after a restart.",
)
NOTES = (
    "Checked the event log: three errors within ten minutes before the call.",
    "Same symptom as last month; the fix is in the knowledge base.",
    "Waiting for the vendor's answer, case number 48-1172.",
    "Tested with a spare device: the fault is not the user's computer.",
)
WAITS = (
    "Please tell us when we may have the device for an hour.",
    "The part is ordered; the vendor delivers within two days.",
    "Waiting for your approval to restart the server after hours.",
)
THANKS = ("Works again, thank you!", "Perfect, thanks for the quick help.", "Thanks, that did it.")
LOG = "2024-05-14 09:12:01 link down on ge-0/0/12\n2024-05-14 09:12:07 link up on ge-0/0/12\n"
