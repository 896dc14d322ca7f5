"""Icons of device templates: uploaded, served, and shown of the devices that a template tells."""

from __future__ import annotations

from base64 import b64encode

import pytest
from sqlalchemy import select

from mainstay.kernel.files import Attachment
from tests.assets.test_items import make
from tests.support import World

PATH = "/ux/ims/device-template/"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
GIF = b"GIF89a" + b"\0" * 40


def uri(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{b64encode(content).decode()}"


async def template(world: World, **values: str) -> str:
    given = {"product": "Edge", "sysobjectid": "1.3.6.1.4.1.99999.7", "vendor": "Example", **values}
    made: str = (await world.post(PATH, given, expect=201))["id"]
    return made


@pytest.mark.proves(f"GET {PATH}", f"GET {PATH}{{id}}/")
async def test_icons_are_kept_with_the_template_and_shown_of_its_devices(world: World, stranger: World) -> None:
    one = await template(world)
    plain = await world.get(f"{PATH}{one}/")
    assert (plain["vendor_icon"], plain["os_icon"], plain["device_icon"]) == ("", "", "")
    assert (plain["created_by_name"], plain["modified_by_name"]) == ("Ada Admin", "Ada Admin")
    for wrong in (
        {"kind": "maker", "data": uri(PNG)}, {"kind": "vendor", "data": "nothing"},
    ):  # fmt: skip
        await world.post(f"{PATH}{one}/icon/", wrong, expect=400)
    await world.post(f"{PATH}{one}/icon/", {"kind": "vendor", "data": uri(b"<svg/>", "image/svg+xml")}, expect=415)
    await world.post(f"{PATH}{one}/icon/", {"kind": "vendor", "data": uri(b"no picture")}, expect=415)
    await world.post(f"{PATH}{one}/icon/", {"kind": "vendor", "data": uri(PNG + b"\0" * 300_000)}, expect=413)
    first = await world.post(f"{PATH}{one}/icon/", {"kind": "vendor", "data": uri(PNG), "name": "example.png"})
    second = await world.post(f"{PATH}{one}/icon/", {"kind": "vendor", "data": uri(GIF, "image/gif")})
    assert first["icons"]["vendor_icon"] != second["icons"]["vendor_icon"] != ""
    await world.post(f"{PATH}{one}/icon/", {"kind": "os", "data": uri(PNG)})
    (listed,) = (await world.get(PATH))["results"]
    assert listed["vendor_icon"] == second["icons"]["vendor_icon"]
    assert (listed["os_icon"] != "", listed["device_icon"]) == (True, "")
    served = await world.send("GET", listed["vendor_icon"])
    assert (served.content, served.headers["content-type"], served.headers["x-content-type-options"]) == (
        GIF, "image/gif", "nosniff"
    )  # fmt: skip
    assert [entry["action"] for entry in (await world.get(f"{PATH}{one}/history/"))["results"]].count("icon") == 3
    # They are no files of the template.
    fits = await make(world, "edge-1", "Switch", sys_object_id="1.3.6.1.4.1.99999.7.2")
    other = await make(world, "core-1", "Switch", sys_object_id="1.3.6.1.4.1.9.1.1")
    shown = (await world.get(f"{PATH}icons/", params={"ci_id": f"{fits}, {other},nobody"}))["results"]
    assert shown == {fits: {"device_icon": "", "vendor_icon": listed["vendor_icon"], "os_icon": listed["os_icon"]}}
    await world.patch(f"{PATH}{one}/", {"is_enabled": False})
    assert (await world.get(f"{PATH}icons/", params={"ci_id": fits}))["results"] == {}
    await world.get(f"{PATH}icons/", params={"ci_id": ",".join(map(str, range(1001)))}, expect=400)
    # Nobody else's, and nothing without the permission.
    for url in (listed["vendor_icon"], f"{PATH}{one}/"):
        await stranger.get(url, expect=404)
    await stranger.post(f"{PATH}{one}/icon/", {"kind": "os", "data": uri(PNG)}, expect=404)
    looker = await world.granted({"device_template": ("view",)})
    await world.get(listed["vendor_icon"], by=looker)
    await world.post(f"{PATH}{one}/icon/", {"kind": "os", "data": uri(PNG)}, by=looker, expect=403)
    await world.get(f"{PATH}icons/", params={"ci_id": fits}, by=looker, expect=403)
    await world.delete(f"{PATH}{one}/icon/vendor/", expect=204)
    await world.delete(f"{PATH}{one}/icon/vendor/", expect=404)
    await world.get(f"{PATH}{one}/icon/vendor/", expect=404)
    await world.delete(f"{PATH}{one}/", expect=204)
    async with world.platform.work(world.organization, write=False) as ctx:
        left = select(Attachment.id).where(Attachment.resource == "device_template_icon")
        assert list((await ctx.session.execute(left)).scalars()) == []
