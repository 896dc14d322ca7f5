"""The address book from files."""

from __future__ import annotations

import json
from csv import reader

import pytest

from tests.support import World

PATH = "/ux/common/org/location/"
CSV = b"Site name,Country,Town,Lat\r\nHead office,Ireland,Dublin,53.3\r\nNorth pole,,,91\r\n"
UPLOAD = {"content": CSV, "headers": {"Content-Type": "text/csv"}}


@pytest.mark.proves(f"GET {PATH}download_csv/", f"POST {PATH}csv_cols/")
async def test_a_file_is_looked_at_and_its_columns_are_matched(world: World) -> None:
    template = await world.get(f"{PATH}download_csv/")
    header = next(reader([template.splitlines()[0].lstrip("\ufeff")]))
    assert {"Name", "Country", "City", "Postal code", "Landmark"} <= set(header)
    seen = await world.call("POST", f"{PATH}csv_cols/", **UPLOAD)
    assert seen["headers"] == ["Site name", "Country", "Town", "Lat"]
    assert (seen["rows"], seen["sample"][0][0], seen["mapping"]["Country"]) == (2, "Head office", "country")
    names = {item["name"] for item in seen["columns"]}
    assert {"location_name", "city", "latitude"} <= names


@pytest.mark.proves(f"POST {PATH}upload-csv/", f"POST {PATH}create-csv/")
async def test_rows_go_in_with_a_chosen_mapping(world: World) -> None:
    seen = await world.call("POST", f"{PATH}csv_cols/", **UPLOAD)
    mapping = {"Site name": "location_name", "Country": "country", "Town": "city", "Lat": "latitude"}
    done = await world.post(f"{PATH}create-csv/", {"file": seen["file"], "mapping": mapping})
    assert (done["created"], done["failed"]) == (1, 1)
    assert done["errors"][0]["field"] == "latitude"
    (row,) = (await world.get(PATH))["results"]
    assert (row["location_name"], row["city"], row["latitude"]) == ("Head office", "Dublin", 53.3)
    files = {"file": ("places.csv", b"Name,Part of\r\nFloor 2,Head office\r\nCellar,Atlantis\r\n", "text/csv")}
    done = await world.call(
        "POST",
        f"{PATH}upload-csv/",
        files=files,
        data={"mapping": json.dumps({"Name": "location_name", "Part of": "parent"})},
    )
    assert (done["created"], done["failed"]) == (1, 1)
    floor = (await world.get(PATH, params={"search": "floor"}))["results"][0]
    assert floor["parent_name"] == "Head office"
