"""Log agents: configurations that work, tokens shown once, uploads that are checked."""

from __future__ import annotations

import gzip
import json
import subprocess
import tomllib
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mainstay.modules.logs.agents import checking, engine
from tests.logs.lines import stored
from tests.support import World

PATH = "/ux/log_agent/log_agent_config/"


async def make(world: World, **values: Any) -> dict[str, Any]:
    answer = await world.post(PATH, {"name": "agent", "agent_type": "vector", **values}, expect=201)
    data: dict[str, Any] = answer["data"]
    return data


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}", f"GET {PATH}{{id}}/", f"DELETE {PATH}{{id}}/")
async def test_an_agent_has_a_token_that_brings_lines_and_ends_with_it(world: World) -> None:
    made = await make(world, name="web", agent_type="fluent-bit", files=["/var/log/nginx/*.log"])
    token = made["token"]
    assert token in made["configuration"]
    line = {"content": b'{"message": "by token"}', "headers": {"Authorization": f"ApiKey {token}",
                                                               "Content-Type": "application/x-ndjson"}}  # fmt: skip
    assert (await world.client.post("/api/logs/", **line)).status_code == 200
    assert [row["message"] for row in await stored(world)] == ["by token"]
    # It can do nothing else.
    denied = await world.client.get("/api/user", headers={"Authorization": f"ApiKey {token}"})
    refused = await world.client.get(PATH, headers={"Authorization": f"ApiKey {token}"})
    assert (denied.is_success, refused.status_code) == (True, 403)
    agent_id = made["log_agent_config_id"]
    for answer in (await world.get(PATH), await world.get(f"{PATH}{agent_id}/"), await world.get("/api/keys/"),
                   await world.get(f"{PATH}get_log_agent_config/?id={agent_id}"),
                   await world.get(f"{PATH}{agent_id}/history/")):  # fmt: skip
        assert token not in json.dumps(answer)
    [listed] = (await world.get(PATH))["results"]
    assert (listed["name"], listed["agent_type_name"], listed["token_prefix"]) == ("web", "Fluent Bit", token[:10])
    await world.delete(f"{PATH}{agent_id}/", expect=204)
    assert (await world.client.post("/api/logs/", **line)).status_code == 401
    await world.get(f"{PATH}{agent_id}/", expect=404)


@pytest.mark.proves(f"PUT {PATH}{{id}}/", f"GET {PATH}get_log_agent_config/")
async def test_a_changed_agent_has_another_configuration(world: World, stranger: World) -> None:
    made = await make(world, agent_type="vector", files=["/var/log/a.log"])
    agent_id = made["id"]
    record = await world.get(f"{PATH}{agent_id}/")
    await world.put(f"{PATH}{agent_id}/", {**record, "agent_type": "otel-collector", "files": ["/srv/b.log"]})
    found = await world.get(f"{PATH}get_log_agent_config/?id={agent_id}")
    document = yaml.safe_load(found["configuration"])
    assert document["receivers"]["filelog"]["include"] == ["/srv/b.log"]
    assert document["exporters"]["otlphttp"]["headers"]["Authorization"] == "ApiKey PUT-THE-TOKEN-HERE"
    assert found["filename"] == "otel-collector.yaml"
    file = await world.send("GET", f"{PATH}get_log_agent_config/?id={agent_id}&download=true")
    assert file.text == found["configuration"]
    assert file.headers["content-disposition"] == 'attachment; filename="otel-collector.yaml"'
    await stranger.get(f"{PATH}get_log_agent_config/?id={agent_id}", expect=404)
    answer = await world.put(f"{PATH}{agent_id}/", {"transport": "udp"}, expect=400)
    assert "OTLP" in answer["fields"]["transport"][0]


@pytest.mark.proves(f"POST {PATH}save_config/")
async def test_saving_makes_and_changes_an_agent_and_renews_its_token(world: World) -> None:
    made = (await world.post(f"{PATH}save_config/", {"name": "db", "agent_type": "shell"}))["data"]
    first = made["token"]
    again = await world.post(f"{PATH}save_config/", {"id": made["id"], "description": "changed"})
    assert "token" not in again["data"]
    assert "PUT-THE-TOKEN-HERE" in again["data"]["configuration"]
    renewed = (await world.post(f"{PATH}save_config/", {"id": made["id"], "new_token": True}))["data"]["token"]
    assert renewed != first
    record = await world.get(f"{PATH}{made['id']}/")
    assert (record["description"], record["token_prefix"]) == ("changed", renewed[:10])
    for token, status in ((first, 401), (renewed, 200)):
        headers = {"Authorization": f"ApiKey {token}", "Content-Type": "application/json"}
        assert (await world.client.post("/api/logs/", content=b"{}", headers=headers)).status_code == status
    editor = await world.granted({"log_agent_config": ("view", "edit")})
    await world.post(f"{PATH}save_config/", {"name": "x", "agent_type": "shell"}, by=editor, expect=403)
    # Nobody hands out a token for more than they may do.
    adder = await world.granted({"log_agent_config": ("view", "add")})
    await world.post(PATH, {"name": "x", "agent_type": "shell"}, by=adder, expect=403)


@pytest.mark.proves(f"GET {PATH}get_options/")
async def test_the_options_name_the_agents_and_this_server(world: World) -> None:
    answer = await world.get(f"{PATH}get_options/")
    assert [item["id"] for item in answer["choices"]["agent_type"]] == [
        "rsyslog", "fluent-bit", "vector", "otel-collector", "shell",
    ]  # fmt: skip
    assert answer["extra"]["ports"] == {"syslog": 0, "syslog_tls": 0}
    assert answer["extra"]["url"] == world.platform.settings.base_url


OWN = """data_dir: /var/lib/vector
sources:
  mine: {type: file, include: [/a.log]}
sinks:
  out: {type: http, inputs: [mine], uri: "http://127.0.0.1:0/api/logs/", encoding: {codec: json},
        request: {headers: {Authorization: "ApiKey ms_abcdefghijklmnopqrstuvwxyz0123456789"}}}
"""


@pytest.mark.proves(f"POST {PATH}upload_log_agent_config/")
async def test_an_uploaded_configuration_is_checked_and_kept_without_its_token(world: World) -> None:
    upload = f"{PATH}upload_log_agent_config/"
    probe = await world.post(upload, {"content": OWN, "check_only": True})
    assert (probe["agent_type"], probe["format"], probe["id"], probe["warnings"]) == ("vector", "yaml", "", [])
    assert (await world.get(PATH))["count"] == 0
    answer = await world.call("POST", upload, files={"file": ("own.yaml", OWN)}, data={"name": "own"})
    assert answer["token"].startswith("ms_")
    found = await world.get(f"{PATH}get_log_agent_config/?id={answer['id']}")
    assert found["is_custom"]
    assert found["configuration"] == OWN.replace("ms_abcdefghijklmnopqrstuvwxyz0123456789", "PUT-THE-TOKEN-HERE")
    elsewhere = await world.post(upload, {"content": OWN.replace("127.0.0.1:0", "logs.example.com"), "name": "other"})
    assert "names this server" in elsewhere["warnings"][0]
    classic = "[INPUT]\n    Name tail\n    Path /x\n[OUTPUT]\n    Name http\n    Host 127.0.0.1\n"
    changed = await world.post(upload, {"content": classic, "log_agent_config_id": answer["id"]})
    assert (changed["agent_type"], changed["format"], changed["token"]) == ("fluent-bit", "classic", "")
    assert (await world.get(f"{PATH}{answer['id']}/"))["agent_type"] == "fluent-bit"


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("", "provide a configuration"),
        ("sources:\n  a: {type: file}\n", "sinks"),
        ("sources: {a: {type: file}}\nsinks: {b: {type: http, inputs: [c]}}", "takes its input from c"),
        ("a: [1, 2\nb: 3\n", "line 2"),
        ("receivers: {a: {}}\nexporters: {}\nservice: {pipelines: {logs: {receivers: [a], exporters: [b]}}}", "uses b"),
        ("pipeline: {inputs: [{name: tail}], outputs: []}", "no output"),
        ('module(load="imfile")\naction(type="omfwd" target="x"\n', "Line 2"),
        ('module(load="imfile)\naction(type="omfwd")', "closed"),
        ("[INPUT]\n    Name tail\n[OUTPUT]\n    Host\n", "Line 4"),
        ("[sources.a]\ntype = 'file\n", "TOML"),
        ("just words", "neither"),
        ("a: &a [x]\n" + "".join(f"b{n}: [*a, *a]\n" for n in range(80)), "references"),
    ],
)
async def test_a_configuration_that_is_not_well_formed_is_refused_with_the_place(
    world: World, content: str, part: str
) -> None:
    answer = await world.post(f"{PATH}upload_log_agent_config/", {"content": content, "name": "bad"}, expect=400)
    assert part in answer["fields"]["content"][0]
    assert (await world.get(PATH))["count"] == 0


TARGET = engine.Target(url="https://m.example:8443", host="m.example", syslog_port=5514, tls_port=6514,
                       transport="http", token="ms_" + "t" * 43,
                       files=("/var/log/a b.log", '/x/"q$\'.log'))  # fmt: skip


OPTIONS: dict[str, dict[str, set[str]]] = {
    "fluent-bit": {
        "service": {"flush", "storage.path"},
        "tail": {"path", "tag", "path_key", "db", "storage.type"},
        "systemd": {"tag", "db", "storage.type"},
        "sysinfo": {"match", "hostname_key"},
        "modify": {"match", "rename"},
        "http": {"match", "host", "port", "uri", "format", "json_date_key", "json_date_format", "compress", "header",
                 "tls", "retry_limit"},
        "syslog": {"match", "host", "port", "mode", "syslog_format", "syslog_hostname_key", "syslog_message_key",
                   "syslog_severity_key", "syslog_appname_key", "syslog_procid_key", "syslog_maxsize", "retry_limit",
                   "tls", "tls.verify", "tls.ca_file", "tls.verify_hostname"},
    },
    "vector": {
        "file": {"include"}, "journald": set(),
        "http": {"inputs", "uri", "method", "compression", "encoding", "framing", "request", "acknowledgements",
                 "buffer"},
        "socket": {"inputs", "mode", "address", "encoding", "framing", "tls"},
        "tls": {"enabled", "ca_file", "verify_hostname"},
    },
    "otel-collector": {
        "file_storage": {"directory", "create_directory"}, "filelog": {"include", "include_file_path", "storage"},
        "journald": {"storage"}, "resourcedetection": {"detectors"}, "batch": {"timeout"},
        "otlphttp": {"logs_endpoint", "compression", "headers", "retry_on_failure", "sending_queue"},
        "retry_on_failure": {"enabled", "max_elapsed_time"}, "sending_queue": {"enabled", "storage"},
    },
}  # fmt: skip
"""The options of the parts that are used, as the programs' own documentation names them: these cannot run here."""


def unknown(kind: str, document: dict[str, Any]) -> None:
    """Fail for an option that the documentation of its part does not name."""
    known = OPTIONS[kind]
    if kind == "fluent-bit":
        parts = [("service", document["service"])]
        parts += [(item.pop("name"), item) for part in ("inputs", "filters", "outputs")
                  for item in document["pipeline"][part]]  # fmt: skip
    elif kind == "vector":
        assert set(document) == {"data_dir", "sources", "sinks"}
        parts = [(item.pop("type"), item) for part in ("sources", "sinks") for item in document[part].values()]
        parts += [("tls", item["tls"]) for _name, item in parts if "tls" in item]
    else:
        assert set(document) == {"extensions", "receivers", "processors", "exporters", "service"}
        parts = [part for name in ("extensions", "receivers", "processors", "exporters")
                 for part in document[name].items()]  # fmt: skip
        parts += [(name, document["exporters"]["otlphttp"][name]) for name in ("retry_on_failure", "sending_queue")]
    for name, found in parts:
        assert set(found or {}) <= known[name], name


async def test_what_the_shippers_send_comes_with_its_text_host_and_severity(world: World) -> None:
    """The requests of Fluent Bit, Vector and the collector with these configurations, as their documents have them."""
    fluent_bit = [
        {"time": "2026-11-28T12:00:00.123456Z", "log": "by a file", "file": "/var/log/a.log", "host": "web1"},
        {"time": "2026-11-28T12:00:01.000000Z", "PRIORITY": "3", "SYSLOG_IDENTIFIER": "sshd", "_PID": "77",
         "_HOSTNAME": "web1", "MESSAGE": "by the journal", "host": "web1"},
    ]  # fmt: skip
    vector = [
        {"file": "/var/log/a.log", "host": "web1", "message": "by a file", "source_type": "file",
         "timestamp": "2026-11-28T12:00:00.123456789Z"},
        {"PRIORITY": "3", "SYSLOG_IDENTIFIER": "sshd", "_PID": "77", "_HOSTNAME": "web1", "host": "web1",
         "message": "by the journal", "source_type": "journald", "timestamp": "2026-11-28T12:00:01Z"},
    ]  # fmt: skip
    body = {"kvlistValue": {"values": [
        {"key": key, "value": {"stringValue": value}} for key, value in (
            ("MESSAGE", "by the journal"), ("PRIORITY", "3"), ("SYSLOG_IDENTIFIER", "sshd"), ("_PID", "77"),
            ("_HOSTNAME", "web1"), ("__REALTIME_TIMESTAMP", "1"),
        )
    ]}}  # fmt: skip
    otlp = {"resourceLogs": [{
        "resource": {"attributes": [{"key": "host.name", "value": {"stringValue": "web1"}}]},
        "scopeLogs": [{"logRecords": [
            {"timeUnixNano": "1795867200123456789", "body": {"stringValue": "by a file"},
             "attributes": [{"key": "log.file.path", "value": {"stringValue": "/var/log/a.log"}}]},
            {"timeUnixNano": "1795867201000000000", "body": body},
        ]}],
    }]}  # fmt: skip
    for kind, lines in (("fluent-bit", fluent_bit), ("vector", vector), ("otel-collector", [otlp])):
        made = await make(world, name=kind, agent_type=kind)
        path = "/v1/logs" if kind == "otel-collector" else "/api/logs/"
        content = gzip.compress("\n".join(json.dumps(line) for line in lines).encode())
        form = "application/json" if kind == "otel-collector" else "application/x-ndjson"
        headers = {"Authorization": f"ApiKey {made['token']}", "Content-Type": form, "Content-Encoding": "gzip"}
        answer = await world.client.post(path, content=content, headers=headers)
        assert answer.status_code == 200, answer.text
    rows = await stored(world)
    assert [(row["message"], row["host"], row["app"], row["severity"], row["procid"], row["tags"]) for row in rows] == [
        ("by a file", "web1", "", 5, "", []), ("by the journal", "web1", "sshd", 3, "77", []),
    ] * 3  # fmt: skip
    assert {row["time"].strftime("%H:%M:%S") for row in rows} == {"12:00:00", "12:00:01"}
    assert [row["fields"].get("file") or row["fields"].get("log.file.path") for row in rows[::2]] == [
        "/var/log/a.log"
    ] * 3  # fmt: skip


@pytest.mark.parametrize("kind", ["rsyslog", "fluent-bit", "vector", "otel-collector", "shell"])
@pytest.mark.parametrize("transport", ["http", "tcp", "tls", "udp"])
@pytest.mark.parametrize("files", [(), TARGET.files])
def test_every_made_configuration_is_well_formed_and_names_server_and_token(
    kind: str, transport: str, files: tuple[str, ...]
) -> None:
    from dataclasses import replace

    made = engine.make(kind, replace(TARGET, transport=transport, files=files, journal=not files))
    found = checking.check(made.content, kind, ("m.example",))
    assert found.warnings == []
    if kind in ("rsyslog", "shell", "otel-collector") or transport == "http":
        assert TARGET.token in made.content
    if kind in OPTIONS:
        unknown(kind, yaml.safe_load(made.content))
    if kind == "fluent-bit":
        inputs = yaml.safe_load(made.content)["pipeline"]["inputs"]
        assert len({item["db"] for item in inputs}) == len(inputs), "two inputs keep their places in one file"
    if kind == "shell":
        subprocess.run(["sh", "-n"], input=made.content, text=True, check=True)
    elif kind != "rsyslog":
        assert all(path in json.dumps(yaml.safe_load(made.content), ensure_ascii=False).replace("\\", "")
                   for path in files[:1])  # fmt: skip
        if kind != "fluent-bit":
            # Vector and the collector read $NAME as a variable, each version of them in its own way.
            assert "$" not in made.content
    assert ("GET /api/intake/certificate/" in made.instructions) == (
        transport == "tls" and kind not in ("otel-collector", "shell")
    )


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from([
    "[INPUT]\n", "[a]\n", "Name x\n",
    "a: ", "- b\n", "{", "}", "(", ")", '"', "'", "#", "\n", "sources: ", "x = 1\n", "  ",
    "pipeline:\n", "service: {pipelines: ", "module(",
    "*.* @x\n", "&a ", "*a ", "\x00", "!!python/object:os.system x\n",
])).map("".join)))  # fmt: skip
def test_hostile_configurations_are_read_or_refused(text: str) -> None:
    for kind in ("", "rsyslog", "fluent-bit", "vector", "otel-collector", "shell"):
        try:
            checking.check(text, kind, ("m",))
        except checking.BadConfig:
            continue


def test_toml_is_read() -> None:
    text = '[sources.a]\ntype = "file"\ninclude = ["/x"]\n[sinks.b]\ntype = "http"\ninputs = ["a"]\nuri = "http://m/"\n'
    assert tomllib.loads(text)
    assert checking.check(text, "", ("m",)).format == "toml"
