"""What Northwind IT runs: sites, network, servers, what runs on them, and who has which laptop."""

from __future__ import annotations

from typing import Any

from mainstay.demo.story import Story
from mainstay.kernel import options, writing
from mainstay.modules.assets.cmdb.facts import Facts
from mainstay.modules.assets.cmdb.reconcile import reconcile
from mainstay.modules.assets.relations import service

HQ, DC, ROTTERDAM, LYON, LEEDS = (
    "Northwind Headquarters", "HQ Data Centre", "Rotterdam Warehouse", "Lyon Office", "Leeds Office",
)  # fmt: skip
# name, category, place, manufacturer, model, system, version, address, criticality
DEVICES: tuple[tuple[str, str, str, str, str, str, str, str, int], ...] = (
    ("ham-fw-01", "Firewall", DC, "Fortinet", "FortiGate 200F", "FortiOS", "7.4.4", "10.10.0.1", 1),
    ("ham-fw-02", "Firewall", DC, "Fortinet", "FortiGate 200F", "FortiOS", "7.4.4", "10.10.0.2", 1),
    ("ham-core-01", "Switch", DC, "Cisco", "Catalyst 9500-24Y4C", "IOS XE", "17.09.04a", "10.10.0.11", 1),
    ("ham-core-02", "Switch", DC, "Cisco", "Catalyst 9500-24Y4C", "IOS XE", "17.09.04a", "10.10.0.12", 1),
    ("ham-acc-01", "Switch", HQ, "Cisco", "Catalyst 9300-48P", "IOS XE", "17.09.04a", "10.10.0.21", 2),
    ("ham-acc-02", "Switch", HQ, "Cisco", "Catalyst 9300-48P", "IOS XE", "17.06.05", "10.10.0.22", 2),
    ("ham-wlc-01", "Wireless Controller", DC, "Cisco", "Catalyst 9800-L", "IOS XE", "17.09.04a", "10.10.0.31", 2),
    ("ham-ap-01", "Access Point", HQ, "Cisco", "Catalyst 9120AXI", "AP OS", "17.9.4", "10.10.1.41", 3),
    ("ham-ap-02", "Access Point", HQ, "Cisco", "Catalyst 9120AXI", "AP OS", "17.9.4", "10.10.1.42", 3),
    ("ham-ups-01", "UPS", DC, "APC", "Smart-UPS SRT 5000", "NMC", "2.5.1", "10.10.0.61", 2),
    ("rtm-rt-01", "Router", ROTTERDAM, "Juniper", "SRX345", "Junos", "22.4R3", "10.20.0.1", 2),
    ("rtm-acc-01", "Switch", ROTTERDAM, "Aruba", "CX 6200F 48G", "AOS-CX", "10.13.1000", "10.20.0.21", 2),
    ("rtm-ap-01", "Access Point", ROTTERDAM, "Aruba", "AP-505", "ArubaOS", "8.11.2", "10.20.1.41", 3),
    ("lys-rt-01", "Router", LYON, "MikroTik", "CCR2004", "RouterOS", "7.14.3", "10.30.0.1", 3),
    ("lds-rt-01", "Router", LEEDS, "MikroTik", "CCR2004", "RouterOS", "7.14.3", "10.40.0.1", 3),
    ("ham-esx-01", "Hypervisor", DC, "Dell", "PowerEdge R750", "VMware ESXi", "8.0 U2", "10.10.2.11", 1),
    ("ham-esx-02", "Hypervisor", DC, "Dell", "PowerEdge R750", "VMware ESXi", "8.0 U2", "10.10.2.12", 1),
    ("ham-san-01", "Storage System", DC, "NetApp", "AFF A250", "ONTAP", "9.13.1", "10.10.2.31", 1),
    ("ham-bak-01", "Server", DC, "HPE", "ProLiant DL380 Gen10", "Debian GNU/Linux", "12", "10.10.2.41", 2),
    ("ham-prn-01", "Printer", HQ, "HP", "LaserJet M612", "FutureSmart", "5.6", "10.10.3.51", 4),
    ("rtm-prn-01", "Printer", ROTTERDAM, "Zebra", "ZT411", "Link-OS", "6.8", "10.20.3.51", 3),
    ("erp-db-01", "Virtual Machine", DC, "VMware", "VM", "Ubuntu", "22.04", "10.10.4.11", 1),
    ("erp-app-01", "Virtual Machine", DC, "VMware", "VM", "Ubuntu", "22.04", "10.10.4.12", 1),
    ("erp-app-02", "Virtual Machine", DC, "VMware", "VM", "Ubuntu", "22.04", "10.10.4.13", 1),
    ("crm-01", "Virtual Machine", DC, "VMware", "VM", "Windows Server", "2022", "10.10.4.21", 2),
    ("ad-01", "Virtual Machine", DC, "VMware", "VM", "Windows Server", "2022", "10.10.4.31", 1),
    ("ad-02", "Virtual Machine", DC, "VMware", "VM", "Windows Server", "2022", "10.10.4.32", 1),
    ("wms-01", "Virtual Machine", DC, "VMware", "VM", "Ubuntu", "20.04", "10.10.4.41", 2),
)
# name, category, criticality, description
OTHERS = (
    ("Enterprise planning", "Service", 1, "Orders, finance and purchasing for everybody"),
    ("Warehouse management", "Service", 1, "Goods in and out in Rotterdam"),
    ("Log-in", "Service", 1, "Accounts and single sign-on"),
    ("ERP", "Application", 1, "The planning system, version 14"),
    ("ERP database", "Database", 1, "PostgreSQL 15"),
    ("Warehouse app", "Application", 2, "Web application for the handhelds"),
    ("MPLS Hamburg-Rotterdam", "WAN Circuit", 2, "100 Mbit/s, carrier line"),
)
# source, type, targets
RELATIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("ham-core-01", "Uplink to", ("ham-fw-01", "ham-fw-02")),
    ("ham-core-02", "Uplink to", ("ham-fw-01", "ham-fw-02")),
    ("ham-acc-01", "Uplink to", ("ham-core-01", "ham-core-02")),
    ("ham-acc-02", "Uplink to", ("ham-core-01",)),
    ("ham-wlc-01", "Attached to", ("ham-core-01", "ham-core-02")),
    ("ham-wlc-01", "Manages", ("ham-ap-01", "ham-ap-02")),
    ("ham-ap-01", "Attached to", ("ham-acc-01",)),
    ("ham-ap-02", "Attached to", ("ham-acc-02",)),
    ("ham-prn-01", "Attached to", ("ham-acc-02",)),
    ("ham-esx-01", "Attached to", ("ham-core-01", "ham-core-02")),
    ("ham-esx-02", "Attached to", ("ham-core-01", "ham-core-02")),
    ("ham-san-01", "Attached to", ("ham-core-01", "ham-core-02")),
    ("ham-core-01", "Powered by", ("ham-ups-01",)),
    ("ham-core-02", "Powered by", ("ham-ups-01",)),
    ("ham-bak-01", "Attached to", ("ham-core-02",)),
    ("rtm-rt-01", "Depends on", ("MPLS Hamburg-Rotterdam",)),
    ("MPLS Hamburg-Rotterdam", "Attached to", ("ham-fw-01", "ham-fw-02")),
    ("rtm-acc-01", "Uplink to", ("rtm-rt-01",)),
    ("rtm-ap-01", "Attached to", ("rtm-acc-01",)),
    ("rtm-prn-01", "Attached to", ("rtm-acc-01",)),
    *((vm, "Hosted on", ("ham-esx-01", "ham-esx-02")) for vm in ("erp-app-01", "erp-app-02", "crm-01", "wms-01")),
    ("erp-db-01", "Hosted on", ("ham-esx-01",)),
    ("ad-01", "Hosted on", ("ham-esx-01",)),
    ("ad-02", "Hosted on", ("ham-esx-02",)),
    ("erp-db-01", "Stores data on", ("ham-san-01",)),
    ("erp-db-01", "Backed up by", ("ham-bak-01",)),
    ("ERP database", "Runs on", ("erp-db-01",)),
    ("ERP", "Runs on", ("erp-app-01", "erp-app-02")),
    ("ERP", "Consumes", ("ERP database",)),
    ("Enterprise planning", "Depends on", ("ERP",)),
    ("Warehouse app", "Runs on", ("wms-01",)),
    ("Warehouse app", "Consumes", ("ERP database",)),
    ("Warehouse management", "Depends on", ("Warehouse app",)),
    ("Log-in", "Depends on", ("ad-01", "ad-02")),
)
LAPTOPS = (
    ("noah.brandt", "Lenovo", "ThinkPad T14 Gen 4"), ("emma.lindqvist", "Lenovo", "ThinkPad T14 Gen 4"),
    ("liam.okafor", "Apple", "MacBook Pro 14 M3"), ("jonas.weber", "Lenovo", "ThinkPad P1 Gen 6"),
    ("olivia.hart", "Dell", "Latitude 7440"), ("ava.castillo", "Dell", "Latitude 7440"),
)  # fmt: skip


async def make(story: Story) -> None:
    """The estate, as discovery, the agent and the people of IT brought it in."""
    start = story.now.replace(hour=6, minute=0)
    ctx = story.at(start)
    await options.put(ctx, {"cmdb.rule.location": True, "cmdb.rule.department": True, "cmdb.rule.user": True})
    found = await reconcile(ctx, "discovery", [_device(number, row) for number, row in enumerate(DEVICES)])
    found += await reconcile(ctx, "agent", [_laptop(number, row) for number, row in enumerate(LAPTOPS)])
    ids = {one.name: one.ci_id for one in found}
    by_hand = [
        {"name": name, "category": category, "criticality": criticality, "description": text, "owner": "olivia.hart"}
        for name, category, criticality, text in OTHERS
    ]
    for row in await writing.create_many(ctx, ctx.platform.registry.resources["ci"], by_hand):
        ids[row["name"]] = row["id"]
    links = [service.Link(ids[a], kind, ids[b]) for a, kind, targets in RELATIONS for b in targets]
    await service.connect(ctx, links, "manual")
    network = {"name": "Network devices", "description": "Routers, switches, firewalls and Wi-Fi",
               "filter": [{"field": "manufacturer", "condition": "in", "value": ["Cisco", "Fortinet", "Juniper",
                                                                                 "Aruba", "MikroTik"]}]}  # fmt: skip
    await writing.create(ctx, ctx.platform.registry.resources["device_group"], network)


def _device(number: int, row: tuple[str, str, str, str, str, str, str, str, int]) -> Facts:
    name, category, place, maker, model, system, version, address, criticality = row
    virtual = category == "Virtual Machine"
    attributes: dict[str, Any] = {
        "name": name, "host_name": f"{name}.northwind.example", "location": place, "manufacturer": maker,
        "model": model, "os_name": system, "os_version": version, "ip_address": address, "criticality": criticality,
        "department": "IT Operations", "managed_by": "ethan.novak" if virtual or "esx" in name else "jonas.weber",
        "environment": "production", "serial_number": "" if virtual else f"NW{number:02d}7F{number * 37:04d}",
    }  # fmt: skip
    facts = Facts(ref=name, category=category, attributes=attributes, addresses=[address])
    if category == "Switch":
        facts.interfaces = [
            {"name": f"Gi1/0/{port}", "ifIndex": port, "speed": 10**9, "is_port": True, "admin_status": "up",
             "oper_status": "up" if port % 3 else "down", "mac": f"02:00:5e:{number:02x}:00:{port:02x}"}
            for port in range(1, 25)
        ]  # fmt: skip
        facts.hardware = [
            {"key": "1", "name": f"{model} chassis", "class": "chassis", "serial": attributes["serial_number"]},
            {"key": "10", "name": "Power supply A", "class": "powerSupply", "parent": "1", "is_fru": True},
            {"key": "11", "name": "Power supply B", "class": "powerSupply", "parent": "1", "is_fru": True},
            {"key": "20", "name": "Fan tray", "class": "fan", "parent": "1", "is_fru": True},
        ]
    if system in ("Ubuntu", "Debian GNU/Linux"):
        facts.software = [{"name": one, "version": its} for one, its in
                          (("openssh-server", "8.9p1"), ("postgresql", "15.6"), ("nginx", "1.18.0"))]  # fmt: skip
        facts.storage = [{"name": "/", "total": 53_687_091_200, "used": 21_474_836_480, "fs": "ext4"}]
    return facts


def _laptop(number: int, row: tuple[str, str, str]) -> Facts:
    user, maker, model = row
    attributes: dict[str, Any] = {
        "name": f"nb-{user.split('.')[1]}", "manufacturer": maker, "model": model, "used_by": user,
        "department": "IT Operations", "location": HQ, "serial_number": f"PF4{number:03d}XK{number * 91:04d}",
        "asset_tag": f"NW-{1001 + number}", "criticality": 4, "disk_encrypted": True, "memory_mb": 32768,
        "os_name": "macOS" if maker == "Apple" else "Windows 11", "os_version": "14.4" if maker == "Apple" else "23H2",
    }  # fmt: skip
    software = [{"name": "Firefox", "version": "125.0"}, {"name": "Microsoft 365 Apps", "version": "2403"}]
    return Facts(ref=user, category="Laptop", attributes=attributes, software=software)
