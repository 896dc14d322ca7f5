"""What systems of the network say at their prompt: lists as they print them, of small devices made up for tests."""

from __future__ import annotations

IOS = {
    "show interfaces": """\
Vlan10 is up, line protocol is up
  Hardware is Ethernet SVI, address is 0011.2233.4440 (bia 0011.2233.4440)
  Description: management
  Internet address is 198.51.100.2/24
  MTU 1500 bytes, BW 1000000 Kbit/sec, DLY 10 usec,
     reliability 255/255, txload 1/255, rxload 1/255
  Encapsulation ARPA, loopback not set
GigabitEthernet1/0/1 is up, line protocol is up (connected)
  Hardware is Gigabit Ethernet, address is 0011.2233.4401 (bia 0011.2233.4401)
  Description: to core-1
  MTU 9198 bytes, BW 1000000 Kbit/sec, DLY 10 usec,
     reliability 255/255, txload 1/255, rxload 1/255
  A line of a release that no template has seen yet
  Full-duplex, 1000Mb/s, media type is 10/100/1000BaseTX
  5 minute input rate 1000 bits/sec, 2 packets/sec
GigabitEthernet1/0/2 is administratively down, line protocol is down (disabled)
  Hardware is Gigabit Ethernet, address is 0011.2233.4402 (bia 0011.2233.4402)
  MTU 1500 bytes, BW 10000 Kbit/sec, DLY 1000 usec,
TenGigabitEthernet1/0/48 is down, line protocol is down (notconnect)
  Hardware is Ten Gigabit Ethernet, address is 0011.2233.4448 (bia 0011.2233.4448)
  MTU 1500 bytes, BW 10000000 Kbit/sec, DLY 10 usec,
Port-channel1 is up, line protocol is up (connected)
  Hardware is EtherChannel, address is 0011.2233.4401 (bia 0011.2233.4401)
  MTU 1500 bytes, BW 2000000 Kbit/sec, DLY 10 usec,""",
    "show lldp neighbors detail": """\
------------------------------------------------
Local Intf: Gi1/0/1
Chassis id: 001c.7300.0001
Port id: Ethernet7
Port Description: to edge-1
System Name: core-1.example.net

System Description:
Arista Networks EOS version 4.20.1F running on an Arista Networks DCS-7050SX-64

Time remaining: 97 seconds
System Capabilities: B,R
Enabled Capabilities: B,R
Management Addresses:
    IP: 198.51.100.3
Auto Negotiation - not supported
Physical media capabilities - not advertised
Media Attachment Unit type - not advertised
Vlan ID: - not advertised


Total entries displayed: 1""",
    "show cdp neighbors detail": """\
-------------------------
Device ID: SEP001122334455
Entry address(es):
  IP address: 198.51.100.77
Platform: Cisco IP Phone 7942,  Capabilities: Host Phone Two-port Mac Relay
Interface: GigabitEthernet1/0/2,  Port ID (outgoing port): Port 1
Holdtime : 140 sec

Version :
SCCP42.9-3-1SR4-1S

advertisement version: 2


Total cdp entries displayed : 1""",
    "show inventory": """\
NAME: "1", DESCR: "WS-C2960X-48TS-L"
PID: WS-C2960X-48TS-L  , VID: V02  , SN: FOC1111X2YZ

NAME: "Switch 1 - Power Supply 0", DESCR: "FRU Power Supply"
PID: PWR-C2-250WAC     , VID: V01  , SN: LIT1111AAAA

NAME: "TenGigabitEthernet1/0/48", DESCR: "SFP-10GBase-SR"
PID: SFP-10G-SR        , VID: V03  , SN: AVD1111BBBB""",
}
EOS = {
    "show version": """\
Arista DCS-7050SX-64-R
Hardware version:    01.11
Serial number:       JPE11111111
System MAC address:  001c.7300.0001
Software image version: 4.20.1F""",
    "show interfaces": """\
Ethernet7 is up, line protocol is up (connected)
  Hardware is Ethernet, address is 001c.7300.0007 (bia 001c.7300.0007)
  Description: to edge-1
  Ethernet MTU 9214 bytes , BW 10000000 kbit
  Full-duplex, 10Gb/s, auto negotiation: off, uni-link: n/a
  Up 3 days, 2 hours
  1 link status changes since last clear
Management1 is up, line protocol is up (connected)
  Hardware is Ethernet, address is 001c.7300.0001 (bia 001c.7300.0001)
  Internet address is 198.51.100.3/24
  Broadcast address is 255.255.255.255
  IP MTU 1500 bytes , BW 1000000 kbit
Loopback0 is up, line protocol is up (connected)
  Hardware is Loopback
  Internet address is 203.0.113.3/32
  IP MTU 65535 bytes""",
    "show lldp neighbors detail": """\
Interface Ethernet7 detected 1 LLDP neighbors:

  Neighbor 0011.2233.4400/Gi1/0/1, age 12 seconds
  Discovered 3 days, 2 hours ago; Last changed 3 days, 2 hours ago
  - Chassis ID type: MAC address (4)
    Chassis ID     : 0011.2233.4400
  - Port ID type: Interface name (5)
    Port ID     : "Gi1/0/1"
  - Time To Live: 120 seconds
  - System Name: "edge-1"
  - System Description: "Cisco IOS Software, C2960X Software"
  - Management Address Subtype: IPv4 (1)
    Management Address        : 198.51.100.2

Interface Management1 detected 0 LLDP neighbors:
""",
    "show inventory": """\
System information
  Model                    Description
  ------------------------ ----------------------------------------------------
  DCS-7050SX-64            48 port SFP+ + 4 port QSFP+ Layer 3 switch

  HW Version  Serial Number  Mfg Date   Epoch
  ----------- -------------- ---------- -----
  01.11       JPE11111111    2014-03-01 01.00

System has 2 power supply slots
  Slot Model            Serial Number
  ---- ---------------- ----------------
  1    PWR-500AC-F      JPE22222222
  2    PWR-500AC-F      JPE33333333
""",
}
OTHERS: dict[str, dict[str, str]] = {
    "nxos": {
        "interfaces": """\
mgmt0 is up
admin state is up,
  Hardware: GigabitEthernet, address: 5087.89d4.0001 (bia 5087.89d4.0001)
  Internet Address is 198.51.100.4/24
  MTU 1500 bytes, BW 1000000 Kbit, DLY 10 usec
Ethernet1/1 is down (Link not connected)
admin state is up, Dedicated Interface
  Hardware: 1000/10000/25000 Ethernet, address: 5087.89d4.0008 (bia 5087.89d4.0008)
  Description: spare
  MTU 9216 bytes, BW 25000000 Kbit, DLY 10 usec""",
        "cdp": """\
----------------------------------------
Device ID:agg-1(FDO2222BBBB)
System Name: agg-1

Interface address(es):
    IPv4 Address: 198.51.100.9
Platform: N9K-C9336C-FX2, Capabilities: Router Switch IGMP Filtering Supports-STP-Dispute
Interface: Ethernet1/1, Port ID (outgoing port): Ethernet1/36
Holdtime: 130 sec""",
        "parts": """\
NAME: "Chassis",  DESCR: "Nexus9000 C93180YC-EX chassis"
PID: N9K-C93180YC-EX     ,  VID: V04 ,  SN: FDO21111ABC

NAME: "Fan 1",  DESCR: "Nexus9000 C93180YC-EX chassis Fan Module"
PID: NXA-FAN-30CFM-F     ,  VID: V01 ,  SN: N/A""",
    },
    "iosxr": {
        "interfaces": """\
GigabitEthernet0/0/0/0 is up, line protocol is up
  Interface state transitions: 1
  Hardware is GigabitEthernet, address is 0c11.6752.0001 (bia 0c11.6752.0001)
  Description: uplink
  Internet address is 203.0.113.9/30
  MTU 1514 bytes, BW 1000000 Kbit (Max: 1000000 Kbit)""",
        "lldp": """\
Capability codes:
        (R) Router, (B) Bridge, (T) Telephone, (C) DOCSIS Cable Device
        (W) WLAN Access Point, (P) Repeater, (S) Station, (O) Other

------------------------------------------------
Local Interface: GigabitEthernet0/0/0/0
Chassis id: 0026.9815.0001
Port id: Te0/1/0/3
Port Description: to xr-1
System Name: pe-2.example.net

System Description:
 Cisco IOS XR Software, Version 6.1.2

Time remaining: 102 seconds
Hold Time: 120 seconds
System Capabilities: R
Enabled Capabilities: R
Management Addresses:
  IPv4 address: 203.0.113.10

------------------------------------------------

Total entries displayed: 1""",
        "parts": """\
NAME: "0/RSP0", DESCR: "ASR9K Route Switch Processor"
PID: A9K-RSP440-SE, VID: V05, SN: FOC1111AAAA
""",
    },
    "asa": {
        "interfaces": """\
Interface GigabitEthernet0/0 "outside", is up, line protocol is up
  Hardware is i82546GB rev03, BW 1000 Mbps, DLY 10 usec
        Auto-Duplex(Full-duplex), Auto-Speed(1000 Mbps)
        MAC address 0013.c480.0001, MTU 1500
        IP address 203.0.113.17, subnet mask 255.255.255.248
Interface GigabitEthernet0/3 "", is administratively down, line protocol is down
  Hardware is i82546GB rev03, BW 1000 Mbps, DLY 10 usec
        Available but not configured via nameif
        MAC address 0013.c480.0004, MTU not set
        IP address unassigned""",
        "parts": """\
Name: "Chassis", DESCR: "ASA 5516-X with FirePOWER services, 8GE, AC, DES"
PID: ASA5516           , VID: V05     , SN: JMX1111AAAA
""",
    },
    "junos": {
        "interfaces": """\
Physical interface: ge-0/0/0, Enabled, Physical link is Up
  Interface index: 148, SNMP ifIndex: 526
  Description: to core
  Link-level type: Ethernet, MTU: 1514, Speed: 1000mbps, Loopback: Disabled,
  Current address: 2c:6b:f5:00:00:01, Hardware address: 2c:6b:f5:00:00:01

  Logical interface ge-0/0/0.0 (Index 70) (SNMP ifIndex 540)
    Flags: Up SNMP-Traps 0x4000 Encapsulation: ENET2
    Protocol inet, MTU: 1500
      Addresses, Flags: Is-Preferred Is-Primary
        Destination: 203.0.113.20/30, Local: 203.0.113.21, Broadcast: 203.0.113.23
Physical interface: ge-0/0/1, Administratively down, Physical link is Down
  Interface index: 149, SNMP ifIndex: 527
  Link-level type: Ethernet, MTU: 1514, Speed: 1000mbps, Loopback: Disabled,""",
        "lldp": """\
Local Interface    Parent Interface    Chassis Id          Port info          System Name
ge-0/0/0           -                   00:1c:73:00:00:01   Ethernet9          core-1.example.net
""",
        "parts": """\
Hardware inventory:
Item             Version  Part number  Serial number     Description
Chassis                                JN1111111AFB      MX480
Midplane         REV 05   710-017414   TR1111            MX480 Midplane
PEM 0            Rev 10   740-029970   QCS1111A          DC 2.4kW Power Entry Module
FPC 0            REV 20   750-031089   YL1111            MPC Type 2 3D
  CPU            REV 08   711-030884   YL2222            MPC PMB 2G
  MIC 0          REV 30   750-028392   YL3333            3D 20x 1GE(LAN) SFP
    PIC 0                 BUILTIN      BUILTIN           10x 1GE(LAN) SFP
      Xcvr 0     REV 01   740-011613   AM1111            SFP-SX
""",
    },
    "vrp": {
        "interfaces": """\
GigabitEthernet0/0/1 current state : UP
Line protocol current state : UP
Description:to access
Switch Port, PVID :   10, TPID : 8100(Hex), The Maximum Frame Length is 9216
IP Sending Frames' Format is PKTFMT_ETHNT_2, Hardware address is 4c1f-cc11-0001
Port Mode: COMMON COPPER
Speed : 1000,  Loopback: NONE
Duplex: FULL,  Negotiation: ENABLE

Vlanif10 current state : UP
Line protocol current state : UP
Description:
Route Port,The Maximum Transmit Unit is 1500
Internet Address is 198.51.100.6/24
IP Sending Frames' Format is PKTFMT_ETHNT_2, Hardware address is 4c1f-cc11-0000
""",
        "lldp": """\
GigabitEthernet0/0/1 has 1 neighbor(s):

Neighbor index :1
Chassis type   :MAC address
Chassis ID     :0011-2233-4400
Port ID type   :Interface name
Port ID        :GigabitEthernet1/0/24
Port description    :to vrp
System name         :edge-1
System description  :Cisco IOS
System capabilities supported   :bridge router
System capabilities enabled     :bridge
Management address type  :ipV4
Management address value :198.51.100.2
Expired time   :109s
""",
    },
    "comware": {
        "interfaces": """\
GigabitEthernet1/0/1
Current state: UP
Line protocol state: UP
Description: uplink
Bandwidth: 1000000 kbps
Maximum transmission unit: 1500
IP packet frame type: Ethernet II, hardware address: 70f9-6d00-0001
1000Mbps-speed mode, full-duplex mode

Vlan-interface1
Current state: DOWN
Line protocol state: DOWN
Description: Vlan-interface1 Interface
Bandwidth: 1000000 kbps
Internet address: 198.51.100.8/24 (primary)
""",
        "parts": """\
Slot 1 CPU 0:
DEVICE_NAME          : S5130-28S-HPWR-EI
DEVICE_SERIAL_NUMBER : 210235A1CVX111000001
MAC_ADDRESS          : 70F9-6D00-0000
MANUFACTURING_DATE   : 2016-01-01
VENDOR_NAME          : H3C
""",
    },
    "fortios": {
        "interfaces": (
            "== [ port1 ]\n"
            "name: port1   mode: static    ip: 198.51.100.10 255.255.255.0   status: up    netbios-forward: disable    "
            "type: physical   netflow-sampler: disable    sflow-sampler: disable    src-check: enable    "
            "explicit-web-proxy: disable    explicit-ftp-proxy: disable    proxy-captive-portal: disable    "
            "mtu-override: disable    wccp: disable    drop-overlapped-fragment: disable    drop-fragment: disable\n"
            "== [ ssl.root ]\nname: ssl.root   status: down   type: tunnel\n"
        ),
    },
    "panos": {
        "interfaces": """\
total configured hardware interfaces: 2

name                    id    speed/duplex/state            mac address
--------------------------------------------------------------------------------
ethernet1/1             16    1000/full/up                  00:1b:17:00:01:10
ethernet1/2             17    ukn/ukn/down(autoneg)         00:1b:17:00:01:11

aggregation groups: 0


total configured logical interfaces: 1

name                id    vsys zone             forwarding               tag    address
------------------- ----- ---- ---------------- ------------------------ ------ ------------------
ethernet1/1         16    1    trust            vr:default               0      198.51.100.11/24
""",
    },
    "routeros": {
        "interfaces": """\
 0  R  name=ether1 default-name=ether1 type=ether mtu=1500 actual-mtu=1500 l2mtu=1598 max-l2mtu=2028 """
        """mac-address=CC:2D:E0:00:00:01 last-link-up-time=jan/02/1970 00:00:10 link-downs=0
 1  X  name=ether2 default-name=ether2 type=ether mtu=1500 actual-mtu=1500 l2mtu=1598 max-l2mtu=2028 """
        """mac-address=CC:2D:E0:00:00:02 link-downs=0
""",
        "addresses": """\
Flags: X - disabled, I - invalid, D - dynamic
 #   ADDRESS            NETWORK         INTERFACE
 0   198.51.100.12/24   198.51.100.0    ether1
""",
        "lldp": (
            ' 0 interface=ether1 address=198.51.100.2 address4=198.51.100.2 mac-address=00:11:22:33:44:00 '
            'identity="edge-1" platform="Cisco" version="15.2" unpack=none age=12s interface-name="Gi1/0/9"\n'
        ),
    },
}  # fmt: skip
