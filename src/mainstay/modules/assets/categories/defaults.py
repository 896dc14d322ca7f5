"""The categories every organization starts with."""

from __future__ import annotations

from typing import Any

from mainstay.kernel import store
from mainstay.kernel.context import Context
from mainstay.kernel.record import new_id
from mainstay.modules.assets.categories.tables import Category


def _a(key: str, label: str, kind: str = "text", *choices: str, section: str = "Attributes") -> dict[str, Any]:
    return {
        "key": key,
        "label": label,
        "kind": kind,
        "required": False,
        "section": section,
        "help": "",
        "choices": list(choices),
    }


_SERIAL = [["serial_number"]]
# name, part of, icon, description, group only, identifiers, attributes
TREE: tuple[tuple[str, str, str, str, bool, list[list[str]], list[dict[str, Any]]], ...] = (
    ("Hardware", "", "hard-drive", "Everything one can touch and plug in", True, [["asset_tag"]], []),
    (
        "Network Device",
        "Hardware",
        "network",
        "What carries traffic",
        False,
        _SERIAL,
        [
            _a("management_protocol", "Management protocol", "choices", "SSH", "Telnet", "HTTPS", "SNMP", "NETCONF"),
            _a("stack_members", "Stack members", "integer"),
        ],
    ),
    (
        "Router",
        "Network Device",
        "router",
        "Routes between networks",
        False,
        [],
        [
            _a("bgp_as", "BGP autonomous system", "integer"),
            _a("routing_protocols", "Routing protocols"),
        ],
    ),
    (
        "Switch",
        "Network Device",
        "switch",
        "Switches frames",
        False,
        [],
        [
            _a("port_count", "Ports", "integer"),
            _a("poe", "Power over Ethernet", "boolean"),
            _a("switch_layer", "Layer", "choice", "Layer 2", "Layer 3"),
        ],
    ),
    (
        "Firewall",
        "Network Device",
        "shield",
        "Filters traffic",
        False,
        [],
        [
            _a("ha_mode", "High availability", "choice", "Standalone", "Active/passive", "Active/active", "Cluster"),
        ],
    ),
    (
        "Access Point",
        "Network Device",
        "wifi",
        "Wireless access",
        False,
        [],
        [
            _a("wifi_standard", "Wi-Fi standard"),
            _a("controller_name", "Controller"),
        ],
    ),
    ("Wireless Controller", "Network Device", "radio-tower", "Manages access points", False, [], []),
    ("Load Balancer", "Network Device", "scale", "Spreads load over servers", False, [], []),
    ("Modem", "Network Device", "phone", "Connects to a carrier", False, [], []),
    (
        "Server",
        "Hardware",
        "server",
        "A physical server",
        False,
        _SERIAL,
        [
            _a("form_factor", "Form factor", "choice", "Rack", "Blade", "Tower", "Edge"),
            _a("bmc_address", "Management controller address"),
            _a("power_supplies", "Power supplies", "integer"),
        ],
    ),
    (
        "Storage System",
        "Hardware",
        "database",
        "Disk and tape systems",
        False,
        _SERIAL,
        [
            _a("raw_capacity_tb", "Raw capacity in TB", "number"),
            _a("usable_capacity_tb", "Usable capacity in TB", "number"),
        ],
    ),
    ("Workstation", "Hardware", "monitor", "A desktop or laptop computer", False, _SERIAL, []),
    (
        "Laptop",
        "Workstation",
        "laptop",
        "A portable computer",
        False,
        [],
        [_a("disk_encrypted", "Disk encrypted", "boolean")],
    ),
    ("Desktop", "Workstation", "monitor", "A computer on or under a desk", False, [], []),
    (
        "Mobile Device",
        "Hardware",
        "smartphone",
        "Phones and tablets",
        False,
        [["imei"]],
        [
            _a("imei", "IMEI"),
            _a("phone_line", "Telephone number"),
            _a("mdm_enrolled", "Enrolled in device management", "boolean"),
        ],
    ),
    (
        "Printer",
        "Hardware",
        "printer",
        "Printers and multifunction devices",
        False,
        _SERIAL,
        [
            _a("color_print", "Prints colour", "boolean"),
            _a("page_count", "Pages printed", "integer"),
        ],
    ),
    ("Peripheral", "Hardware", "keyboard", "Displays, docks, keyboards", False, [], []),
    ("IP Phone", "Hardware", "phone", "Desk phones", False, _SERIAL, [_a("extension", "Extension")]),
    ("Camera", "Hardware", "camera", "Network cameras", False, _SERIAL, []),
    ("Power", "Hardware", "zap", "Power supply and distribution", True, [], []),
    (
        "UPS",
        "Power",
        "battery",
        "Uninterruptible power supply",
        False,
        _SERIAL,
        [
            _a("rated_va", "Rated power in VA", "integer"),
            _a("runtime_minutes", "Runtime in minutes", "integer"),
            _a("battery_replaced", "Battery replaced", "date"),
        ],
    ),
    ("PDU", "Power", "plug", "Power distribution unit", False, _SERIAL, [_a("outlets", "Outlets", "integer")]),
    ("Facility", "", "building", "Things that belong to a place", True, [["asset_tag"]], []),
    ("Rack", "Facility", "rows", "A cabinet", False, [], [_a("height_units", "Height units", "integer")]),
    ("Air Conditioning", "Facility", "fan", "Cooling", False, [], []),
    ("Furniture", "Facility", "armchair", "Desks, chairs, cupboards", False, [], []),
    (
        "Vehicle",
        "Facility",
        "truck",
        "Cars and vans",
        False,
        [["license_plate"]],
        [_a("license_plate", "Licence plate")],
    ),
    ("Virtual", "", "boxes", "What runs on something else", True, [], []),
    (
        "Virtual Machine",
        "Virtual",
        "box",
        "A virtual server or desktop",
        False,
        [["uuid"]],
        [
            _a("guest_tools", "Guest tools"),
        ],
    ),
    ("Hypervisor", "Virtual", "layers", "A host of virtual machines", False, _SERIAL, []),
    (
        "Cluster",
        "Virtual",
        "grid",
        "Hosts that act as one",
        False,
        [],
        [
            _a("cluster_kind", "Kind", "choice", "Compute", "Storage", "Database", "Kubernetes", "Firewall"),
        ],
    ),
    ("Container Host", "Virtual", "container", "Runs containers", False, [], []),
    (
        "Cloud Resource",
        "Virtual",
        "cloud",
        "An instance, bucket or function of a cloud provider",
        False,
        [["cloud_id"]],
        [_a("cloud_provider", "Provider"), _a("cloud_region", "Region"), _a("cloud_id", "Resource ID")],
    ),
    ("Application Layer", "", "app-window", "Software and what it offers", True, [], []),
    (
        "Software",
        "Application Layer",
        "package",
        "A product that is installed or licensed",
        False,
        [],
        [
            _a("publisher", "Publisher"),
            _a("license_model", "Licence model"),
        ],
    ),
    (
        "Application",
        "Application Layer",
        "app-window",
        "Software in operation",
        False,
        [],
        [
            _a("app_url", "Address"),
            _a("data_classification", "Data", "choice", "Public", "Internal", "Confidential", "Secret"),
        ],
    ),
    (
        "Database",
        "Application Layer",
        "database",
        "A database instance",
        False,
        [],
        [
            _a("db_engine", "Engine"),
            _a("db_port", "Port", "integer"),
        ],
    ),
    ("Web Server", "Application Layer", "globe", "A web or application server instance", False, [], []),
    (
        "Certificate",
        "Application Layer",
        "badge",
        "A digital certificate",
        False,
        [["fingerprint"]],
        [
            _a("fingerprint", "Fingerprint"),
            _a("issuer", "Issuer"),
            _a("subject_names", "Names"),
        ],
    ),
    (
        "Service",
        "",
        "workflow",
        "What users get",
        False,
        [],
        [
            _a("service_kind", "Kind", "choice", "Business service", "Technical service"),
            _a("service_hours", "Service hours"),
        ],
    ),
    ("Connection", "", "cable", "Lines and circuits", True, [], []),
    (
        "WAN Circuit",
        "Connection",
        "cable",
        "A line of a carrier",
        False,
        [["circuit_id"]],
        [
            _a("circuit_id", "Circuit ID"),
            _a("carrier", "Carrier"),
            _a("bandwidth_mbps", "Bandwidth in Mbit/s", "number"),
        ],
    ),
    ("Other", "", "circle", "What fits nowhere else", False, [], []),
)


async def make(ctx: Context) -> dict[str, str]:
    """Create them in the caller's organization; their ids by name."""
    ids = {row[0]: new_id() for row in TREE}
    rows = [
        {
            "id": ids[name],
            "name": name,
            "parent": ids.get(above),
            "icon": icon,
            "description": text,
            "abstract": group,
            "identifiers": identifiers,
            "attributes": attributes,
            "is_preconfigured": True,
        }
        for name, above, icon, text, group, identifiers, attributes in TREE
    ]
    await store.add_many(ctx, Category, rows)
    return ids
