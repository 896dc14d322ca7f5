"""The documented messengers over real servers: every operation's effect, through the API."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mainstay.modules.integrations.messenger.sender import Sender
from tests.integrations.receivers import Receiver, Reply, allow, channel, ended, tcp_sink, udp_sink, until
from tests.support import World

API, SMS = "/ux/common/messenger/3api/", "/ux/common/messenger/sms/"
SYSLOG, BEEP = "/ux/common/messenger/syslog/", "/ux/common/messenger/beep/"
SUPPRESSED = "/ux/common/messenger/suppressed/"
LATER = "2099-01-01T00:00:00+00:00"


def verified(request: Any, secret: str) -> bool:
    """As a receiver checks it, after the Standard Webhooks specification."""
    content = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(wanted, request.headers["webhook-signature"])


@pytest.mark.proves(f"POST {API}", f"GET {API}{{id}}/", f"GET {API}")
async def test_an_api_call_arrives_signed(world: World, receiver: Receiver) -> None:
    made = await channel(world, "api", url=f"{receiver.url}/hook")
    secret = made["signing_secret"]
    sent = await world.post(API, {"api_data": {"payload": {"ticket": 7}}, "subject": "Hello"}, expect=201)
    record = sent["data"]["communication_id"]
    found = await ended(world, record)
    (request,) = receiver.requests
    assert (request.method, request.path) == ("POST", "/hook")
    assert verified(request, secret)
    assert abs(int(request.headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    body = json.loads(request.body)
    assert (body["data"], body["subject"], body["id"]) == ({"ticket": 7}, "Hello", record)
    assert not verified(receiver.requests[0], "whsec_" + base64.b64encode(b"x" * 32).decode())
    read = await world.get(f"{API}{record}/")
    assert read["type"] == "api"
    assert read["msg_type"] == 3
    assert read["api_data"]["payload"] == {"ticket": 7}
    assert (read["api_data"]["response_status"], read["api_data"]["response"]) == (200, "taken")
    assert read["received_config_id"] == made["id"]
    assert found["latency_ms"] >= 0
    listed = await world.get(API)
    assert [row["communication_id"] for row in listed["results"]] == [record]
    assert listed["results"][0]["api_data"]["payload"] == {"ticket": 7}
    # The secret is shown once: neither the channel nor the log has it.
    for path in (f"/api/notification-channels/{made['id']}/", f"/api/notification-channels/{made['id']}/history/", API):
        assert secret not in json.dumps(await world.get(path))


async def test_ten_retries_with_growing_pauses_then_failed(world: World, receiver: Receiver, sender: Sender) -> None:
    sender.first_pause = 0.01
    made = await channel(world, "api", url=receiver.url)
    receiver.usual = Reply(503, b"not now")
    record = (await world.post(API, {"message": "x"}, expect=201))["id"]
    found = await ended(world, record, "failed", 30)
    assert len(receiver.requests) == 11
    assert (found["attempts"], found["response_status"], found["error"]) == (11, 503, "Answered with 503.")
    tries = (await world.get(f"/api/notifications/{record}/attempts/"))["results"]
    assert [item["number"] for item in tries] == list(range(1, 12))
    assert [item["outcome"] for item in tries] == ["retry"] * 10 + ["failed"]
    assert {item["response"] for item in tries} == {"not now"}
    # Each pause is at least half of a doubled one.
    gaps = [later.at - earlier.at for earlier, later in zip(receiver.requests, receiver.requests[1:], strict=False)]
    assert gaps[7] >= 0.01 * 2**7 / 2
    assert gaps[9] > gaps[3]
    # Sent again by hand when the receiver is well.
    receiver.usual = Reply()
    await world.patch(f"{API}{record}/", {"status": "queued"})
    assert (await ended(world, record))["attempts"] == 1
    assert made["retries"] == 10


async def test_a_refusal_that_will_not_pass_is_not_repeated(world: World, receiver: Receiver) -> None:
    await channel(world, "api", url=receiver.url)
    receiver.usual = Reply(404, b"gone")
    record = (await world.post(API, {"message": "x"}, expect=201))["id"]
    assert (await ended(world, record, "failed"))["attempts"] == 1
    receiver.usual = Reply(302, headers={"Location": "/there"})
    record = (await world.post(API, {"message": "x"}, expect=201))["id"]
    assert "redirect" in (await ended(world, record, "failed"))["error"]


async def test_a_dead_target_keeps_its_order_and_holds_up_nobody(
    world: World, receiver: Receiver, sender: Sender
) -> None:
    sender.first_pause = 0.3
    dead = await channel(world, "api", url=f"{receiver.url}/dead", name="dead")
    live = await channel(world, "sms", url=f"{receiver.url}/live", name="live")
    receiver.replies = [Reply(500)]
    first = [(await world.post(API, {"channel": dead["id"], "subject": f"{n}", "body": f"{n}"}))["id"]
             for n in range(5)]  # fmt: skip
    await until(lambda: receiver.requests)
    other = [(await world.post(SMS, {"channel": live["id"], "sms_data": {"to": f"+4912300{n}", "message": "go"}}))["id"]
             for n in range(20)]  # fmt: skip
    for record in [*first, *other]:
        await ended(world, record, seconds=20)
    order = [json.loads(item.body)["subject"] for item in receiver.requests if item.path == "/dead"]
    assert order == ["0", "0", "1", "2", "3", "4"]
    lives = [item.at for item in receiver.requests if item.path == "/live"]
    assert len(lives) == 20
    again = [item.at for item in receiver.requests if item.path == "/dead"][1]
    assert min(lives) < again, "the others waited for the dead one"


@pytest.mark.proves(f"PUT {API}{{id}}/", f"PATCH {API}{{id}}/", f"DELETE {API}{{id}}/")
async def test_a_waiting_api_call_is_edited_and_withdrawn(world: World, receiver: Receiver) -> None:
    await channel(world, "api", url=receiver.url)
    record = (await world.post(API, {"message": "old", "send_at": LATER}, expect=201))["id"]
    other = (await world.post(API, {"message": "never", "send_at": LATER}, expect=201))["id"]
    assert (await world.get(f"{API}{record}/"))["status"] == "held"
    read = await world.get(f"{API}{record}/")
    # The record as it was read, with one of its two texts edited.
    await world.put(f"{API}{record}/", {**read, "api_data": {**read["api_data"], "message": "new"}})
    assert (await world.get(f"{API}{record}/"))["body"] == "new"
    await world.patch(f"{API}{record}/", {"body": "newest"})
    await world.delete(f"{API}{other}/", expect=204)
    await world.get(f"{API}{other}/", expect=404)
    assert receiver.requests == []
    await world.patch(f"{API}{record}/", {"status": "queued"})
    await ended(world, record)
    assert [json.loads(item.body)["text"] for item in receiver.requests] == ["newest"]
    await world.patch(f"{API}{record}/", {"body": "too late"}, expect=409)
    # Of one messenger, not of another.
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        await world.call(method, f"{SMS}{record}/", expect=404, **({"json": {}} if method.startswith("P") else {}))


@pytest.mark.proves(f"POST {SMS}", f"GET {SMS}", f"GET {SMS}{{id}}/")
async def test_an_sms_goes_through_the_gateway(world: World, receiver: Receiver) -> None:
    await channel(
        world, "sms", url=f"{receiver.url}/send?to={{{{ recipient }}}}", method="POST",
        headers={"Authorization": "Bearer {{ credential }}"}, credential="s3cret-token",
        body='{"to": "{{ recipient }}", "text": "{{ text }}"}', expect="OK",
    )  # fmt: skip
    receiver.usual = Reply(200, b"OK, said Bearer s3cret-token")
    text = 'He said "hi" \\ & üñ\n2nd line'
    made = await world.post(SMS, {"sms_data": {"to": ["+49 171 1", "+49 171 2"], "message": text}}, expect=201)
    await until(lambda: len(receiver.requests) == 2)
    assert sorted(item.path for item in receiver.requests) == ["/send?to=%2B49%20171%201", "/send?to=%2B49%20171%202"]
    assert {item.headers["authorization"] for item in receiver.requests} == {"Bearer s3cret-token"}
    # Quotes in the text cannot leave their place in the gateway's JSON.
    assert {json.loads(item.body)["text"] for item in receiver.requests} == {text}
    found = await ended(world, made["id"])
    assert found["sms_data"]["to"] == "+49 171 1"
    # What the gateway repeats of the request is kept without the secret.
    assert found["response"] == "OK, said Bearer ***"
    listed = await world.get(SMS, params={"sort": "recipient"})
    assert [row["sms_data"]["to"] for row in listed["results"]] == ["+49 171 1", "+49 171 2"]
    assert (await world.get(f"{SMS}{made['id']}/"))["type"] == "sms"
    # A gateway that answers 200 and refuses.
    receiver.usual = Reply(200, b"ERR quota")
    bad = (await world.post(SMS, {"to": "+49 171 3", "message": "x"}, expect=201))["id"]
    refused = await until(lambda: _refused(world, bad))
    assert refused["error"] == "The answer does not contain 'OK'."


async def _refused(world: World, record: str) -> Any:
    found = await world.get(f"{SMS}{record}/")
    return found if found["attempts"] else None


@pytest.mark.proves(f"PUT {SMS}{{id}}/", f"PATCH {SMS}{{id}}/", f"DELETE {SMS}{{id}}/")
async def test_a_waiting_sms_is_edited_cancelled_and_deleted(world: World, receiver: Receiver) -> None:
    await channel(world, "sms", url=receiver.url)
    given = {"sms_data": {"to": "+49 171 1", "message": "old"}, "send_at": LATER}
    record = (await world.post(SMS, given, expect=201))["id"]
    await world.put(f"{SMS}{record}/", {"sms_data": {"to": "+49 171 9", "message": "new"}})
    read = await world.get(f"{SMS}{record}/")
    assert (read["recipient"], read["body"], read["status"]) == ("+49 171 9", "new", "held")
    await world.patch(f"{SMS}{record}/", {"status": "cancelled"})
    assert (await world.get(f"{SMS}{record}/"))["status"] == "cancelled"
    await world.patch(f"{SMS}{record}/", {"status": "sent"}, expect=409)
    await world.delete(f"{SMS}{record}/", expect=204)
    await world.get(f"{SMS}{record}/", expect=404)
    assert receiver.requests == []


async def test_a_messenger_without_a_channel_says_what_to_do(world: World) -> None:
    for path, body in ((SMS, {"to": "+49 1", "message": "x"}), (API, {"message": "x"}), (SYSLOG, {"message": "x"})):
        refused = await world.post(path, body, expect=400)
        assert "Add one under Notification channels" in refused["fields"]["channel"][0]
    await channel(world, "sms", url="https://gateway.example/")
    assert "recipient" in (await world.post(SMS, {"message": "x"}, expect=400))["fields"]
    assert "body" in (await world.post(SMS, {"to": "+49 1"}, expect=400))["fields"]


@pytest.mark.proves(f"POST {SYSLOG}", f"GET {SYSLOG}", f"GET {SYSLOG}{{id}}/")
async def test_syslog_over_udp_and_tcp(world: World, sender: Sender) -> None:
    await allow(world)
    async with udp_sink() as (port, lines):
        udp = await channel(world, "syslog", host="127.0.0.1", port=port, transport="udp", facility="local3")
        body = {"syslog_data": {"message": "fan\nfailed ü", "severity": 2, "app": "core sw"}, "channel": udp["id"]}
        record = (await world.post(SYSLOG, body, expect=201))["id"]
        (line,) = await until(lambda: lines)
    assert line.startswith(f"<{19 * 8 + 2}>1 20".encode())
    assert line.endswith("\ufefffan failed ü".encode())
    assert b" coresw - message " in line
    found = await ended(world, record)
    assert found["syslog_data"]["severity"] == 2
    assert [row["communication_id"] for row in (await world.get(SYSLOG))["results"]] == [record]
    assert (await world.get(f"{SYSLOG}{record}/"))["msg_type"] == 5
    async with tcp_sink() as (port, frames):
        tcp = await channel(world, "syslog", host="127.0.0.1", port=port, transport="tcp")
        for number in range(5):
            await world.post(SYSLOG, {"message": f"n {number}", "channel": tcp["id"]}, expect=201)
        await until(lambda: len(frames) == 5)
    assert [line.rsplit(b" ", 1)[1] for line in frames] == [f"{n}".encode() for n in range(5)]


async def test_syslog_over_tls_checks_the_certificate(world: World, sender: Sender, tmp_path: Path) -> None:
    await allow(world)
    process = await asyncio.create_subprocess_exec(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(tmp_path / "key.pem"), "-out",
        str(tmp_path / "cert.pem"), "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert await process.wait() == 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    async with tcp_sink(context) as (port, frames):
        wild = await channel(world, "syslog", host="localhost", port=port, transport="tls", retries=0)
        record = (await world.post(SYSLOG, {"message": "a", "channel": wild["id"]}, expect=201))["id"]
        assert "certificate" in (await ended(world, record, "failed"))["error"].lower()
        assert frames == []
        await world.patch(
            f"/api/notification-channels/{wild['id']}/", {"authority": (tmp_path / "cert.pem").read_text()}
        )
        await world.post(f"/api/notifications/{record}/retry/")
        await ended(world, record)
        assert len(frames) == 1


@pytest.mark.proves(f"PUT {SYSLOG}{{id}}/", f"PATCH {SYSLOG}{{id}}/", f"DELETE {SYSLOG}{{id}}/")
async def test_a_waiting_syslog_message_is_edited_and_deleted(world: World, sender: Sender) -> None:
    await allow(world)
    async with udp_sink() as (port, lines):
        await channel(world, "syslog", host="127.0.0.1", port=port)
        record = (await world.post(SYSLOG, {"message": "old", "send_at": LATER}, expect=201))["id"]
        gone = (await world.post(SYSLOG, {"message": "gone", "send_at": LATER}, expect=201))["id"]
        await world.put(f"{SYSLOG}{record}/", {"syslog_data": {"message": "new", "severity": 1}})
        await world.delete(f"{SYSLOG}{gone}/", expect=204)
        assert lines == []
        await world.patch(f"{SYSLOG}{record}/", {"status": "queued"})
        await ended(world, record)
        await until(lambda: lines)
        await asyncio.sleep(0.2)
    assert [line.rsplit(b" ", 1)[1] for line in lines] == ["\ufeffnew".encode()]
    assert lines[0].startswith(b"<129>1 ")


@pytest.mark.proves(f"POST {BEEP}", f"GET {BEEP}", f"GET {BEEP}{{id}}/", f"PATCH {BEEP}{{id}}/")
async def test_a_beep_reaches_one_persons_console(world: World, sender: Sender) -> None:
    ann, ben = await world.person(), await world.person()
    hub = world.platform.live
    assert hub is not None
    streams = {}
    async with world.platform.database.reading() as _session:
        from mainstay.kernel.context import Principal

        for one in (ann, ben):
            who = Principal(organization=world.organization, profile_id=one.profile_id, kind="staff")
            streams[one.profile_id] = hub.listen(who, frozenset())
    heard: dict[str, list[bytes]] = {}
    tasks = [asyncio.create_task(_hear(stream, heard.setdefault(name, []))) for name, stream in streams.items()]
    await asyncio.sleep(0.1)
    made = await world.post(
        BEEP, {"beep_data": {"user": ann.profile_id, "title": "Look", "message": "Core down", "sound": "alarm"}},
        expect=201,
    )  # fmt: skip
    await ended(world, made["id"])
    event = await until(lambda: [item for item in heard[ann.profile_id] if b"event: beep" in item])
    data = json.loads(event[0].split(b"data: ", 1)[1])
    assert (data["title"], data["text"], data["url"]) == ("Look", "Core down", "/api/notification-sounds/alarm.wav")
    assert not [item for item in heard[ben.profile_id] if b"event: beep" in item]
    for task in tasks:
        task.cancel()
    read = await world.get(f"{BEEP}{made['id']}/")
    assert (read["user_id"], read["is_assignee_read"], read["message_read_map"]) == (ann.profile_id, False, [])
    await world.patch(f"{BEEP}{made['id']}/", {"is_assignee_read": True})
    read = await world.get(f"{BEEP}{made['id']}/")
    assert read["is_assignee_read"] is True
    assert read["message_read_map"][0]["user_id"] == ann.profile_id
    assert [row["communication_id"] for row in (await world.get(BEEP))["results"]] == [made["id"]]


async def _hear(stream: Any, heard: list[bytes]) -> None:
    async for item in stream:
        heard.append(item)


@pytest.mark.proves(f"PUT {BEEP}{{id}}/", f"DELETE {BEEP}{{id}}/")
async def test_a_waiting_beep_is_edited_and_deleted(world: World) -> None:
    record = (await world.post(BEEP, {"title": "Old", "send_at": LATER}, expect=201))["id"]
    await world.put(f"{BEEP}{record}/", {"beep_data": {"title": "New", "message": "m"}})
    read = await world.get(f"{BEEP}{record}/")
    assert (read["subject"], read["beep_data"]["title"], read["user_id"]) == ("New", "New", world.admin.profile_id)
    await world.delete(f"{BEEP}{record}/", expect=204)
    await world.get(f"{BEEP}{record}/", expect=404)


@pytest.mark.proves(f"GET {BEEP}get-sound-files/")
async def test_sound_files_are_listed_and_played(world: World) -> None:
    found = (await world.get(f"{BEEP}get-sound-files/"))["results"]
    assert {item["id"] for item in found} == {"chime", "ping", "alert", "alarm"}
    for item in found:
        answer = await world.send("GET", item["url"])
        assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
        assert answer.content[:4] == b"RIFF"
        assert len(answer.content) == item["size"]
    await world.get("/api/notification-sounds/..%2Fsecret.wav", expect=404)
    anonymous = await world.client.get(found[0]["url"])
    assert anonymous.status_code == 403


@pytest.mark.proves(f"POST {SUPPRESSED}", f"GET {SUPPRESSED}", f"GET {SUPPRESSED}{{id}}/", f"PUT {SUPPRESSED}{{id}}/",
                    f"PATCH {SUPPRESSED}{{id}}/", f"DELETE {SUPPRESSED}{{id}}/",
                    f"GET {BEEP}get-suppressed-messages/")  # fmt: skip
async def test_messages_are_suppressed_and_released(world: World, receiver: Receiver) -> None:
    await channel(world, "sms", url=receiver.url)
    ids = [(await world.post(SMS, {"to": f"+49 17{n}", "message": f"m{n}", "send_at": LATER}, expect=201))["id"]
           for n in range(3)]  # fmt: skip
    beep = (await world.post(BEEP, {"title": "b", "send_at": LATER}, expect=201))["id"]
    assert (await world.get(SUPPRESSED))["count"] == 0
    made = await world.post(SUPPRESSED, {"communication_id": ids[0], "reason": "Planned work"}, expect=201)
    assert made["data"]["status"] == "suppressed"
    await world.post(SUPPRESSED, {"recipient": "+49 171"}, expect=201)
    soon = (datetime.now(UTC) + timedelta(seconds=1.5)).isoformat()
    await world.post(SUPPRESSED, {"ids": [ids[2], beep], "until": soon}, expect=201)
    listed = await world.get(SUPPRESSED, params={"sort": "creation_time"})
    assert {row["communication_id"] for row in listed["results"]} <= {*ids, beep}
    assert listed["results"][0]["reason"] == "Planned work"
    assert (await world.get(f"{BEEP}get-suppressed-messages/"))["results"][0]["communication_id"] == beep
    assert (await world.get(f"{SUPPRESSED}{ids[1]}/"))["reason"] == "By Ada Admin"
    await world.put(f"{SUPPRESSED}{ids[0]}/", {"reason": "Longer work"})
    assert (await world.get(f"{SUPPRESSED}{ids[0]}/"))["reason"] == "Longer work"
    # The end of the suppression has come: sent after all, and no longer listed.
    await ended(world, ids[2])
    await ended(world, beep)
    await world.get(f"{SUPPRESSED}{ids[2]}/", expect=404)
    assert receiver.requests[0].body == b'{"to": "+49 172", "text": "m2"}'
    await world.patch(f"{SUPPRESSED}{ids[0]}/", {"status": "queued"})
    await ended(world, ids[0])
    await world.delete(f"{SUPPRESSED}{ids[1]}/", expect=204)
    assert (await world.get(SUPPRESSED))["count"] == 0
    await world.post(SUPPRESSED, {"communication_id": ids[0]}, expect=409)
    await world.post(SUPPRESSED, {}, expect=400)
    await world.post(SUPPRESSED, {"communication_id": "nobody"}, expect=404)
    assert len(receiver.requests) == 2


async def test_people_see_their_own_messages_only(world: World, stranger: World) -> None:
    viewer = await world.granted({"notification": ("view",)})
    mine = (await world.post(BEEP, {"user": viewer.profile_id, "title": "yours", "send_at": LATER}))["id"]
    other = (await world.post(BEEP, {"title": "not yours", "send_at": LATER}))["id"]
    assert [row["communication_id"] for row in (await world.get(BEEP, by=viewer))["results"]] == [mine]
    await world.get(f"{BEEP}{other}/", by=viewer, expect=404)
    await world.get(f"/api/notifications/{other}/", by=viewer, expect=404)
    await world.patch(f"{BEEP}{mine}/", {"subject": "x"}, by=viewer, expect=403)
    for method, path in (("GET", BEEP), ("PUT", BEEP), ("DELETE", BEEP), ("GET", SUPPRESSED)):
        options: dict[str, Any] = {"json": {}} if method == "PUT" else {}
        await stranger.call(method, f"{path}{other}/", expect=404, **options)
