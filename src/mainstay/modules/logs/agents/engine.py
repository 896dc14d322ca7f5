"""Configurations of log shippers as text: each is complete and runs as it is, given its token."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from mainstay.modules.logs.intake.tokens import ELEMENT

TOKEN_PLACE = "PUT-THE-TOKEN-HERE"  # noqa: S105
"""Stands in a configuration for the token, which is known only when it is made."""
CA_FILE = "/etc/ssl/certs/mainstay-syslog.pem"
_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(slots=True, frozen=True, kw_only=True)
class Target:
    """Where and how lines are to be sent."""

    url: str
    """Of the HTTP server, without a slash at the end."""
    host: str
    syslog_port: int
    tls_port: int
    transport: str
    token: str = TOKEN_PLACE
    files: tuple[str, ...] = ()
    journal: bool = True
    check_name: bool = False
    """Whether agents are to look for ``host`` in the TLS certificate. The one that is made here is trusted by itself,
    whatever name the server is reached under; one of an authority's many is the server's only by its name."""


@dataclass(slots=True, frozen=True)
class Made:
    """A configuration and what to do with it."""

    filename: str
    media_type: str
    content: str
    instructions: str


def make(kind: str, target: Target) -> Made:
    """The configuration for one kind of shipper."""
    return _MAKERS[kind](target)


def usable(text: str) -> str:
    """What of a name or path can stand in a configuration."""
    return _UNSAFE.sub("", text)


def _quoted(text: str) -> str:
    """A string that JSON, and with it YAML, reads; rsyslog and the shell have their own ways."""
    return json.dumps(usable(text), ensure_ascii=False)


def _pattern(path: str) -> str:
    """A path for Vector and the collector, which read ``$NAME`` as a variable of the environment, each version its own
    way: paths are patterns to them, and ``?`` is any character."""
    return _quoted(path.replace("$", "?"))


def _trust(target: Target) -> str:
    if target.transport != "tls":
        return ""
    if target.check_name:
        return f"Save the certificate of the authority that signed this server's as {CA_FILE}. "
    return f"Save this server's certificate (GET /api/intake/certificate/) as {CA_FILE}. "


def _rsyslog_string(text: str) -> str:
    return '"' + usable(text).replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") + '"'


def _shell(text: str) -> str:
    return "'" + usable(text).replace("'", "'\\''") + "'"


def rsyslog(target: Target) -> Made:
    """rsyslog 8: lines by RFC 5424, kept on disk while the server cannot be reached."""
    parts = ["# Sends log lines to Mainstay. Save as /etc/rsyslog.d/60-mainstay.conf and restart rsyslog.", ""]
    if target.files:
        parts.append('module(load="imfile")')
        parts += [
            f'input(type="imfile" file={_rsyslog_string(path)} tag={_rsyslog_string(_tag(path))} ruleset="mainstay")'
            for path in target.files
        ]
        parts.append("")
    parts += [
        'template(name="MainstayLine" type="list") {',
        '  constant(value="<") property(name="pri") constant(value=">1 ")',
        '  property(name="timereported" dateFormat="rfc3339") constant(value=" ")',
        '  property(name="hostname") constant(value=" ") property(name="app-name") constant(value=" ")',
        '  property(name="procid") constant(value=" ") property(name="msgid")',
        f'  constant(value=" [{ELEMENT} token=\\"{target.token}\\"]")',
        '  property(name="$.mainstay_data")',
        '  property(name="msg" spifno1stsp="on") property(name="msg" droplastlf="on")',
        "}",
        "",
        'ruleset(name="mainstay" queue.type="LinkedList" queue.filename="mainstay" queue.maxDiskSpace="1g"',
        '        queue.saveOnShutdown="on" queue.size="50000") {',
        '  set $.mainstay_data = "";',
        '  if $structured-data != "-" then set $.mainstay_data = $structured-data;',
        f"  action({_rsyslog_action(target)})",
        "}",
    ]
    if target.journal:
        parts += ["", "call mainstay"]
    text = "\n".join(parts) + "\n"
    steps = "Save it as /etc/rsyslog.d/60-mainstay.conf and restart rsyslog."
    if target.transport == "tls":
        steps = f"Install rsyslog-openssl. {_trust(target)}{steps}"
    return Made("60-mainstay.conf", "text/plain", text, steps)


def _rsyslog_action(target: Target) -> str:
    port = target.tls_port if target.transport == "tls" else target.syslog_port
    words = [
        'type="omfwd"', f"target={_rsyslog_string(target.host)}", f'port="{port}"', 'template="MainstayLine"',
        f'protocol="{"udp" if target.transport == "udp" else "tcp"}"', 'action.resumeRetryCount="-1"',
    ]  # fmt: skip
    if target.transport != "udp":
        words.append('TCP_Framing="octet-counted"')
    if target.transport == "tls":
        words += [
            'StreamDriver="ossl"', 'StreamDriverMode="1"', f'StreamDriver.CAFile="{CA_FILE}"',
            f'StreamDriverAuthMode="x509/{"name" if target.check_name else "certvalid"}"',
        ]  # fmt: skip
        if target.check_name:
            words.append(f"StreamDriverPermittedPeers={_rsyslog_string(target.host)}")
    return "\n         ".join(words)


def _tag(path: str) -> str:
    stem = usable(path).rstrip("/").rpartition("/")[2].removesuffix(".log").replace("*", "")
    return re.sub(r"[^A-Za-z0-9_.-]", "_", stem)[:32] + ":" if stem else "file:"


def fluent_bit(target: Target) -> Made:
    """Fluent Bit 2.2 and newer, in its YAML form."""
    parts = ["# Sends log lines to Mainstay. Save as /etc/fluent-bit/fluent-bit.yaml and start fluent-bit with -c.",
             "service:", "  flush: 1", "  storage.path: /var/lib/fluent-bit/mainstay", "pipeline:",
             "  inputs:"]  # fmt: skip
    for number, path in enumerate(target.files, 1):
        tag = _quoted("file." + _tag(path)[:-1])
        # Each input its own: at a start one takes what the others keep in a shared file for stale, and deletes it.
        parts += ["    - name: tail", f"      path: {_quoted(path)}", f"      tag: {tag}",
                  "      path_key: file", f"      db: /var/lib/fluent-bit/mainstay-files-{number}.db",
                  "      storage.type: filesystem"]  # fmt: skip
    if target.journal or not target.files:
        parts += ["    - name: systemd", "      tag: system", "      db: /var/lib/fluent-bit/mainstay-journal.db",
                  "      storage.type: filesystem"]  # fmt: skip
    # The name from the system: HOSTNAME is a variable of shells, a service has it not.
    parts += ["  filters:", "    - name: sysinfo", "      match: '*'", "      hostname_key: host"]
    if target.transport != "http":
        # The journal has its text under another name than files have.
        parts += ["    - name: modify", "      match: system", "      rename: MESSAGE log"]
    parts += ["  outputs:"]
    if target.transport == "http":
        address = urlsplit(target.url)
        secure = address.scheme == "https"
        parts += [
            "    - name: http", "      match: '*'", f"      host: {_quoted(address.hostname or target.host)}",
            f"      port: {address.port or (443 if secure else 80)}", "      uri: /api/logs/",
            "      format: json_lines", "      json_date_key: time", "      json_date_format: iso8601",
            "      compress: gzip", f"      header: Authorization ApiKey {target.token}",
            f"      tls: {'on' if secure else 'off'}", "      retry_limit: no_limits",
        ]  # fmt: skip
    else:
        parts += [
            "    - name: syslog", "      match: '*'", f"      host: {_quoted(target.host)}",
            f"      port: {target.tls_port if target.transport == 'tls' else target.syslog_port}",
            f"      mode: {'udp' if target.transport == 'udp' else target.transport}",
            "      syslog_format: rfc5424", "      syslog_hostname_key: host", "      syslog_message_key: log",
            "      syslog_severity_key: PRIORITY", "      syslog_appname_key: SYSLOG_IDENTIFIER",
            "      syslog_procid_key: _PID", "      syslog_maxsize: 60000", "      retry_limit: no_limits",
        ]  # fmt: skip
        if target.transport == "tls":
            parts += ["      tls: on", "      tls.verify: on", f"      tls.ca_file: {CA_FILE}"]
            parts += ["      tls.verify_hostname: on"] if target.check_name else []
    place = "/etc/fluent-bit/fluent-bit.yaml"
    steps = f"{_trust(target)}Save it as {place} and run: fluent-bit -c {place}"
    return Made("fluent-bit.yaml", "application/yaml", "\n".join(parts) + "\n", steps)


def vector(target: Target) -> Made:
    """Vector, in YAML; lines are acknowledged from end to end."""
    parts = ["# Sends log lines to Mainstay. Save as /etc/vector/vector.yaml, then: systemctl restart vector",
             "data_dir: /var/lib/vector", "sources:"]  # fmt: skip
    inputs = []
    if target.files:
        inputs.append("files")
        parts += ["  files:", "    type: file", "    include:"] + [f"      - {_pattern(path)}" for path in target.files]
    if target.journal or not target.files:
        inputs.append("journal")
        parts += ["  journal:", "    type: journald"]
    parts += ["sinks:", "  mainstay:"]
    if target.transport == "http":
        parts += [
            "    type: http", f"    inputs: {json.dumps(inputs)}", f"    uri: {_quoted(target.url + '/api/logs/')}",
            "    method: post", "    compression: gzip", "    encoding:", "      codec: json", "    framing:",
            "      method: newline_delimited", "    request:", "      headers:",
            f"        Authorization: {_quoted('ApiKey ' + target.token)}", "    acknowledgements:",
            "      enabled: true", "    buffer:", "      type: disk", "      max_size: 1073741824",
        ]  # fmt: skip
    else:
        mode = "udp" if target.transport == "udp" else "tcp"
        port = target.tls_port if target.transport == "tls" else target.syslog_port
        parts += [
            "    type: socket", f"    inputs: {json.dumps(inputs)}", f"    mode: {mode}",
            f"    address: {_quoted(f'{target.host}:{port}')}", "    encoding:", "      codec: text",
        ]  # fmt: skip
        if mode == "tcp":
            parts += ["    framing:", "      method: newline_delimited"]
        if target.transport == "tls":
            parts += ["    tls:", "      enabled: true", f"      ca_file: {CA_FILE}",
                      f"      verify_hostname: {json.dumps(target.check_name)}"]  # fmt: skip
    steps = f"{_trust(target)}Save it as /etc/vector/vector.yaml and restart vector."
    return Made("vector.yaml", "application/yaml", "\n".join(parts) + "\n", steps)


def otel_collector(target: Target) -> Made:
    """The OpenTelemetry Collector (contrib), sending by OTLP/HTTP with its queue on disk."""
    receivers: list[str] = []
    parts = ["# Sends log lines to Mainstay. Run: otelcol-contrib --config otel-collector.yaml", "extensions:",
             "  file_storage:", "    directory: /var/lib/otelcol", "    create_directory: true",
             "receivers:"]  # fmt: skip
    if target.files:
        receivers.append("filelog")
        parts += ["  filelog:", "    include:"] + [
            f"      - {_pattern(path)}" for path in target.files
        ]  # fmt: skip
        parts += ["    include_file_path: true", "    storage: file_storage"]
    if target.journal or not target.files:
        receivers.append("journald")
        parts += ["  journald:", "    storage: file_storage"]
    parts += [
        "processors:", "  resourcedetection:", "    detectors: [system]", "  batch:", "    timeout: 1s", "exporters:",
        "  otlphttp:", f"    logs_endpoint: {_quoted(target.url + '/v1/logs')}", "    compression: gzip",
        "    headers:",
        f"      Authorization: {_quoted('ApiKey ' + target.token)}", "    retry_on_failure:", "      enabled: true",
        "      max_elapsed_time: 0s", "    sending_queue:", "      enabled: true", "      storage: file_storage",
        "service:", "  extensions: [file_storage]", "  pipelines:", "    logs:",
        f"      receivers: {json.dumps(receivers)}", "      processors: [resourcedetection, batch]",
        "      exporters: [otlphttp]",
    ]  # fmt: skip
    steps = "Save it as otel-collector.yaml and run: otelcol-contrib --config otel-collector.yaml"
    return Made("otel-collector.yaml", "application/yaml", "\n".join(parts) + "\n", steps)


def shell(target: Target) -> Made:
    """Commands that send one line each, to try the way or to use in scripts."""
    host, port = _shell(target.host), target.syslog_port
    option = "--udp" if target.transport == "udp" else "--tcp --octet-count"
    flag = "-u -w1" if target.transport == "udp" else "-w1"
    token = target.token
    text = f"""#!/bin/sh
# Sends one line to Mainstay, in three ways. Usage: sh mainstay-log.sh [logger|nc|curl] "text of the line"
way=${{1:-logger}}
text=${{2:-hello from $(hostname)}}
case $way in
logger)
    logger --server {host} --port {port} {option} --rfc5424 \\
        --sd-id {ELEMENT} --sd-param 'token="{token}"' -- "$text" ;;
nc)
    printf '<13>1 - %s shell - - [{ELEMENT} token="{token}"] %s\\n' "$(hostname)" "$text" |
        nc {flag} {host} {port} ;;
curl)
    printf '<13>1 - %s shell - - - %s\\n' "$(hostname)" "$text" |
        curl --fail --silent --show-error --data-binary @- -H 'Content-Type: text/plain' \\
            -H 'Authorization: ApiKey {token}' {_shell(target.url + "/api/logs/")} ;;
*)
    echo "Say logger, nc or curl." >&2; exit 2 ;;
esac
"""
    return Made("mainstay-log.sh", "application/x-sh", text, 'Run: sh mainstay-log.sh logger "hello"')


_MAKERS = {
    "rsyslog": rsyslog, "fluent-bit": fluent_bit, "vector": vector, "otel-collector": otel_collector, "shell": shell,
}  # fmt: skip
