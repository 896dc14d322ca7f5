"""Device groups, stock-takes and classifications."""

from __future__ import annotations

from typing import Any

import pytest

from tests.assets.test_items import PATH as ITEMS
from tests.assets.test_items import make
from tests.support import World

GROUPS = "/ux/common/dgroup/device_group/"
VIEWS = "/ux/common/cmdb/item-classification/"


def names(answer: dict[str, Any]) -> set[str]:
    return {row["name"] for row in answer["results"]}


@pytest.mark.proves(
    f"POST {GROUPS}", f"GET {GROUPS}", f"GET {GROUPS}{{id}}/", f"PUT {GROUPS}{{id}}/", f"DELETE {GROUPS}{{id}}/",
    f"GET {GROUPS}filter/", f"GET {GROUPS}options/",
)  # fmt: skip
async def test_a_group_holds_what_is_listed_and_what_its_rule_finds(world: World) -> None:
    listed = await make(world, "listed")
    for name in ("by-rule", "other"):
        await make(world, name, "Switch", manufacturer="Cisco" if name == "by-rule" else "HPE")
    rule = [{"field": "manufacturer", "condition": "equal", "value": "cisco"}]
    made = await world.post(GROUPS, {"name": "Mixed", "filter": rule, "devices": [listed]}, expect=201)
    assert made["data"]["device_group_id"] == made["id"]
    read = await world.get(f"{GROUPS}{made['id']}/")
    assert read["device_group_filters"] == rule
    assert names(await world.get(f"{GROUPS}{made['id']}/devices/")) == {"listed", "by-rule"}
    preview = await world.get(f"{GROUPS}filter/", params={"filters": '{"manufacturer": "HPE"}'})
    assert [row["name"] for row in preview["devices"]] == ["other"]
    assert "manufacturer" in [field["name"] for field in preview["fields"]]
    refused = await world.post(GROUPS, {"name": "Bad", "filter": [{"field": "nonsense", "value": 1}]}, expect=400)
    assert "filters" in refused["fields"]
    changed = await world.put(f"{GROUPS}{made['id']}/", {**read, "device_group_filters": []})
    assert changed["data"]["device_group_filters"] == []
    assert names(await world.get(f"{GROUPS}{made['id']}/devices/")) == {"listed"}
    put = await world.post(f"{GROUPS}{made['id']}/devices/", {"remove": [listed]})
    assert (put["added"], put["removed"]) == (0, 1)
    assert (await world.get(f"{GROUPS}{made['id']}/devices/"))["count"] == 0
    assert "users" in [field["name"] for field in (await world.get(f"{GROUPS}options/"))["fields"]]
    assert (await world.get(GROUPS))["count"] == 1
    await world.delete(f"{GROUPS}{made['id']}/", expect=204)
    assert (await world.get(GROUPS))["count"] == 0


async def test_who_has_groups_sees_only_their_items(world: World) -> None:
    rights = {"asset": ("view", "add", "edit", "delete", "export"), "ci_relation": ("view", "add", "edit", "delete")}
    person, free = await world.granted(rights), await world.granted(rights)
    mine, other = await make(world, "mine", "Switch"), await make(world, "other")
    await make(world, "near", "Router")
    relation = {"source": mine, "type": "Connects to", "target": other}
    hidden = (await world.post("/ux/common/cmdb/relation/", relation))["id"]
    assert (await world.get(ITEMS, by=person))["count"] == 3
    group = await world.post(GROUPS, {"name": "A", "devices": [mine], "users": [person.profile_id]})
    assert names(await world.get(ITEMS, by=person)) == {"mine"}
    assert (await world.get(ITEMS, by=free))["count"] == 3
    for method, path in (
        ("GET", f"{ITEMS}{other}/"), ("PATCH", f"{ITEMS}{other}/"), ("DELETE", f"{ITEMS}{other}/"),
        ("GET", f"{ITEMS}hardware/?ci_id={other}"), ("GET", f"/ux/common/cmdb/relation/{hidden}/"),
        ("GET", f"/ux/common/cmdb/relation/impact/?ci_id={other}"),
    ):  # fmt: skip
        await world.call(method, path, by=person, json={} if method == "PATCH" else None, expect=404)
    drawn = await world.post("/ux/common/cmdb/relation/ci-rel-map/", {"ci_id": mine, "depth": 3}, by=person)
    assert ([node["name"] for node in drawn["nodes"]], drawn["hidden"]) == (["mine"], 1)
    assert (await world.get(f"{ITEMS}asset-summary/", by=person))["total"] == 1
    assert (await world.get(f"{ITEMS}history/", by=person))["count"] == 1
    exported = await world.get(f"{ITEMS}export/", by=person)
    assert "other" not in exported
    outside = await world.post(ITEMS, {"name": "new", "category": "Server"}, by=person, expect=403)
    assert "device groups" in outside["error"]
    rule = [{"field": "category", "condition": "equal", "value": (await world.get(f"{ITEMS}{mine}/"))["category"]}]
    await world.patch(f"{GROUPS}{group['id']}/", {"device_group_filters": rule})
    await world.post(ITEMS, {"name": "new", "category": "Switch"}, by=person, expect=201)
    assert names(await world.get(ITEMS, by=person)) == {"mine", "new"}
    assert (await world.get("/api/search", params={"q": "other"}, by=person))["results"] == []
    await world.patch(f"{GROUPS}{group['id']}/", {"is_enabled": False})
    assert (await world.get(ITEMS, by=person))["count"] == 4


async def test_groups_are_given_to_roles_and_do_not_confine_administrators(world: World) -> None:
    person = await world.granted({"asset": ("view",)})
    await make(world, "a")
    given = {"name": "Nothing", "roles": [world.roles[person.role]], "users": [world.admin.profile_id]}
    await world.post(GROUPS, given)
    assert (await world.get(ITEMS, by=person))["count"] == 0
    assert (await world.get(ITEMS))["count"] == 1


@pytest.mark.proves(
    f"POST {ITEMS}asset-audit-template/", f"GET {ITEMS}audit_template_details/", f"GET {ITEMS}audit-template-details/",
    f"GET {ITEMS}getAssetAuditTempateData/", f"POST {ITEMS}asset-audit-record/", f"GET {ITEMS}audit_record_list/",
    f"GET {ITEMS}audit_record_item/{{id}}/", f"GET {ITEMS}audit_status_count/",
    f"GET {ITEMS}audit_status_count_filter/", f"POST {ITEMS}saveAssetAudit/", f"POST {ITEMS}update_ci_from_audit/",
    f"PUT {ITEMS}delete_audit_record/{{id}}/",
)  # fmt: skip
async def test_stock_is_taken_and_the_differences_brought_in(world: World) -> None:
    hall = (await world.post("/ux/common/org/location/", {"location_name": "Hall"}))["id"]
    shelf = (await world.post("/ux/common/org/location/", {"location_name": "Shelf", "parent": hall}))["id"]
    at = {
        name: await make(world, name, location=place, asset_tag=f"T-{name}")
        for name, place in (("there", hall), ("moved", shelf), ("gone", hall), ("elsewhere", None))
    }
    await make(world, "retired", location=hall, status="In Use")
    given = {"name": "Hall 2026", "categories": ["Hardware"], "location": hall, "compared": ["location", "os_version"]}
    template = (await world.post(f"{ITEMS}asset-audit-template/", given))["id"]
    again = {"template_id": template, "filters": [{"field": "name", "condition": "not_equal", "value": "retired"}]}
    await world.post(f"{ITEMS}asset-audit-template/", again)
    details = await world.get(f"{ITEMS}audit-template-details/", params={"template_id": template})
    assert (details["items"], [one["field"] for one in details["fields"]]) == (3, ["location", "os_version"])
    assert names(await world.get(f"{ITEMS}audit_template_details/")) == {"Hall 2026"}
    data = await world.get(f"{ITEMS}getAssetAuditTempateData/", params={"template_id": template})
    assert names(data) == {"there", "moved", "gone"}
    audit = (await world.post(f"{ITEMS}asset-audit-record/", {"template_id": template, "name": "May"}, expect=201))[
        "id"
    ]
    found = {
        "audit_id": audit,
        "items": [
            {"asset_tag": "t-there", "values": {"location": "Hall"}},
            {"ci_id": at["moved"], "values": {"location": "Hall", "os_version": "9"}, "note": "On the floor"},
            {"asset_tag": "T-elsewhere", "values": {"location": "Hall"}},
        ],
    }
    saved = await world.post(f"{ITEMS}saveAssetAudit/", found)
    assert saved["recorded"] == {"verified": 1, "mismatch": 1, "unexpected": 1}
    unknown = {"audit_id": audit, "items": [{"asset_tag": "T-nobody"}]}
    assert "no item has these marks" in (await world.post(f"{ITEMS}saveAssetAudit/", unknown, expect=400))["error"]
    count = await world.get(f"{ITEMS}audit_status_count/", params={"audit_id": audit})
    assert count["lines"] == {"pending": 1, "verified": 1, "mismatch": 1, "missing": 0, "unexpected": 1}
    done = await world.post(f"{ITEMS}saveAssetAudit/", {"audit_id": audit, "finish": True})
    assert done["missing"] == 1
    assert "finished" in (await world.post(f"{ITEMS}saveAssetAudit/", found, expect=409))["error"]
    lines = await world.get(f"{ITEMS}audit_record_item/{audit}/", params={"result": "missing"})
    assert [line["name"] for line in lines["lines"]["results"]] == ["gone"]
    applied = await world.post(f"{ITEMS}update_ci_from_audit/", {"audit_id": audit, "mark_missing": True})
    assert (applied["updated"], applied["refused"]) == (2, [])
    moved = await world.get(f"{ITEMS}{at['moved']}/")
    assert (moved["location_name"], moved["os_version"]) == ("Hall", "9")
    assert (await world.get(f"{ITEMS}{at['gone']}/"))["status_name"] == "Missing"
    assert (await world.post(f"{ITEMS}update_ci_from_audit/", {"audit_id": audit}))["updated"] == 0
    (row,) = (await world.get(f"{ITEMS}audit_record_list/"))["results"]
    assert (row["status_name"], row["counts"]["mismatch"]) == ("Completed", 1)
    narrowed = await world.get(f"{ITEMS}audit_status_count_filter/", params={"status": "Completed"})
    assert (narrowed["audits"]["Completed"], narrowed["lines"]["verified"]) == (1, 1)
    assert (await world.get(f"{ITEMS}audit_status_count_filter/", params={"status": "Planned"}))["lines"][
        "verified"
    ] == 0
    counter = await world.granted({"asset_audit": ("view", "add", "edit"), "asset": ("view",)})
    await world.post(f"{ITEMS}update_ci_from_audit/", {"audit_id": audit}, by=counter, expect=403)
    await world.put(f"{ITEMS}delete_audit_record/{audit}/")
    assert (await world.get(f"{ITEMS}audit_record_list/"))["count"] == 0


@pytest.mark.proves(
    f"POST {VIEWS}", f"GET {VIEWS}", f"GET {VIEWS}{{id}}/", f"PUT {VIEWS}{{id}}/", f"DELETE {VIEWS}{{id}}/",
    f"GET {VIEWS}options/", f"GET {VIEWS}default-item-classifications/", f"GET {VIEWS}item-classifications-tree/",
    f"POST {VIEWS}pin-item-classifications/", f"POST {VIEWS}delete-classification-config/",
    f"POST {VIEWS}delete-sub-classification/",
)  # fmt: skip
async def test_classifications_are_a_tree_of_views(world: World) -> None:
    await make(world, "sw-1", "Switch", model="C9300")
    await make(world, "sw-2", "Switch", model="C2960")
    await make(world, "srv", "Server", model="C9300")
    defaults = await world.get(f"{VIEWS}default-item-classifications/")
    top = next(one for one in defaults["results"] if one["classification_name"] == "IT assets")
    assert {one["classification_name"]: one["count"] for one in top["children"]} == {
        "Network": 2, "Servers": 1, "End-user devices": 0, "Virtual": 0,
    }  # fmt: skip
    network = next(one for one in top["children"] if one["classification_name"] == "Network")["classification_id"]
    given = {"classification_name": "Catalyst 9300", "classification_filters": '{"model": "C9300"}', "parent": network}
    made = await world.post(VIEWS, given, expect=201)
    assert made["data"]["classification_filters"] == [{"model": "C9300"}]
    assert names(await world.post(f"{ITEMS}list/", {"classification": made["id"]})) == {"sw-1"}
    read = await world.get(f"{VIEWS}{made['id']}/")
    assert read["customer_id"] == read["customer_entity_id"] == read["organization"]
    assert (read["template_name"], read["parent_name"]) == ("Catalyst 9300", "Network")
    await world.put(f"{VIEWS}{made['id']}/", {**read, "classification_filters": [{"model": "C2960"}]})
    assert names(await world.post(f"{ITEMS}list/", {"classification": made["id"]})) == {"sw-2"}
    assert "classification_filters" in {one["name"] for one in (await world.get(f"{VIEWS}options/"))["fields"]}
    assert (await world.get(VIEWS, params={"search": "catalyst"}))["count"] == 1
    pinned = await world.post(f"{VIEWS}pin-item-classifications/", {"id": made["id"]})
    assert pinned["pinned"] == [made["id"]]
    assert (await world.get(f"{VIEWS}item-classifications-tree/"))["pinned"] == [made["id"]]
    let_go = await world.post(f"{VIEWS}pin-item-classifications/", {"id": made["id"], "pinned": False})
    assert let_go["pinned"] == []
    inner = await world.post(VIEWS, {"classification_name": "Inner", "parent": made["id"]})
    assert "is part of it" in (await world.delete(f"{VIEWS}{made['id']}/", expect=409))["error"]
    outer = {"ids": [top["classification_id"]]}
    assert (
        "is not part of another one"
        in (await world.post(f"{VIEWS}delete-sub-classification/", outer, expect=409))["error"]
    )
    assert (await world.post(f"{VIEWS}delete-sub-classification/", {"id": inner["id"]}))["deleted"] == 1
    await world.post(VIEWS, {"classification_name": "Inner", "parent": made["id"]})
    assert (await world.post(f"{VIEWS}delete-classification-config/", {"id": made["id"]}))["deleted"] == 2
    last = await world.post(VIEWS, {"classification_name": "Last"})
    await world.delete(f"{VIEWS}{last['id']}/", expect=204)
    await world.get(f"{VIEWS}{last['id']}/", expect=404)
    bad = await world.post(
        VIEWS, {"classification_name": "Bad", "classification_filters": [{"nonsense": 1}]}, expect=400
    )
    assert "filters" in bad["fields"]
