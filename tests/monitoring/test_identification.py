"""What a device is, from what it answers: real descriptions as devices send them, and the shared facts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.modules.monitoring.templates.engine import (
    Ask,
    Facts,
    General,
    Library,
    Part,
    Shelf,
    System,
    compile_rule,
)
from mainstay.modules.monitoring.templates.library import maker, shipped, systems
from mainstay.modules.monitoring.templates.text import BadRule, pattern

SHARED = Path(__file__).parents[3] / "shared" / "data"
ENTERPRISE = "1.3.6.1.4.1."

# sysObjectID (below enterprises), sysDescr, and what the device is: vendor, system, version, model.
DEVICES = [
    ("9.1.1208", "Cisco IOS Software, C2960S Software (C2960S-UNIVERSALK9-M), Version 12.2(55)SE7, RELEASE SOFTWARE",
     ("Cisco", "IOS", "12.2(55)SE7", "WS-C2960S")),
    ("9.1.2494", "Cisco IOS Software [Gibraltar], Catalyst L3 Switch Software (CAT9K_IOSXE), Version 16.12.4, RELEASE",
     ("Cisco", "IOS XE", "16.12.4", "C9300")),
    ("9.12.3.1.3.1105", "Cisco NX-OS(tm) n3000, Software (n3000-uk9), Version 6.0(2)U5(1), RELEASE SOFTWARE Copyright",
     ("Cisco", "NX-OS", "6.0(2)U5(1)", "N3K-C3064PQ-10GE")),
    ("9.1.1018", "Cisco IOS XR Software (Cisco ASR9K Series),  Version 5.3.3[Default]\r\nCopyright (c) 2016",
     ("Cisco", "IOS XR", "5.3.3[Default]", "ASR9006")),
    ("9.1.745", "Cisco Adaptive Security Appliance Version 9.1(7)", ("Cisco", "ASA", "9.1(7)", "ASA5505")),
    ("2636.1.1.1.2.57", "Juniper Networks, Inc. mx80 internet router, kernel JUNOS 14.2R3.8, Build date: 2015-05-14",
     ("Juniper", "Junos OS", "14.2R3.8", "mx80")),
    ("2011.2.23.97", "S5352C-EI Huawei Versatile Routing Platform Software VRP (R) software,Version 5.130 (S5300)",
     ("Huawei", "VRP", "5.130", "S5352C-EI")),
    ("30065.1.3011.7048.427.3648", "Arista Networks EOS version 4.20.1F running on an Arista Networks DCS-7048T-A",
     ("Arista", "EOS", "4.20.1F", "DCS-7048T-A")),
    ("14988.1", "RouterOS CCR1009-8G-1S", ("MikroTik", "RouterOS", "6.43.2", "CCR1009-8G-1S")),
    ("1916.2.71", "ExtremeXOS (X480-48t) version 15.3.4.6 v1534b6-patch1-8 by release-manager",
     ("Extreme", "ExtremeXOS", "15.3.4.6", "X480-48t")),
    ("11.2.3.7.11.85", "ProCurve J9022A Switch 2810-48G, revision N.11.52, ROM N.10.01 (/sw/code/build/bass)",
     ("HP", "ProCurve", "N.11.52", "J9022A Switch 2810-48G")),
    ("25506.1.37", "H3C Comware Platform Software, Software Version 5.20 Release 1211 H3C S5500-28C-EI Copyright",
     ("H3C", "Comware", "5.20", "S5500-28C-EI")),
    ("6527.1.3.4", "TiMOS-C-13.0.R7 cpm/hops64 ALCATEL SR 7750 Copyright (c) 2000-2015 Alcatel-Lucent.",
     ("Nokia", "TiMOS", "C-13.0.R7", "SR 7750")),
    ("8072.3.2.10", "Linux web1 5.10.0-21-amd64 #1 SMP Debian 5.10.162-1 (2023-01-21) x86_64",
     ("Linux", "Linux", "5.10.0-21-amd64", "x86_64")),
    ("8072.3.2.10", "Linux pve 5.15.74-1-pve #1 SMP PVE x86_64", ("Proxmox", "Proxmox VE", "5.15.74-1-pve", "")),
    ("311.1.1.3.1.2", "Hardware: Intel64 Family 6 Model 45 Stepping 7 AT/AT COMPATIBLE - Software: Windows Version 6.3"
     " (Build 9600 Multiprocessor Free)",
     ("Microsoft", "Windows Server 2012 R2", "6.3.9600", "Intel64 Family 6 Model 45 Stepping 7")),
    ("789.2.5", "NetApp Release 9.1P5: Mon Jun 12 13:47:19 UTC 2017", ("NetApp", "ONTAP", "9.1P5", "")),
    ("890.1.5.8.68", "MES3500-24", ("Zyxel", "ZyNOS", "", "MES3500-24")),
    ("2011.2.224.279", "Huawei Versatile Routing Platform Software VRP (R) software, Version 8.180 (CE6851HI "
     "V200R005C10SPC800) Copyright (C) 2012-2018 Huawei Technologies Co., Ltd.\r\nHUAWEI CE6851-48S6Q-HI",
     ("Huawei", "VRP", "8.180", "CE6851-48S6Q-HI")),
    ("25506.11.1.101", "HPE Comware Platform Software, Software Version 7.1.070, Release 3507P02 HPE FF 5130-24G-4SFP+ "
     "EI Switch Copyright (c) 2010-2018", ("HP", "Comware", "7.1.070", "5130-24G-4SFP+ EI")),
    ("6027.1.3.22", "Dell Networking OS Operating System Version: 2.0 Application Software Version: 9.14(1.0) Series: "
     "S4048-ON", ("Dell", "FTOS", "9.14(1.0)", "S4048-ON")),
    ("3375.2.1.3.4.43", "BIG-IP Virtual Edition : Linux 3.10.0-862 : BIG-IP software release 15.1.0.4, build 0.0.6",
     ("F5", "BIG-IP", "15.1.0.4", "BIG-IP Virtual Edition")),
    ("10002.1", "Linux 2.6.33 #1 Tue Nov 24 22:34:27 EST 2020 mips", ("Ubiquiti", "AirOS", "", "")),
    ("8072.3.2.10", "EdgeRouter X 5-Port 2.0.9-hotfix.6", ("Ubiquiti", "EdgeOS", "2.0.9-hotfix.6", "EdgeRouter X")),
    ("4196.1.1.5.5.300", "Siemens, SIMATIC NET, SCALANCE XB208, 6GK5 208-0BA00-2AB2, HW: Version 4, FW: Version "
     "V04.02.00, SVPL6147920", ("Siemens", "SCALANCE", "04.02.00", "SCALANCE XB208")),
    ("8072.3.2.10", "Linux diskstation 4.4.59+ #25426 SMP PREEMPT Mon Dec 14 18:48:50 CST 2020 x86_64",
     ("Synology", "DSM", "", "")),
    ("8072.3.2.10", "Linux fw1 3.10.0-957.21.3cpx86_64 #1 SMP", ("Check Point", "Gaia", "", "")),
    ("8072.3.2.8", "FreeBSD opn 13.2-RELEASE-p7 FreeBSD 13.2-RELEASE-p7 stable/23.7 OPNsense amd64",
     ("OPNsense", "OPNsense", "23.7", "")),
    ("24681.1", "Linux TS-853A 4.3.6", ("QNAP", "QTS", "4.3.6", "TS-853A")),
    ("15497.1.1", "AsyncOS Version: 9.1.2-023  Model C170  S/N 123",
     ("Cisco", "IronPort AsyncOS", "9.1.2-023", "C170")),
    ("9.12.3.1.3.1812", "Cisco NX-OS(tm) Nexus9000 C93180YC-EX, Software (NXOS 32-bit), Version 9.3(5), RELEASE",
     ("Cisco", "NX-OS", "9.3(5)", "C93180YC-EX")),
    ("2356.11.8.1821", "LANCOM 1781EF+ 10.32.0155 / 11.09.2019 40000000000",
     ("LANCOM", "LCOS", "10.32.0155", "1781EF+")),
    ("253.8.62.1.19.4.11.1", "Xerox WorkCentre 7225 v1; SS 072.030.009.08200, NC 072.039.08200, UI 072.039.08200",
     ("Xerox", "Xerox", "072.030.009.08200", "WorkCentre 7225")),
    ("3902.3.600.3.1.1", "ZXR10 2928E-SI, ZTE ZXR10 Software Version: V2.05.10",
     ("ZTE", "ZXR10", "V2.05.10", "2928E-SI")),
    ("41112.1.5", "EdgeRouter 4 v1.10.10.5210345.190714.1127",
     ("Ubiquiti", "EdgeOS", "1.10.10.5210345.190714.1127", "EdgeRouter 4")),
    ("94.1.21.2", "Nokia FlexiHopper", ("Nokia", "Nokia", "", "")),
    # Only the maker is known of these, and what the description begins with.
    ("52642.1.1.208.0", "S5860-20SQ", ("FS", "FSOS", "", "S5860-20SQ")),
    ("21317.1.3.1", "ATEN PE8108, Version 1.2.115", ("ATEN", "ATEN PDU", "1.2.115", "PE8108")),
    ("36153.3", "Industrial router", ("InHand", "InHand", "", "")),
    ("35265.1.81", "MES3324F 28-port 1G/10G Managed Switch", ("Eltex", "Eltex MES", "4.0.7", "MES-3324F")),
]  # fmt: skip
ANSWERS = {f"{ENTERPRISE}14988.1.1.4.4.0": "6.43.2", f"{ENTERPRISE}89.2.4.0": "4.0.7"}


@pytest.mark.parametrize(("oid", "descr", "expected"), DEVICES, ids=[f"{item[2][1]}-{item[0]}" for item in DEVICES])
def test_devices_are_told_by_what_they_answer(oid: str, descr: str, expected: tuple[str, ...]) -> None:
    found = shipped().identify(Facts(sys_object_id=ENTERPRISE + oid, sys_descr=descr, values=ANSWERS))
    assert (found.vendor, found.os, found.version, found.model) == expected


def _written() -> list[tuple[str, Facts, list[str]]]:
    """The devices of devices.txt: the line, what the device answers, and what it is."""
    found = []
    for line in (Path(__file__).parent / "devices.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            *told, oid, descr, rest = ["" if each == "-" else each for each in line.split("|")]
            said = dict(each.split("=", 1) for each in rest.split(";") if each)
            model = said.pop("chassis", "")
            found.append((
                line,
                Facts(
                    sys_object_id=_full(oid), sys_descr=descr,
                    values={_full(name): value for name, value in said.items()},
                    parts=[Part(index=1, kind=3, model=model)] if model else (),
                ),
                told,
            ))  # fmt: skip
    return found


def _full(oid: str) -> str:
    return oid[1:] if oid.startswith(".") else ENTERPRISE + oid


def test_devices_of_some_hundred_kinds_are_told_by_what_they_answer() -> None:
    wrong = []
    for line, facts, told in _written():
        found = shipped().identify(facts)
        got = [found.vendor, found.os, found.version, found.model]
        if any(want and want != value for want, value in zip(told, got, strict=True)):
            wrong.append((line, got))
    assert not wrong


def test_what_a_device_is_told_by_is_asked_for() -> None:
    """Discovery asks for what decides, then for what the rule wants: with these answers alone it comes to the same."""
    for line, facts, _told in _written():
        library, empty = shipped(), Facts(sys_object_id=facts.sys_object_id, sys_descr=facts.sys_descr)
        first = _answered(library.telling(empty), facts)
        asked = Facts(sys_object_id=facts.sys_object_id, sys_descr=facts.sys_descr, values=first)
        every = {**first, **_answered(library.wanted(asked), facts)}
        found = library.identify(
            Facts(sys_object_id=facts.sys_object_id, sys_descr=facts.sys_descr, values=every, parts=facts.parts)
        )
        assert found == library.identify(facts), line


def _answered(oids: list[str], facts: Facts) -> dict[str, str]:
    first_rows = {
        oid: next((value for name, value in facts.values.items() if name.startswith(oid[:-1])), "")
        for oid in oids
        if oid.endswith(".*")
    }
    return {oid: value for oid in oids if (value := facts.values.get(oid, "") or first_rows.get(oid, ""))}


def test_an_appliance_is_told_by_an_object_of_its_own() -> None:
    library = Library(
        [
            System(vendor="Linux", os="Linux", oid="1.3.6.1.4.1.8072.3.2.10"),
            System(vendor="A", os="by text", oid="1.3.6.1.4.1.8072.3.2.10", descr="Linux"),
            System(vendor="B", os="by object", oid="1.3.6.1.4.1.8072.3.2.10", has=Ask(oid="1.3.6.1.4.1.99.1.0")),
        ],
        {},
    )
    facts = Facts(sys_object_id="1.3.6.1.4.1.8072.3.2.10", sys_descr="Linux box")
    assert library.telling(facts) == ["1.3.6.1.4.1.99.1.0"]
    assert library.identify(facts).os == "by text"
    said = Facts(sys_object_id=facts.sys_object_id, sys_descr="Linux box", values={"1.3.6.1.4.1.99.1.0": "B-9"})
    assert library.identify(said).os == "by object"
    silent = Facts(sys_object_id=facts.sys_object_id, sys_descr="Linux box", values={"1.3.6.1.4.1.99.1.0": "N/A"})
    assert library.identify(silent).os == "by text"


def test_the_next_question_counts_where_an_object_says_nothing() -> None:
    rule = System(
        vendor="A", os="a", oid="1.3.6.1.4.1.99",
        get={"model": Ask(oid="1.3.6.1.4.1.99.1.0", orelse=Ask(oid="1.3.6.1.4.1.99.2.*", expression=r"Model (\S+)"))},
    )  # fmt: skip
    general = General(get={"": {"model": Ask(oid="1.3.6.1.2.1.33.1.1.2.0"), "serial": Ask(oid="1.3.6.1.9.0")}})
    library = Library([rule], {}, general)
    every = ["1.3.6.1.4.1.99.1.0", "1.3.6.1.4.1.99.2.*", "1.3.6.1.2.1.33.1.1.2.0", "1.3.6.1.9.0"]
    assert library.wanted(Facts(sys_object_id="1.3.6.1.4.1.99.7")) == every

    def model(values: dict[str, str]) -> str:
        return library.identify(Facts(sys_object_id="1.3.6.1.4.1.99.7", values=values)).model

    assert model({every[0]: "X-1", every[1]: "Model X-2"}) == "X-1"
    assert model({every[0]: "unknown", every[1]: "Model X-2"}) == "X-2"
    assert model({every[0]: "", every[2]: "Standard"}) == "Standard"


def test_the_device_says_which_of_a_line_it_is() -> None:
    library = Library([System(vendor="A", os="a", oid="1.3.6.1.4.1.99", model=(r"^(\S+)",))], {
        "1.3.6.1.4.1.99.1": ["X-100"], "1.3.6.1.4.1.99.2": ["X-200-24T", "X-200-48T"],
    })  # fmt: skip

    def model(oid: str, descr: str = "", own: str = "") -> str:
        parts = [Part(index=1, kind=3, model=own)]
        return library.identify(Facts(sys_object_id=f"1.3.6.1.4.1.99.{oid}", sys_descr=descr, parts=parts)).model

    assert model("1") == "X-100"
    assert model("1", own="X-100-24P") == "X-100-24P"
    assert model("1", own="X-1") == "X-100"  # says less than the number
    assert model("2") == "X-200"
    assert model("2", "X-200-48T switch") == "X-200-48T"
    assert model("2", "X-200-52P switch") == "X-200-52P"
    assert model("2", "Z-1 switch", "X-200-24T") == "X-200-24T"


def test_of_a_device_that_no_rule_knows_the_maker_is_registered() -> None:
    assert maker(9) == "ciscoSystems"
    assert maker(4_000_000_000) == ""
    assert maker(8072) == ""  # an agent of everybody's
    facts = Facts(sys_object_id="1.3.6.1.4.1.56003.1", sys_descr="Gateway, model: XR-500, firmware 2.4.1")
    found = shipped().identify(facts)
    assert (found.vendor, found.os, found.version, found.model) == ("Atende Software", "", "2.4.1", "XR-500")
    # Makers sell devices under numbers of others: what the description begins with says more.
    named = Facts(sys_object_id="1.3.6.1.4.1.56003.1", sys_descr="Palo Alto Networks, prototype")
    assert shipped().identify(named).vendor == "Palo Alto Networks"
    named = Facts(sys_object_id="1.3.6.1.4.1.56003.1", sys_descr="Linux gateway 5.10.0")
    assert (shipped().identify(named).vendor, shipped().identify(named).os) == ("Atende Software", "Linux")
    assert shipped().identify(Facts(sys_object_id="1.3.6.1.4.1." + "9" * 50)).vendor == ""


def test_expressions_tried_together_find_what_they_find_alone() -> None:
    shelf = Shelf()
    shelf.rules = [system for system in systems() if system.descr][:200]
    for _line, facts, _told in _written():
        alone = [rule for rule in shelf.rules if pattern(rule.descr).search(facts.sys_descr)]
        assert shelf.fitting(facts.sys_descr) == alone
    assert shelf.fitting("") == [rule for rule in shelf.rules if pattern(rule.descr).search("")]


def test_a_number_that_products_share_is_decided_by_the_parts_list() -> None:
    parts = [
        Part(index=1, kind=3, model="C9300-48U", serial="FCW2140L0AB", software="16.12.4"),
        Part(index=2, kind=9, model="C9300-NM-8X", serial="FOC1"),
    ]
    found = shipped().identify(
        Facts(sys_object_id=f"{ENTERPRISE}9.1.2494", sys_descr="Cisco IOS Software", parts=parts)
    )
    assert (found.model, found.serial, found.version) == ("C9300-48U", "FCW2140L0AB", "16.12.4")


def test_the_longest_number_wins_and_a_description_beats_a_bare_number() -> None:
    library = Library(
        [
            System(vendor="A", os="line", oid="1.3.6.1.4.1.99"),
            System(vendor="A", os="told", oid="1.3.6.1.4.1.99", descr="Special"),
            System(vendor="A", os="product", oid="1.3.6.1.4.1.99.1"),
            System(vendor="A", os="exactly", oid="=1.3.6.1.4.1.99.1.7"),
            System(vendor="B", os="by text", descr="Other"),
        ],
        {},
    )

    def told(oid: str, descr: str = "") -> str:
        return library.identify(Facts(sys_object_id=oid, sys_descr=descr)).os

    assert told("1.3.6.1.4.1.99.5") == "line"
    assert told(".1.3.6.1.4.1.99.1.8") == "product"
    assert told("1.3.6.1.4.1.99.1.8", "Special edition") == "told"
    assert told("1.3.6.1.4.1.99.1.7", "Special edition") == "exactly"
    assert told("1.3.6.1.4.1.99.1.7.1") == "product"
    assert told("1.3.6.1.4.1.991", "Other") == "by text"
    assert told("1.3.6.1.4.1.991") == ""


def test_a_rule_outside_linear_time_is_refused() -> None:
    with pytest.raises(BadRule, match="cannot be used"):
        compile_rule(System(vendor="A", os="a", descr=r"(?<=x)y"))


def _rows(name: str) -> list[dict[str, Any]]:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not here")
    return [json.loads(line) for line in path.read_text().splitlines()]


def _spelled(vendor: str) -> str:
    return vendor.replace("-", "").replace(" ", "").lower()


def test_the_shared_numbers_give_vendor_and_model() -> None:
    rows = _rows("sysobjectids.jsonl")
    wrong = []
    for row in rows:
        facts = Facts(sys_object_id=row["sysObjectID"], parts=[Part(index=1, kind=3, model=row["model"])])
        found = shipped().identify(facts)
        alias = {"dzs": "zhone"}.get(_spelled(row["vendor"]), _spelled(row["vendor"]))
        if found.model != row["model"] or _spelled(found.vendor) != alias:
            wrong.append((row, found.vendor, found.model))
    # Some makers sell others' devices under others' numbers: the number then names the maker.
    assert len(wrong) <= len(rows) * 0.03, wrong


def test_the_maker_is_told_where_no_rule_knows_the_number_of_the_product() -> None:
    """As if the device had not been seen before: what is known below a maker's first branch is taken away."""
    rows = _rows("sysobjectids.jsonl")
    general = Library([system for system in systems() if not system.oid or len(system.oid.split(".")) <= 8], {})
    wrong = []
    for row in rows:
        found = general.identify(Facts(sys_object_id=row["sysObjectID"]))
        alias = {"dzs": "zhone"}.get(_spelled(row["vendor"]), _spelled(row["vendor"]))
        if _spelled(found.vendor) != alias:
            wrong.append((row, found.vendor))
    assert len(wrong) <= len(rows) * 0.05, wrong


def test_nearly_every_shared_rule_leads_to_a_system() -> None:
    rows = [row for row in _rows("device-identification.jsonl") if row["match"] in ("eq", "contains")]
    rows = [row for row in rows if row["param"] == "sysObjectID.0"]
    unknown = [row for row in rows if not shipped().identify(Facts(sys_object_id=row["value"])).os]
    assert len(unknown) <= len(rows) * 0.02, unknown


@given(st.text(max_size=300), st.text(alphabet="0123456789.", max_size=60))
def test_hostile_answers_are_only_unknown_devices(descr: str, oid: str) -> None:
    shipped().identify(Facts(sys_object_id=oid, sys_descr=descr, values={oid: descr}))


def test_every_shipped_rule_names_a_system() -> None:
    assert len(systems()) > 300
    assert all(system.os and (system.oid or system.descr) for system in systems())
