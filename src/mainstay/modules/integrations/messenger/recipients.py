"""Who a subscription reaches on a channel: users, members of teams, people of the record, plain addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from mainstay.kernel.access.tables import User
from mainstay.kernel.context import Context
from mainstay.modules.integrations.messenger.tables import BEEP, EMAIL, SMS, Preference, Subscription
from mainstay.modules.people.teams import service as teams


@dataclass(frozen=True, slots=True)
class Address:
    """Where one message goes. ``missing``: why it cannot."""

    to: str = ""
    profile: str | None = None
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    email: str
    phone: str


@dataclass(slots=True)
class Book:
    """The accounts, teams and choices that a batch needs."""

    accounts: Mapping[str, Account]
    members: Mapping[str, Sequence[str]]
    chosen: Mapping[str, Preference]

    def muted(self, profile: str | None) -> datetime | None:
        chosen = self.chosen.get(profile or "")
        return chosen.muted_until if chosen else None

    def addresses(self, kind: str, subscription: Subscription, record: Mapping[str, Any]) -> list[Address]:
        """Each once, in the order they were named."""
        if kind not in (EMAIL, SMS, BEEP):
            return [Address()]
        found = dict.fromkeys(self._people(kind, subscription, record))
        plain = dict.fromkeys(self._plain(kind, subscription, record))
        known = {address.to.lower() for address in found if address.to}
        return [*found, *[item for item in plain if item.to.lower() not in known]]

    def _people(self, kind: str, subscription: Subscription, record: Mapping[str, Any]) -> Iterator[Address]:
        for profile in self._profiles(subscription, record):
            account, chosen = self.accounts.get(profile), self.chosen.get(profile)
            if account is None:
                continue
            off = chosen is not None and (subscription.id in chosen.unsubscribed or kind in chosen.kinds_off)
            if off and not subscription.mandatory:
                continue
            if kind == BEEP:
                yield Address(account.name, profile)
            elif kind == EMAIL:
                yield Address(account.email, profile)
            elif account.phone:
                yield Address(account.phone, profile)
            else:
                yield Address("", profile, f"{account.name} has no mobile number")

    def _profiles(self, subscription: Subscription, record: Mapping[str, Any]) -> Iterator[str]:
        yield from subscription.users
        for team in subscription.teams:
            yield from self.members.get(team, ())
        if "assignee" in subscription.people and record.get("assignee"):
            yield record["assignee"]
        if "team" in subscription.people and record.get("team"):
            yield from self.members.get(record["team"], ())
        if "watchers" in subscription.people:
            yield from record.get("watcher") or ()

    def _plain(self, kind: str, subscription: Subscription, record: Mapping[str, Any]) -> Iterator[Address]:
        if kind == BEEP:
            return
        for word in subscription.addresses:
            if ("@" in word) == (kind == EMAIL):
                yield Address(word)
        if "requester" in subscription.people:
            known = record.get("requester_email" if kind == EMAIL else "requester_phone")
            if known:
                yield Address(str(known))


async def load(ctx: Context, subscriptions: Sequence[Subscription], named: Sequence[Mapping[str, Any]]) -> Book:
    """Everybody these subscriptions may reach, in a handful of statements. ``named``: people of the records."""
    wanted_teams = {team for item in subscriptions for team in item.teams}
    wanted_teams |= {str(row["team"]) for row in named if row.get("team")}
    members = {team: [person.profile_id for person in people]
               for team, people in (await teams.members_of(ctx, wanted_teams)).items()}  # fmt: skip
    wanted = {user for item in subscriptions for user in item.users}
    wanted |= {profile for people in members.values() for profile in people}
    wanted |= {str(row["assignee"]) for row in named if row.get("assignee")}
    wanted |= {str(profile) for row in named for profile in row.get("watcher") or ()}
    accounts: dict[str, Account] = {}
    chosen: dict[str, Preference] = {}
    ids = sorted(wanted)
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        known = select(User.id, User.full_name, User.username, User.email, User.phone).where(
            User.id.in_(part), User.is_active.is_(True)
        )
        for row in (await ctx.session.execute(known)).all():
            accounts[row.id] = Account(row.full_name or row.username, row.email, row.phone)
        mine = select(Preference).where(Preference.profile.in_(part))
        chosen |= {row.profile: row for row in (await ctx.session.execute(mine)).scalars()}
    return Book(accounts, members, chosen)
