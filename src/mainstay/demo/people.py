"""Who and what Northwind IT has, for the demonstration."""

from __future__ import annotations

LOCATIONS = (
    # name, part of, city, country, postal code, latitude, longitude
    ("Northwind Headquarters", "", "Hamburg", "Germany", "20095", 53.5511, 9.9937),
    ("HQ Data Centre", "Northwind Headquarters", "Hamburg", "Germany", "20095", 53.5511, 9.9937),
    ("Rotterdam Warehouse", "", "Rotterdam", "Netherlands", "3011 AA", 51.9244, 4.4777),
    ("Lyon Office", "", "Lyon", "France", "69002", 45.7640, 4.8357),
    ("Leeds Office", "", "Leeds", "United Kingdom", "LS1 4DY", 53.8008, -1.5491),
)
DEPARTMENTS = (
    ("IT Operations", "Servers, network and the service desk"),
    ("Finance", "Accounting, controlling and payroll"),
    ("Sales", "Field and inside sales"),
    ("Logistics", "Warehouses and transport"),
    ("Human Resources", "Hiring, contracts and training"),
    ("Engineering", "Product development"),
)
TAGS = (
    ("vip", 1, "#b91c1c", "People whose calls are answered first"),
    ("field", 1, "#0891b2", "People who work outside the offices"),
    ("on-call", 1, "#b45309", "People who carry the on-call phone"),
    ("network", 2, "#2563eb", "Switches, routers, access points"),
    ("laptop", 2, "#15803d", "Portable computers"),
    ("printer", 2, "#6b7280", "Printers and scanners"),
)
AGENTS = (
    # user name, name, role, department, title, tags, expertise
    ("olivia.hart", "Olivia Hart", "IT Manager", "IT Operations", "Head of IT operations", (), ("ITIL",)),
    (
        "noah.brandt",
        "Noah Brandt",
        "IT Support Operator",
        "IT Operations",
        "Service desk lead",
        (),
        ("Windows", "M365"),
    ),
    (
        "emma.lindqvist",
        "Emma Lindqvist",
        "IT Support Operator",
        "IT Operations",
        "Service desk agent",
        (),
        ("Windows", "Printers"),
    ),
    (
        "liam.okafor",
        "Liam Okafor",
        "IT Support Operator",
        "IT Operations",
        "Service desk agent",
        (),
        ("macOS", "Mobile"),
    ),
    (
        "sofia.moreau",
        "Sofia Moreau",
        "IT Support Operator",
        "IT Operations",
        "Service desk agent, Lyon",
        ("field",),
        ("Windows", "VPN"),
    ),
    (
        "jonas.weber",
        "Jonas Weber",
        "NOC Operator",
        "IT Operations",
        "Network engineer",
        ("on-call",),
        ("Switching", "Firewall"),
    ),
    (
        "mia.tanaka",
        "Mia Tanaka",
        "NOC Operator",
        "IT Operations",
        "Network engineer",
        ("on-call",),
        ("Wi-Fi", "DNS"),
    ),
    (
        "ethan.novak",
        "Ethan Novak",
        "IT Support Operator",
        "IT Operations",
        "System engineer",
        ("on-call",),
        ("Linux", "Storage"),
    ),
    (
        "ava.castillo",
        "Ava Castillo",
        "IT Support Operator",
        "IT Operations",
        "Application engineer",
        (),
        ("ERP", "SQL"),
    ),
    ("henry.doyle", "Henry Doyle", "Approver", "Finance", "Controller", (), ()),
)
TEAMS = (
    # name, description, type, members, owner, locations
    (
        "Service Desk",
        "First contact for everybody",
        "service_desk",
        ("noah.brandt", "emma.lindqvist", "liam.okafor", "sofia.moreau"),
        "noah.brandt",
        (),
    ),
    (
        "Network",
        "LAN, WAN, Wi-Fi and firewalls",
        "technical",
        ("jonas.weber", "mia.tanaka"),
        "jonas.weber",
        ("Northwind Headquarters", "Rotterdam Warehouse"),
    ),
    (
        "Systems",
        "Servers, storage and backup",
        "technical",
        ("ethan.novak", "mia.tanaka"),
        "ethan.novak",
        ("HQ Data Centre",),
    ),
    (
        "Business Applications",
        "ERP, CRM and reporting",
        "technical",
        ("ava.castillo", "ethan.novak"),
        "ava.castillo",
        (),
    ),
    ("Change Board", "Decides on changes", "cab", ("olivia.hart", "henry.doyle"), "olivia.hart", ()),
)
VENDORS = (
    # name, type, contact, e-mail, phone, website, location
    (
        "Halden Hardware",
        1,
        "Greta Halden",
        "support@halden.example",
        "+49 40 5550 110",
        "https://halden.example",
        "Northwind Headquarters",
    ),
    (
        "Brightline Telecom",
        5,
        "Piet de Jong",
        "noc@brightline.example",
        "+31 10 5550 220",
        "https://brightline.example",
        "Rotterdam Warehouse",
    ),
    (
        "Kestrel Software",
        2,
        "Rachel Stone",
        "help@kestrel.example",
        "+44 113 5550 330",
        "https://kestrel.example",
        "Leeds Office",
    ),
    (
        "Nimbus Cloud",
        6,
        "Service desk",
        "support@nimbus.example",
        "+353 1 5550 440",
        "https://nimbus.example",
        "",
    ),
)
PARTNERS = (("Fieldwork Services", "dispatch@fieldwork.example", "+49 40 5550 770", "Speicherstadt 4, Hamburg"),)
REQUESTERS = (
    # name, department, location, title, tags
    ("Anna Fischer", "Finance", "Northwind Headquarters", "Accountant", ()),
    ("Ben Carter", "Sales", "Leeds Office", "Account manager", ("field",)),
    ("Clara Dubois", "Sales", "Lyon Office", "Sales director", ("vip",)),
    ("Daan Visser", "Logistics", "Rotterdam Warehouse", "Shift lead", ()),
    ("Elena Petrova", "Engineering", "Northwind Headquarters", "Engineer", ()),
    ("Felix Braun", "Engineering", "Northwind Headquarters", "Engineer", ()),
    ("Grace Kim", "Human Resources", "Northwind Headquarters", "Recruiter", ()),
    ("Hugo Martin", "Sales", "Lyon Office", "Account manager", ("field",)),
    ("Isla Murray", "Finance", "Leeds Office", "Payroll", ()),
    ("Jan Bakker", "Logistics", "Rotterdam Warehouse", "Dispatcher", ()),
    ("Karin Holm", "Finance", "Northwind Headquarters", "Chief financial officer", ("vip",)),
    ("Lucas Silva", "Engineering", "Northwind Headquarters", "Team lead", ()),
    ("Maya Patel", "Human Resources", "Leeds Office", "HR partner", ()),
    ("Nora Schmidt", "Logistics", "Northwind Headquarters", "Planner", ()),
    ("Oscar Jansen", "Logistics", "Rotterdam Warehouse", "Forklift driver", ()),
    ("Paula Reyes", "Sales", "Northwind Headquarters", "Inside sales", ()),
)
LEAVE_TYPES = (("Annual leave", 28, "#2563eb"), ("Sick leave", None, "#b91c1c"), ("Training", 5, "#15803d"))
HOLIDAYS = ((1, 1, "New Year"), (5, 1, "Labour Day"), (12, 25, "Christmas Day"), (12, 26, "Boxing Day"))
LEAVES = (
    # who, type, days from now, length, reason
    ("emma.lindqvist", "Annual leave", 9, 5, "Family visit"),
    ("ethan.novak", "Training", 16, 2, "Storage course"),
    ("liam.okafor", "Annual leave", -12, 3, "Long weekend"),
)
ANNOUNCEMENTS = (
    # title, message, starts in days, ends in days
    (
        "Maintenance of the ERP on Saturday",
        "<p>The ERP is down on <b>Saturday from 20:00 to 23:00</b>. Save your work before.</p>",
        -1,
        5,
    ),
    (
        "New Wi-Fi in Lyon",
        "<p>The network <b>Northwind-Staff</b> replaces Northwind-Lyon. Log in as usual.</p>",
        -6,
        8,
    ),
    (
        "Office closed next month",
        "<p>Electrical work at the headquarters: please work from home that day.</p>",
        12,
        30,
    ),
)
