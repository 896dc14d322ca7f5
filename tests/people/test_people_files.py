"""Users and requesters by CSV, under the documented names."""

from __future__ import annotations

import csv
from typing import Any

import pytest

from tests.support import World

USERS, REQUESTERS = "/ux/common/user/profile/", "/ux/common/requester/profile/"


async def send(world: World, path: str, text: str, expect: int = 200, **options: Any) -> Any:
    """Post a CSV file as a form does."""
    return await world.call("POST", path, expect=expect, files={"file": ("people.csv", text, "text/csv")}, **options)


@pytest.mark.proves(f"GET {USERS}download_csv/", f"POST {USERS}validate_csv/", f"POST {USERS}upload_csv/")
async def test_users_are_imported(world: World) -> None:
    template = await world.get(f"{USERS}download_csv/")
    headers = next(csv.reader([template.lstrip("\ufeff").splitlines()[0]]))
    assert {"E-mail", "User name", "Name", "Roles"} <= set(headers)
    assert "Number" not in headers
    text = (
        "E-mail,User name,Name,Roles\r\n"
        "ann@example.com,ann,Ann,IT Support Operator\r\n"
        "ben@example.com,,Ben,Approver\r\n"
        "nobody,x,Bad address,Approver\r\n"
        "cid@example.com,cid,Cid,Wizard\r\n"
    )
    checked = await send(world, f"{USERS}validate_csv/", text)
    assert (checked["valid"], checked["invalid"]) == (2, 2)
    assert (await world.get(USERS))["count"] == 1
    done = await send(world, f"{USERS}upload_csv/", text)
    assert (done["created"], done["failed"]) == (2, 2)
    assert {error["row"] for error in done["errors"]} == {4, 5}
    ben = (await world.get(USERS, params={"search": "ben@"}))["results"][0]
    assert (ben["username"], ben["profile"]) == ("ben@example.com", "Approver")
    # Without a password each gets a link.
    assert (await world.get(f"{USERS}user_invite/"))["count"] == 2


@pytest.mark.proves(f"POST {USERS}update_csv/")
async def test_users_are_updated_by_file(world: World) -> None:
    someone = await world.person(full_name="Before")
    text = f"E-mail,Roles,Designation\r\n{someone.email},IT Support Operator,Engineer\r\n"
    done = await send(world, f"{USERS}update_csv/", text)
    assert (done["updated"], done["created"], done["failed"]) == (1, 0, 0), done
    read = await world.get(f"{USERS}{someone.profile_id}/")
    assert (read["designation"], read["full_name"]) == ("Engineer", "Before")


async def test_a_file_gives_no_more_than_its_sender_holds(world: World) -> None:
    keeper = await world.granted({"user": ("view", "add", "edit")})
    text = "E-mail,Roles\r\nup@example.com,Infraon Admin\r\n"
    answer = await world.send("POST", f"{USERS}upload_csv/", by=keeper, files={"file": ("p.csv", text, "text/csv")})
    assert answer.status_code == 403 or answer.json()["created"] == 0
    assert (await world.get(USERS, params={"search": "up@example.com"}))["count"] == 0


@pytest.mark.proves(f"POST {REQUESTERS}upload-csv/", f"POST {REQUESTERS}create-csv/")
async def test_requesters_are_imported(world: World) -> None:
    text = (
        "Name,E-mail,Requester type\r\n"
        "Meera,meera@example.com,External\r\n"
        "Noor,,Internal\r\n"
        "Odd,o@example.com,Alien\r\n"
    )
    done = await send(world, f"{REQUESTERS}upload-csv/", text)
    assert (done["created"], done["failed"]) == (2, 1)
    again = await send(world, f"{REQUESTERS}create-csv/", "Name,E-mail\r\nMeera N,meera@example.com\r\n")
    assert (again["created"], again["updated"]) == (0, 1)
    (meera,) = (await world.get(REQUESTERS, params={"search": "meera"}))["results"]
    assert (meera["full_name"], meera["requester_type"]) == ("Meera N", "External")
