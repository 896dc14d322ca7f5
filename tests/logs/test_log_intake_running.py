"""The intake of a running server: real senders on real ports, kill -9, storms, certificates."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.kernel.processes import Installation, once

pytestmark = once


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Intake(Installation):
    """An installation that receives syslog."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(folder)
        self.syslog, self.tls = free_port(), free_port()
        self.environment |= {"MAINSTAY_SYSLOG_PORT": str(self.syslog), "MAINSTAY_SYSLOG_TLS_PORT": str(self.tls)}
        self.environment |= {f"MAINSTAY_{name.upper()}": str(value) for name, value in settings.items()}

    def health(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get("/api/intake/")
        return found

    def listener(self, name: str) -> dict[str, Any]:
        return next(item for item in self.health()["listeners"] if item["name"] == name)

    def stored(self, count: int, seconds: float = 30) -> None:
        """Wait until so many lines are stored."""
        until = time.monotonic() + seconds
        while (health := self.health())["stored"] < count:
            assert time.monotonic() < until, health
            time.sleep(0.05)

    def messages(self, where: str = "1") -> list[str]:
        """The stored messages; the server must not run, the folder belongs to one process."""
        return self.several(where)[0]

    def several(self, *wheres: str) -> list[list[str]]:
        """The same for several conditions, in one go: to open the store takes a second."""
        program = (
            "import sys, json, clickhouse_connect\n"
            "client = clickhouse_connect.get_client(dsn='chdb://' + sys.argv[1])\n"
            "ask = 'SELECT message FROM log_lines WHERE {} ORDER BY id'.format\n"
            "answers = [client.query(ask(where)).result_rows for where in sys.argv[2:]]\n"
            "print(json.dumps([[row[0] for row in rows] for rows in answers]))\n"
        )
        command = [self.command()[0], "-c", program, str(self.folder.resolve() / "telemetry"), *wheres]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        found: list[list[str]] = json.loads(done.stdout)
        return found


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Intake]:
    with Intake(tmp_path / "data") as made:
        made.set_up()
        yield made


def test_udp_tcp_and_tls_lines_are_stored_whatever_their_framing(home: Intake) -> None:
    home.serve()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        for number in range(1000):
            udp.sendto(b"<34>1 2026-10-11T22:14:15Z h app - - - udp %d" % number, ("127.0.0.1", home.syslog))
            if number % 100 == 0:
                time.sleep(0.01)
    with socket.create_connection(("127.0.0.1", home.syslog)) as tcp:
        tcp.sendall(
            b"".join(b"<34>Oct 11 22:14:15 h app: line %d\n" % number for number in range(1000)) + b"<34>app: last"
        )
    counted = [b"<34>Oct 11 22:14:15 h app: counted %d\nsecond line" % number for number in range(1000)]
    with socket.create_connection(("127.0.0.1", home.syslog)) as tcp:
        tcp.sendall(b"".join(b"%d %b" % (len(message), message) for message in counted))
    answer = httpx.get(f"{home.url}/api/intake/certificate/", headers=home.headers)
    trusting = ssl.create_default_context(cadata=answer.text)
    with (
        socket.create_connection(("127.0.0.1", home.tls)) as plain,
        trusting.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        tls.sendall(b"<34>Oct 11 22:14:15 h app: over tls\n")
    home.stored(3002)
    health = home.health()
    assert (health["status"], health["parsed"], health["unparsed"]) == ("ok", 3002, 0)
    assert {item["name"]: item["received"] for item in health["listeners"]} == {
        "syslog-udp": 1000, "syslog-tcp": 2001, "syslog-tls": 1,
    }  # fmt: skip
    metrics = httpx.get(f"{home.url}/metrics").text
    assert 'mainstay_intake_received_total{listener="syslog-udp"} 1000.0' in metrics
    assert "mainstay_log_lines_stored_total 3002.0" in metrics
    home.stop()
    found = home.messages()
    assert sorted(found) == sorted(
        [f"udp {n}" for n in range(1000)] + [f"line {n}" for n in range(1000)] + ["last", "over tls"]
        + [f"counted {n}\nsecond line" for n in range(1000)]
    )  # fmt: skip


def test_a_wrong_certificate_is_refused_on_both_sides_and_counted(home: Intake, tmp_path: Path) -> None:
    files = []
    for name in ("ca", "stranger"):
        key, certificate = tmp_path / f"{name}.key", tmp_path / f"{name}.crt"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                   "-days", "2",
                   "-keyout", key, "-out", certificate, "-subj", f"/CN={name}",
                   "-addext", "subjectAltName=DNS:localhost"]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
        files.append((certificate, key))
    (good, good_key), (bad, bad_key) = files
    home.environment |= {
        "MAINSTAY_SYSLOG_TLS_CERT": str(good), "MAINSTAY_SYSLOG_TLS_KEY": str(good_key),
        "MAINSTAY_SYSLOG_TLS_CLIENT_CA": str(good),
    }  # fmt: skip
    home.serve()

    def send(trusted: Path, own: tuple[Path, Path] | None) -> None:
        context = ssl.create_default_context(cafile=str(trusted))
        if own:
            context.load_cert_chain(*own)
        with (
            socket.create_connection(("127.0.0.1", home.tls), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as tls,
        ):
            tls.sendall(b"<34>Oct 11 22:14:15 h app: text\n")
            # With TLS 1.3 a client learns of its refusal when it reads.
            tls.settimeout(1)
            with contextlib.suppress(TimeoutError):
                assert tls.recv(1) != b"", "closed"

    with pytest.raises(ssl.SSLCertVerificationError):
        send(bad, (good, good_key))
    for own in (None, (bad, bad_key)):
        with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
            send(good, own)
    send(good, (good, good_key))
    with socket.create_connection(("127.0.0.1", home.tls)) as plain:
        plain.sendall(b"<34>no tls at all\n")
        assert plain.recv(100)[:1] in (b"", b"\x15")
    home.stored(1)
    listener = home.listener("syslog-tls")
    assert (listener["received"], listener["refused"]) == (1, 4)


def test_kill_9_under_load_loses_nothing_that_was_acknowledged(home: Intake) -> None:
    home.serve()
    acknowledged: list[int] = []
    stop = threading.Event()

    def post(first: int) -> None:
        number = first
        with httpx.Client(headers={**home.headers, "Content-Type": "application/x-ndjson"}) as client:
            while not stop.is_set():
                lines = range(number, number + 50)
                body = "\n".join(json.dumps({"message": f"line {n}"}) for n in lines)
                with contextlib.suppress(httpx.HTTPError):
                    if client.post(f"{home.url}/api/logs/", content=body, timeout=20).status_code == 200:
                        acknowledged.extend(lines)
                number += 50

    def stream() -> None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", home.syslog)) as tcp:
            for number in range(10_000_000):
                tcp.sendall(
                    b"".join(b"<34>1 - h app - - - tcp %d\n" % n for n in range(number * 100, number * 100 + 100))
                )
                time.sleep(0.002)

    for round_ in range(2):
        senders = [threading.Thread(target=post, args=(10_000_000 * (10 * round_ + at),)) for at in range(3)]
        senders.append(threading.Thread(target=stream))
        stop.clear()
        before = len(acknowledged)
        for sender in senders:
            sender.start()
        until = time.monotonic() + 30
        while len(acknowledged) < before + 1000 and time.monotonic() < until:
            time.sleep(0.05)
        told = home.health()["stored"]
        home.kill()
        stop.set()
        for sender in senders:
            sender.join()
        assert len(acknowledged) >= before + 1000
        found = home.messages()
        # What the server said was stored is, by TCP as well.
        assert len(found) >= told
        assert set(acknowledged) <= {int(m.removeprefix("line ")) for m in found if m.startswith("line ")}
        assert len(found) == len(set(found)) or round_, "nothing came twice"
        home.serve()


def test_a_storm_from_one_sender_leaves_the_others_whole(home: Intake) -> None:
    home.environment["MAINSTAY_SYSLOG_SOURCE_LIMIT"] = "1000"
    home.serve()
    stop = threading.Event()
    sent = 0

    def storm() -> None:
        nonlocal sent
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.66", 0))
            while not stop.is_set():
                for _ in range(100):
                    sock.sendto(b"<34>1 - storm app - - - storm", ("127.0.0.1", home.syslog))
                    sent += 1
                time.sleep(0.005)

    thread = threading.Thread(target=storm)
    thread.start()
    quiet = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
    for at, sock in enumerate(quiet):
        sock.bind((f"127.0.0.{70 + at}", 0))
    for number in range(1500):
        quiet[number % 3].sendto(b"<34>1 - quiet app - - - quiet %d" % number, ("127.0.0.1", home.syslog))
        time.sleep(0.001)
    stop.set()
    thread.join()
    for sock in quiet:
        sock.close()
    until = time.monotonic() + 30
    while home.listener("syslog-udp")["received"] < sent + 1500 and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(6)  # the summary is written every five seconds
    listener = home.listener("syslog-udp")
    assert listener["dropped_by_kernel"] == 0
    assert listener["storm_limited"] > 0
    assert home.health()["status"] == "losing"
    limited = {item["source"]: item["storm_limited"] for item in home.health()["sources"]}
    assert limited["127.0.0.66"] == listener["storm_limited"]
    home.stop()
    others, storms, summaries = home.several(
        "app = 'app' AND host = 'quiet'", "host = 'storm'", "has(tags, '_storm')"
    )  # fmt: skip
    assert set(others) == {f"quiet {n}" for n in range(1500)}
    assert len(storms) == sent - listener["storm_limited"]
    assert sum(int(text.split()[2]) for text in summaries) == listener["storm_limited"]


def test_a_taken_port_is_reported_and_the_rest_works(home: Intake) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", home.tls))
        taken.listen()
        home.serve()
        health = home.health()
        assert health["status"] == "failing"
        trouble = next(item for item in health["listeners"] if not item["listening"])
        assert trouble["name"] == "syslog-tls"
        assert str(home.tls) in trouble["trouble"]
        assert home.get("/api/user")["username"] == "admin"


@pytest.mark.skipif(not shutil.which("rsyslogd"), reason="rsyslog is not installed")
def test_rsyslog_sends_with_the_configuration_that_is_made_for_it(home: Intake, tmp_path: Path) -> None:
    home.serve()
    watched = tmp_path / "app.log"
    watched.write_text("")
    made = home.post("/ux/log_agent/log_agent_config/", {
        "name": "host", "agent_type": "rsyslog", "files": [str(watched)], "journal": True,
    }).json()["data"]  # fmt: skip
    config = tmp_path / "rsyslog.conf"
    spool = tmp_path / "spool"
    spool.mkdir()
    local = free_port()
    config.write_text(
        f'global(workDirectory="{spool}")\nmodule(load="imtcp")\n'
        f'input(type="imtcp" port="{local}" address="127.0.0.1")\n' + made["configuration"]
    )
    program = shutil.which("rsyslogd") or "rsyslogd"
    checked = subprocess.run([program, "-N1", "-f", str(config)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    agent = subprocess.Popen([program, "-n", "-f", str(config), "-i", str(tmp_path / "pid")], stderr=subprocess.PIPE)
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", local)) as tcp:
                tcp.sendall(
                    b'<34>1 2026-10-11T22:14:15Z web1 su 12 ID1 [x@1 a="b"] by rsyslog\n'
                    b"<34>Oct 11 22:14:15 web2 cron: old\n"
                )
                break
            time.sleep(0.1)
        with watched.open("a") as file:
            file.write("from a file\n")
        home.stored(3)
    finally:
        agent.terminate()
        agent.wait(20)
    home.stop()
    token = made["token"]
    every, full, secret = home.several(
        "1",
        "host = 'web1' AND app = 'su' AND fields['x@1.a'] = 'b' AND msgid = 'ID1'",
        f"position(toString(fields), '{token}') > 0 OR position(message, '{token}') > 0",
    )
    assert {"by rsyslog", "old", "from a file"} <= set(every)
    assert full == ["by rsyslog"]
    assert secret == []


@pytest.mark.skipif(not shutil.which("logger"), reason="logger is not installed")
def test_the_shell_configuration_sends_lines(home: Intake, tmp_path: Path) -> None:
    home.serve()
    made = home.post("/ux/log_agent/log_agent_config/", {"name": "sh", "agent_type": "shell"}).json()["data"]
    script = tmp_path / "send.sh"
    script.write_text(made["configuration"])
    ways = [way for way in ("logger", "nc", "curl") if shutil.which(way)]
    for way in ways:
        subprocess.run(["sh", str(script), way, f"hello by {way}"], check=True, timeout=20)
    home.stored(len(ways))
    home.stop()
    assert set(home.messages()) == {f"hello by {way}" for way in ways}
