"""Teams from files."""

from __future__ import annotations

from csv import reader

import pytest

from tests.support import World

PATH = "/ux/common/teams/profile/"


def csv(*lines: str) -> dict[str, object]:
    return {"content": "\r\n".join(lines).encode(), "headers": {"Content-Type": "text/csv"}}


@pytest.mark.proves(f"POST {PATH}upload_csv/", f"POST {PATH}validate_csv/")
async def test_valid_rows_become_teams_and_bad_rows_come_back(world: World) -> None:
    one, two = await world.person(), await world.person()
    await world.post("/ux/common/org/location/", {"location_name": "Dublin"})
    template = await world.get(f"{PATH}download_csv/")
    header = next(reader([template.splitlines()[0].lstrip("\ufeff")]))
    assert {"Name", "Members", "Locations", "Type"} <= set(header)
    rows = (
        "Name,Type,Members,Locations,Group e-mail",
        f"Desk,Service desk,{one.email};{two.username},Dublin,desk@acme.example",
        f"Lines,Technical/Operation,{two.email},Atlantis,",
        ",Approval,,,",
    )
    checked = await world.call("POST", f"{PATH}validate_csv/", **csv(*rows))
    assert (checked["valid"], checked["invalid"]) == (1, 2)
    assert (await world.get(PATH))["count"] == 0
    done = await world.call("POST", f"{PATH}upload_csv/", **csv(*rows))
    assert (done["created"], done["failed"]) == (1, 2)
    assert {error["row"] for error in done["errors"]} == {3, 4}
    (team,) = (await world.get(PATH))["results"]
    assert (team["name"], team["type"], team["group_email"]) == ("Desk", "service_desk", "desk@acme.example")
    assert [item["profile_id"] for item in team["staffs"]] == [one.profile_id, two.profile_id]
    assert team["location"]["locations"][0]["location_name"] == "Dublin"
    # The same file again, edited, changes what is there.
    again = await world.call("POST", f"{PATH}upload_csv/", **csv(rows[0], f"desk,Service desk,{one.email},,"))
    assert (again["created"], again["updated"]) == (0, 1)
    (team,) = (await world.get(PATH))["results"]
    assert [item["profile_id"] for item in team["staffs"]] == [one.profile_id]
    exported = await world.get(f"{PATH}export/")
    assert "Desk" in exported or "desk" in exported
