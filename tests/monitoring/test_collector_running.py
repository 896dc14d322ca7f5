"""A collector and its server as people run them: their own processes, TLS between them, and kill -9 of either."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mainstay.kernel.intake.certificate import certificate_files, server_context
from mainstay.settings import Settings
from tests.kernel.processes import Installation, once

pytestmark = once
LOGS = "/ux/logmanagement/log_search/log_search/logs/"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class TlsFront:
    """What stands before a server: takes TLS connections and passes on what is in them."""

    def __init__(self, folder: Path, port: int) -> None:
        settings = Settings(data_dir=folder, http_host="127.0.0.1")
        self.certificate, _key = certificate_files(settings)
        self.opened = 0
        self._target = port
        self._context = server_context(settings)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                raw, _peer = self._listener.accept()
                threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        with (
            suppress(OSError, ssl.SSLError),
            self._context.wrap_socket(raw, server_side=True) as near,
            socket.create_connection(("127.0.0.1", self._target)) as far,
        ):
            self.opened += 1
            threading.Thread(target=self._pass, args=(far, near), daemon=True).start()
            self._pass(near, far)

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError, ssl.SSLError):
            while data := source.recv(65536):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()


class Site:
    """A collector's host."""

    def __init__(self, home: Installation, folder: Path, url: str, token: str, certificate: Path) -> None:
        self.folder, self.log = folder, folder.with_suffix(".log")
        self.syslog, self.traps = free_port(), free_port()
        kept = {name: value for name, value in home.environment.items() if not name.startswith("MAINSTAY_")}
        self.environment = {
            **kept, "MAINSTAY_DATA_DIR": str(folder), "MAINSTAY_SERVER_URL": url, "MAINSTAY_COLLECTOR_TOKEN": token,
            "MAINSTAY_COLLECTOR_CA": str(certificate), "MAINSTAY_INTAKE_HOST": "127.0.0.1",
            "MAINSTAY_SYSLOG_PORT": str(self.syslog), "MAINSTAY_SYSLOG_TLS_PORT": "0",
            "MAINSTAY_TRAP_PORT": str(self.traps), "MAINSTAY_LOG_FORMAT": "json",
        }  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                Installation.command("collector"), env=self.environment, stdout=log, stderr=log
            )
        self.until(lambda: self.status().get("pid") == self.process.pid and self.status()["running"])

    def status(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.folder / "collector" / "status.json").read_text())
        except FileNotFoundError:
            return {}
        return found

    def waiting(self) -> int:
        """Bytes in the spool, as they are on the disk now."""
        return sum(path.stat().st_size for path in (self.folder / "collector").glob("*.seg"))

    def until(self, call: Callable[[], Any], seconds: float = 90) -> None:
        limit = time.monotonic() + seconds
        while not call():
            assert self.process is None or self.process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < limit, self.log.read_text()[-3000:]
            time.sleep(0.05)

    def end(self, number: int = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(60)
            self.process = None

    def lines(self, first: int, last: int) -> None:
        """Send lines over TCP and wait until every byte of them is on the disk of the collector, or handed over."""
        before = self.waiting()
        with socket.create_connection(("127.0.0.1", self.syslog)) as stream:
            for number in range(first, last):
                stream.sendall(b"<34>1 - router7 app - - - line %d\n" % number)
        if self.status()["server_problem"]:
            self.until(lambda: self.waiting() - before > (last - first) * 30)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Installation]:
    with Installation(tmp_path / "data") as made:
        made.set_up()
        yield made


def messages(home: Installation) -> list[str]:
    """The stored lines of the site, in the order in which they were stored."""
    answer = home.post(LOGS, {"query": 'host:"router7"', "limit": 500}).json()
    return [line["message"] for line in sorted(answer["results"], key=lambda line: int(line["id"]))]


def test_a_site_cut_off_and_killed_hands_everything_over_once_and_in_order(home: Installation, tmp_path: Path) -> None:
    home.serve()
    made = home.post("/api/collectors/", {"name": "Lyon", "networks": "127.0.0.0/8"}).json()["data"]
    front = TlsFront(tmp_path / "front", home.port)
    site = Site(home, tmp_path / "site", f"https://127.0.0.1:{front.port}", made["token"], front.certificate)
    try:
        site.start()
        site.lines(0, 40)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(b"<13>1 - datagram7 app - - - by datagram", ("127.0.0.1", site.syslog))
        trap = ["-v2c", "-c", "public", f"127.0.0.1:{site.traps}", "", ".1.3.6.1.6.3.1.1.5.3",
                ".1.3.6.1.2.1.2.2.1.1.7", "i", "7"]  # fmt: skip
        # An inform is answered once it is on the collector's disk.
        done = subprocess.run([str(shutil.which("snmpinform")), *trap], capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        site.until(lambda: len(messages(home)) == 40)
        site.until(lambda: home.get("/ux/common/trap/configuration/trap_msgs/")["results"])
        (got,) = home.get("/ux/common/trap/configuration/trap_msgs/")["results"]
        assert (got["source"], got["name"]) == ("127.0.0.1", "linkDown")
        found = home.post(LOGS, {"query": 'host:"datagram7"'}).json()["results"]
        assert [(line["message"], line["source"]) for line in found] == [("by datagram", "127.0.0.1")]
        site.until(lambda: home.get(f"/api/collectors/{made['id']}/")["state"] == "online")

        # It looks for devices at the site, too.
        given = {"label": "Lyon", "host": "127.0.0.1", "agent_id": "Lyon", "protocol": ["tcp"],
                 "params": {"tcp_ports": [site.syslog]}}  # fmt: skip
        discovery = home.post("/ux/ims/discovery/profile/", given).json()["id"]
        home.post("/ux/ims/discovery/profile/do-rescan/", {"id": discovery})
        audit = f"/ux/ims/discovery/profile/audit/?id={discovery}"
        site.until(lambda: home.get(audit)["results"])
        (seen,) = home.get(audit)["results"]
        assert (seen["result"], seen["open_ports"]) == ("added", [site.syslog])

        home.kill()
        site.lines(40, 80)  # the first of them may notice the server's end
        site.until(lambda: site.status()["server_problem"])
        site.lines(80, 120)
        site.end()
        site.start()
        site.until(lambda: site.status()["server_problem"])
        site.lines(120, 160)
        assert site.waiting()
        home.serve()
        site.until(lambda: len(messages(home)) >= 160)
        site.until(lambda: not site.status()["backlog"])
        assert messages(home) == [f"line {number}" for number in range(160)]

        home.run("collector", "--status", **site.environment)
        site.end(signal.SIGTERM)
        assert front.opened <= 4, "one connection at a time, kept"
        shown = home.run("collector", "--status", expect=1, **site.environment)
        assert "not running" in shown
        assert made["token"] not in site.log.read_text() + shown
    finally:
        site.end()
        front.close()


def test_a_server_with_another_certificate_gets_nothing(home: Installation, tmp_path: Path) -> None:
    front = TlsFront(tmp_path / "front", home.port)
    other = TlsFront(tmp_path / "other", home.port)
    site = Site(home, tmp_path / "site", f"https://127.0.0.1:{front.port}", "ms_" + "a" * 40, other.certificate)
    try:
        site.start()
        site.lines(0, 5)
        site.until(lambda: "certificate" in site.status()["server_problem"])
        assert site.waiting()
        assert not front.opened
        site.end(signal.SIGTERM)
    finally:
        site.end()
        front.close()
        other.close()
    refused = home.run("collector", expect=2, MAINSTAY_SERVER_URL="http://it.example.com", MAINSTAY_COLLECTOR_TOKEN="x")
    assert "http://" in refused
