"""What happens at Northwind IT, told in the order of time."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import select

from mainstay.demo import people, tickets
from mainstay.kernel import store, writing
from mainstay.kernel.access import bootstrap
from mainstay.kernel.access.tables import REQUESTER, Role, User
from mainstay.kernel.context import Context, Principal
from mainstay.kernel.secrets import password_hash
from mainstay.modules.integrations.messenger.channels import make_defaults as make_channels
from mainstay.modules.servicedesk.incident import engine, messages, service
from mainstay.modules.servicedesk.incident.tables import Incident

DOMAIN = "northwind.example"
SPAN = 30
"""Days that the incidents are spread over."""


@dataclass(slots=True)
class Event:
    """Something that happens to an incident."""

    at: datetime
    who: Principal
    act: Callable[[Context], Awaitable[Any]]


class Story:
    """What happened at Northwind IT, told in the order of time."""

    def __init__(self, ctx: Context, random: Random) -> None:
        self.ctx = ctx
        self.random = random
        self.now = ctx.now
        self.ids: dict[tuple[str, str], str] = {}
        """(resource, name) → id of what was made."""
        self.agents: dict[str, Principal] = {}
        self.requesters: list[Principal] = []

    def at(self, moment: datetime, who: Principal | None = None) -> Context:
        """The same transaction, at another time and by another person."""
        return replace(self.ctx, now=moment, principal=replace(who or self.ctx.principal), cache={})

    async def make(self, resource: str, items: Sequence[Mapping[str, Any]], moment: datetime, by: str = "") -> None:
        """Create records of a resource; ``by`` is the field they are remembered under."""
        made = await writing.create_many(self.at(moment), self.ctx.platform.registry.resources[resource], items)
        for row in made:
            self.ids[resource, str(row[by] if by else row["id"])] = row["id"]

    async def people(self, password: str) -> None:
        """Places, people and what they need, before the first incident."""
        start = self.now - timedelta(days=SPAN + 15)
        for name, part_of, city, country, code, latitude, longitude in people.LOCATIONS:
            place = {
                "location_name": name,
                "city": city,
                "country": country,
                "pincode": code,
                "latitude": latitude,
                "longitude": longitude,
                "parent": self.ids.get(("location", part_of)),
            }
            await self.make("location", [place], start, "location_name")
        departments = [{"dept_name": name, "description": text} for name, text in people.DEPARTMENTS]
        await self.make("department", departments, start, "dept_name")
        tags = [{"name": n, "type": t, "color": c, "description": d} for n, t, c, d in people.TAGS]
        await self.make("tag", tags, start, "name")
        await self._agents(start, password)
        await self._requesters(start)
        teams = [
            {
                "name": name,
                "description": text,
                "type": kind,
                "module": 1,
                "staffs": self._profiles(members),
                "owner": self._profiles([owner]),
                "locations": [self.ids["location", place] for place in places],
                "department": self.ids["department", "IT Operations"],
                "group_email": f"{name.lower().replace(' ', '.')}@{DOMAIN}",
            }
            for name, text, kind, members, owner, places in people.TEAMS
        ]
        await self.make("team", teams, start, "name")
        vendors = [
            {
                "vendor_name": name,
                "type": kind,
                "contact_person": contact,
                "email": email,
                "phone": phone,
                "web_url": url,
                "location_id": self.ids.get(("location", place)),
            }
            for name, kind, contact, email, phone, url, place in people.VENDORS
        ]
        await self.make("vendor", vendors, start, "vendor_name")
        partners = [
            {"partner_name": name, "email": email, "contact_number": phone, "address": address}
            for name, email, phone, address in people.PARTNERS
        ]
        await self.make("partner", partners, start, "partner_name")
        await self._calendar(start)

    async def _agents(self, start: datetime, password: str) -> None:
        roles = {role.role_name: role.id for role in (await self.ctx.session.execute(select(Role))).scalars()}
        number = await bootstrap.next_number(self.ctx)
        hashed = password_hash(password)
        rows = [
            {
                "number": number + index,
                "username": username,
                "email": f"{username}@{DOMAIN}",
                "full_name": name,
                "role_ids": [roles[role]],
                "department": self.ids["department", department],
                "designation": title,
                "tags": list(tags),
                "expertise": list(skills),
                "password_hash": hashed,
                "password_changed_at": start,
                "timezone": "Europe/Berlin",
            }
            for index, (username, name, role, department, title, tags, skills) in enumerate(people.AGENTS)
        ]
        # Not through the users' service, which would write to each of them to choose a password.
        for row in await store.add_many(self.at(start), User, rows):
            self.agents[row["username"]] = Principal(
                organization=self.ctx.organization,
                user=row["number"],
                profile_id=row["id"],
                username=row["username"],
                name=row["full_name"],
                email=row["email"],
                kind="staff",
                is_admin=True,
            )

    async def _requesters(self, start: datetime) -> None:
        items: list[dict[str, Any]] = []
        for name, department, place, title, tags in people.REQUESTERS:
            email = f"{name.lower().replace(' ', '.')}@{DOMAIN}"
            items.append(
                {
                    "full_name": name,
                    "email": email,
                    "department": self.ids["department", department],
                    "site": self.ids["location", place],
                    "designation": title,
                    "tags": list(tags),
                    "phone_number": f"+49 40 5551 {len(items) + 100}",
                }
            )
            self.requesters.append(
                Principal(organization=self.ctx.organization, username=email, name=name, email=email, kind=REQUESTER)
            )
        await self.make("requester", items, start, "full_name")

    async def _calendar(self, start: datetime) -> None:
        kinds = [{"name": name, "days": days, "color": color} for name, days, color in people.LEAVE_TYPES]
        await self.make("leave_type", kinds, start, "name")
        years = (self.now.year, self.now.year + 1)
        holidays = [
            {"name": name, "date": date(year, month, day).isoformat()}
            for year in years
            for month, day, name in people.HOLIDAYS
        ]
        await self.make("holiday", holidays, start)
        for username, kind, offset, length, reason in people.LEAVES:
            first = _workday((self.now + timedelta(days=offset)).date())
            leave = {
                "user": self.agents[username].profile_id,
                "leave_type": self.ids["leave_type", kind],
                "start_date": first.isoformat(),
                "end_date": (first + timedelta(days=length - 1)).isoformat(),
                "reason": reason,
            }
            await self.make("leave", [leave], self.now - timedelta(days=20))
        for title, message, begins, ends in people.ANNOUNCEMENTS:
            news = {
                "summary": title,
                "message": message,
                "publish_start": (self.now + timedelta(days=begins)).isoformat(),
                "publish_end": (self.now + timedelta(days=ends)).isoformat(),
            }
            await self.make("announcement", [news], self.now + timedelta(days=min(begins, -1)))

    def _profiles(self, usernames: Sequence[str]) -> list[str]:
        return [self.agents[name].profile_id for name in usernames]

    async def notifications(self, admin: str) -> None:
        """What the administrator is told from now on."""
        channels = await make_channels(self.ctx)
        told = {"users": [admin], "channels": list(channels.values())}
        await self.make(
            "notification_subscription",
            [
                {**told, "name": "Critical and major events", "about": "event", "repeat_minutes": 15,
                 "conditions": {"severity": [1, 2]}},
                {**told, "name": "Incidents opened and resolved", "about": "incident",
                 "triggers": ["opened", "resolved"]},
            ],
            self.now,
        )  # fmt: skip

    async def incidents(self) -> None:
        """A month of incidents, every status among them."""
        events: list[Event] = []
        cases = tickets.cases()
        count = len(cases)
        for index, case in enumerate(cases):
            # Oldest first, a little denser towards today.
            age = timedelta(days=SPAN * (1 - index / count) ** 1.2, minutes=self.random.randrange(240))
            begin = min(_working_hours(self.now - age), self.now - timedelta(minutes=25 + 3 * (count - index)))
            events += self.life(case, begin, _fate(index, count))
        for event in sorted(events, key=lambda item: item.at):
            await event.act(self.at(event.at, event.who))

    def life(self, case: tickets.Case, begin: datetime, last: int) -> list[Event]:
        """One incident from its report to the status ``last``."""
        random = self.random
        requester = random.choice(self.requesters)
        members = next(team[3] for team in people.TEAMS if team[0] == case.team)
        agent = self.agents[random.choice(members)]
        desk = self.agents[random.choice(people.TEAMS[0][3])]
        source = random.choice((1, 1, 2, 3, 3, 6 if case.team == "Network" else 7))
        incident: dict[str, str] = {}
        events: list[Event] = []
        clock = begin
        # The unfinished ones go on until shortly before now, the others take hours.
        limit = max(timedelta(minutes=4), (self.now - begin) / 8)

        def then(who: Principal, act: Callable[[Context, Incident], Awaitable[Any]]) -> None:
            nonlocal clock
            clock += min(timedelta(minutes=random.randrange(8, 240)), limit)
            if (morning := _working_hours(clock)) < self.now - timedelta(hours=2):
                clock = morning

            async def run(ctx: Context) -> None:
                await act(ctx, await store.get(ctx, Incident, incident["id"]))

            events.append(Event(clock, who, run))

        async def report(ctx: Context) -> None:
            given = {
                "summary": case.summary,
                "description": f"<p>{case.text}</p>",
                "impact_id": case.impact,
                "urgency_id": case.urgency,
                "team": self.ids["team", case.team],
                "source": source,
                "requester_email": requester.email,
                "requester_name": requester.name,
                "tag": [case.tag],
                "due_date": (ctx.now + timedelta(hours=(4, 8, 24)[case.urgency - 1])).isoformat(),
                "assignee": agent.profile_id if last != engine.NEW or random.random() < 0.3 else None,
            }
            row = await writing.create(ctx, self.ctx.platform.registry.resources["incident"], given)
            incident["id"] = row["id"]

        events.append(Event(begin, requester if source == 1 else desk, report))
        for who, act in self._steps(case, last, agent, requester):
            then(who, act)
        return events

    def _steps(self, case: tickets.Case, last: int, agent: Principal, requester: Principal) -> list[Any]:
        random, steps = self.random, []

        def says(who: Principal, text: str, *, note: bool = False, files: Sequence[Any] = ()) -> None:
            async def act(ctx: Context, entity: Incident) -> None:
                await messages.add_message(
                    ctx,
                    entity,
                    f"<p>{text}</p>",
                    kind="note" if note else "comment",
                    public=not note,
                    attachments=files,
                )

            steps.append((who, act))

        def moves(status: int, text: str = "") -> None:
            async def act(ctx: Context, entity: Incident) -> None:
                if status in (engine.RESOLVED, engine.CLOSED):
                    await service.move(ctx, entity, status, {"closure_note": text, "resolution_type": "Fixed"})
                    return
                given: dict[str, Any] = {"status_id": status}
                if text:
                    given["comment"] = {"type": "note", "text": text}
                res = self.ctx.platform.registry.resources["incident"]
                await writing.update(ctx, res, entity, given, partial=True)

            steps.append((agent, act))

        if last == engine.NEW:
            return steps
        says(agent, random.choice(tickets.ANSWERS))
        moves(engine.RESPONDED)
        if last == engine.RESPONDED:
            return steps
        if random.random() < 0.7:
            says(requester, random.choice(tickets.REPLIES))
        moves(engine.ANALYSIS)
        log = {
            "name": "switch.log",
            "data": "data:text/plain;base64," + base64.b64encode(tickets.LOG.encode()).decode(),
        }
        if random.random() < 0.6:
            says(
                agent,
                random.choice(tickets.NOTES),
                note=True,
                files=[log] if case.team == "Network" else [],
            )
        if last == engine.ESCALATED or (case.impact <= 2 and random.random() < 0.4):
            moves(engine.ESCALATED, "Handed to the second level: needs somebody on site.")
        if last == engine.PENDING or (last >= engine.RESOLVED and random.random() < 0.25):
            moves(engine.PENDING, random.choice(tickets.WAITS))
        if last < engine.RESOLVED:
            return steps
        moves(engine.RESOLVED, case.fix)
        if random.random() < 0.5:
            says(requester, random.choice(tickets.THANKS))
        if last == engine.CLOSED:
            moves(engine.CLOSED, "Confirmed by the requester.")
        return steps


def _fate(index: int, count: int) -> int:
    """The status an incident ends in: old ones are closed, the newest are new."""
    if index < count * 0.45:
        return engine.CLOSED
    open_ones = (
        engine.ANALYSIS,
        engine.RESOLVED,
        engine.PENDING,
        engine.RESOLVED,
        engine.ESCALATED,
        engine.RESPONDED,
    )
    if index < count * 0.62:
        return (engine.CLOSED, engine.ANALYSIS, engine.PENDING)[index % 3]
    return engine.NEW if index >= count - 7 else open_ones[index % len(open_ones)]


def _workday(day: date) -> date:
    while day.weekday() > 4:
        day += timedelta(days=1)
    return day


def _working_hours(moment: datetime) -> datetime:
    """The same moment, or where nobody works, the next morning."""
    if 6 <= moment.hour < 17:
        return moment
    morning = moment.replace(hour=6 + moment.minute % 3)
    return morning if morning > moment else morning + timedelta(days=1)
