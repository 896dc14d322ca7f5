"""A computer with Windows as WinRM shows it: a WS-Management server over HTTP that asks for NTLM and encrypts."""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode, b64encode
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import spnego
from pypsrp.encryption import WinRMEncryption

from tests.monitoring.listening import Listening

SOAP, WSA = "http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSMAN, WSEN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd", "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
ROWS: dict[str, list[dict[str, Any]]] = {
    "Win32_OperatingSystem": [{
        "Caption": "Microsoft Windows Server 2019 Standard", "Version": "10.0.17763", "BuildNumber": "17763",
        "OSArchitecture": "64-bit", "ProductType": "3", "CSName": "FILES-1", "TotalVisibleMemorySize": "8388084",
    }],
    "Win32_ComputerSystem": [{
        "Name": "FILES-1", "DNSHostName": "files-1", "Domain": "corp.example.net", "PartOfDomain": "true",
        "Manufacturer": "Dell Inc.", "Model": "PowerEdge R640", "NumberOfLogicalProcessors": "16",
    }],
    "Win32_BIOS": [{"SerialNumber": "5XYZ123"}],
    "Win32_ComputerSystemProduct": [{"UUID": "4C4C4544-0058-5910-805A-B5C04F313233", "IdentifyingNumber": "5XYZ123"}],
    "Win32_NetworkAdapter": [
        {"Index": "1", "InterfaceIndex": "4", "Name": "Broadcom NetXtreme", "NetConnectionID": "Ethernet",
         "NetConnectionStatus": "2", "MACAddress": "D0:94:66:00:00:01", "Speed": "1000000000",
         "PhysicalAdapter": "true", "ConfigManagerErrorCode": "0"},
        {"Index": "2", "InterfaceIndex": "6", "Name": "Broadcom NetXtreme #2", "NetConnectionID": "Ethernet 2",
         "NetConnectionStatus": "0", "MACAddress": None, "Speed": "9223372036854775807", "PhysicalAdapter": "true",
         "ConfigManagerErrorCode": "22"},
    ],
    "Win32_NetworkAdapterConfiguration": [{"Index": "1", "IPAddress": ["198.51.100.20", "fe80::1"], "MTU": "1500"}],
    "Win32_LogicalDisk": [{"DeviceID": "C:", "VolumeName": "System", "Size": "107374182400",
                           "FreeSpace": "53687091200", "FileSystem": "NTFS"}],
    "Win32_DiskDrive": [{"Index": "0", "Model": "PERC H730P", "SerialNumber": "00aabb", "FirmwareRevision": "4.27",
                         "Manufacturer": "(Standard disk drives)"}],
    "Win32_PhysicalMemory": [
        {"DeviceLocator": f"A{n}", "BankLabel": "", "PartNumber": "M393A2K43CB2", "SerialNumber": f"0{n}AABBCC",
         "Manufacturer": "Samsung"} for n in range(1, 4)
    ],
}  # fmt: skip
PROGRAMS = {
    "{AAA}": {"DisplayName": "7-Zip 23.01 (x64)", "DisplayVersion": "23.01", "Publisher": "Igor Pavlov"},
    "KB5000001": {},
    "Agent & Co": {"DisplayName": "Agent & Co", "DisplayVersion": "1.2", "Publisher": "Example"},
}


class Windows(Listening):
    """Answers questions in WQL from its rows, two at a time, and the registry."""

    def __init__(self, rows: dict[str, list[dict[str, Any]]] | None = None) -> None:
        self.rows = ROWS if rows is None else rows
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.questions: list[str] = []
        self.open: dict[str, list[str]] = {}
        self.redirect = self.junk = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        context: Any = None
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                size = re.search(r"(?i)content-length: *(\d+)", head)
                body = await reader.readexactly(int(size[1])) if size else b""
                self.heads.append(head)
                self.bodies.append(body)
                given = re.search(r"(?i)\nauthorization: *\w+ ([\w+/=]+)", head)
                extra, status, kind, said = "", 200, "text/plain", b""
                if self.redirect:
                    status, extra = 307, f"Location: {self.redirect}\r\n"
                elif context is None or (given and not context.complete):
                    if given:
                        context = context or spnego.server(
                            protocol="ntlm", options=spnego.NegotiateOptions.wrapping_winrm
                        )
                        try:
                            token = context.step(b64decode(given[1]))
                        except spnego.exceptions.SpnegoError:
                            context, token = None, None
                        extra = f"WWW-Authenticate: Negotiate {b64encode(token).decode()}\r\n" if token else ""
                    if context is None or not context.complete:
                        status, extra = 401, extra or "WWW-Authenticate: Negotiate\r\n"
                if status == 200 and body:
                    kind, said, status = self._answer(context, head, body)
                extra += f"Content-Type: {kind}\r\nContent-Length: {len(said)}\r\n"
                writer.write(f"HTTP/1.1 {status} X\r\n{extra}\r\n".encode() + said)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def _answer(self, context: Any, head: str, body: bytes) -> tuple[str, bytes, int]:
        if self.junk:
            return "text/xml", self.junk.encode(), 200
        wrap = WinRMEncryption(context, WinRMEncryption.SPNEGO)
        secret = "multipart/encrypted" in head
        answer, status = self._soap(wrap.unwrap_message(body, "Encrypted Boundary") if secret else body)
        if not secret:
            return "application/soap+xml;charset=UTF-8", answer.encode(), status
        kind, said = wrap.wrap_message(answer.encode())
        return f'{kind};protocol="{wrap.protocol}";boundary="Encrypted Boundary"', said, status

    def _soap(self, body: bytes) -> tuple[str, int]:
        asked = ElementTree.fromstring(body)
        action = next(asked.iter(f"{{{WSA}}}Action")).text or ""
        message = next(asked.iter(f"{{{WSA}}}MessageID")).text
        status = 200
        if action.endswith("/Enumerate"):
            query = next(asked.iter(f"{{{WSMAN}}}Filter")).text or ""
            self.questions.append(query)
            found = re.search(r"FROM (\w+)", query)
            assert found is not None
            wanted = re.match(r"SELECT (\S+) ", query)
            assert wanted is not None
            if found[1] in self.rows:
                inner = self._page("Enumerate", WSMAN, [self._instance(found[1], row, wanted[1].split(","))
                                                        for row in self.rows[found[1]]])  # fmt: skip
            else:
                status = 500
                inner = ("<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code><s:Reason><s:Text xml:lang='en-US'>"
                         "Access is denied.</s:Text></s:Reason></s:Fault>")  # fmt: skip
        elif action.endswith("/Pull"):
            key = next(asked.iter(f"{{{WSEN}}}EnumerationContext")).text or ""
            inner = self._page("Pull", WSEN, self.open.pop(key))
        else:
            inner = self._registry(action, asked)
        head = f"<s:Header><a:RelatesTo>{message}</a:RelatesTo></s:Header>"
        return (f'<s:Envelope xmlns:s="{SOAP}" xmlns:a="{WSA}" xmlns:n="{WSEN}" xmlns:w="{WSMAN}">{head}'
                f"<s:Body>{inner}</s:Body></s:Envelope>"), status  # fmt: skip

    def _page(self, what: str, space: str, rows: list[str]) -> str:
        key = f"uuid:{len(self.open)}-{len(rows)}"
        if rest := rows[2:]:
            self.open[key] = rest
        end = "" if rest else f'<x:EndOfSequence xmlns:x="{space}"/>'
        return (f"<n:{what}Response><n:EnumerationContext>{key if rest else ''}</n:EnumerationContext>"
                f'<x:Items xmlns:x="{space}">{"".join(rows[:2])}</x:Items>{end}</n:{what}Response>')  # fmt: skip

    @staticmethod
    def _instance(name: str, row: dict[str, Any], wanted: list[str]) -> str:
        assert set(wanted) == set(row), name
        nil = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"'
        values = "".join(
            f"<{key} {nil}/>" if one is None else f"<{key}>{escape(one)}</{key}>"
            for key, value in row.items() for one in (value if isinstance(value, list) else [value])
        )  # fmt: skip
        return f"<w:XmlFragment>{values}</w:XmlFragment>"

    @staticmethod
    def _registry(action: str, asked: ElementTree.Element) -> str:
        uri, _slash, method = action.rpartition("/")
        given = {one.tag.rpartition("}")[2]: one.text or "" for one in next(asked.iter(f"{{{uri}}}{method}_INPUT"))}
        assert given["hDefKey"] == "2147483650"
        if method == "EnumKey":
            found = [] if "WOW6432Node" in given["sSubKeyName"] else list(PROGRAMS)
            values = "".join(f"<p:sNames>{escape(one)}</p:sNames>" for one in found)
        else:
            value = PROGRAMS[given["sSubKeyName"].rpartition("\\")[2]].get(given["sValueName"])
            values = f"<p:sValue>{escape(value)}</p:sValue>" if value is not None else ""
        return f'<p:{method}_OUTPUT xmlns:p="{uri}">{values}<p:ReturnValue>0</p:ReturnValue></p:{method}_OUTPUT>'
