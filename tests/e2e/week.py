"""A province that carries two cities, each with a login of its own to the database server, and a week of their work.

Time is virtual: a day lasts `DAY_S` real seconds. Reports come at the hours at which a real city gets them; people work on
working days from eight to six, on days of rest only for the three hours of the duty desk, and now and then a unit forgets a case.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
import os
import random
import secrets
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import httpx
from yiwang.stack.demo_feed import LOCAL
from yiwang.stack.demo_office import Office, client
from yiwang.stack.demo_people import Crew
from yiwang.stack.topology import read

from .mesh import QUICK, until
from .moving import CITY, Moving, after, before, linked, rows

OTHER: Final = "441900"
SERVICES: Final = "identity = 0, enforcement = 0"
CANTON: Final = 'code = "440100", name = "广州市", profile = "guangzhou"'
DONGGUAN: Final = 'code = "441900", name = "东莞市", profile = "dongguan", governance = "single"'
BEFORE: Final = before(SERVICES).replace(CANTON, DONGGUAN)
AFTER: Final = after(SERVICES).replace(CANTON, DONGGUAN)

DAY_S: Final = float(os.environ.get("LAB_WEEK_DAY_S", "75"))
"""Real seconds of a day"""
A_DAY: Final = int(os.environ.get("LAB_WEEK_REPORTS", "40"))
"""Reports a day in each city: half of what Shenzhen's Pingshan district had in 2018 (data/demo_feed.toml)"""
START: Final = dt.datetime(2026, 6, 17, 0, 0, tzinfo=LOCAL)
"""A Wednesday; Friday is the Dragon Boat Festival (端午节), a weekend follows."""
DAYS: Final = 7
REST: Final = frozenset(dt.date(2026, 6, day) for day in (19, 20, 21))
WORK, DUTY = range(8, 18), range(9, 12)
FORGETS: Final = 40
"""One case in so many is forgotten by its unit until the week is over"""
SCHEMAS: Final = ("intake", "grid", "dispatch", "national_sync", "notification", "mesh", "evaluation")
ROLES: Final = "create role {0} login createrole createdb password '{1}'"
UNFIT: Final = (httpx.HTTPStatusError, httpx.TransportError)


def day_of(at: dt.datetime) -> dt.date:
    """The day in China."""
    return at.astimezone(LOCAL).date()


class Tenants(Moving):
    """The province's database server, where each node logs in by a name of its own (docs/operate.md, Kubernetes, step 2)."""

    passwords: dict[str, str]

    def environ(self, code: str) -> dict[str, str]:
        found = super().environ(code)
        node = self.topology.node(code)
        if not self.moved(code):
            found["YIWANG_DATABASE_URL"] = self.login(code, node.database)
        return found

    def moved(self, code: str) -> bool:
        """Whether the node has its own database server by now."""
        return code == CITY and self.own is not None and not self.topology.node(code).host

    def login(self, code: str, database: str) -> str:
        """URL of *database* with the login of *code*; makes the login at the first time."""
        if not hasattr(self, "passwords"):
            self.passwords = {}
            for service in SCHEMAS:
                self.postgres.query(f"create role yw_{service} login")
        user = f"n{code}"
        if code not in self.passwords:
            self.passwords[code] = secrets.token_urlsafe(12)
            own = self.topology.node(code).database
            for statement in (
                ROLES.format(user, self.passwords[code]),
                f"alter role {user} set createrole_self_grant = 'set, inherit'",
                *(f"grant yw_{service} to {user}" for service in SCHEMAS),
                f"alter database {own} owner to {user}",
                f"revoke connect on database {own} from public",
            ):
                self.postgres.query(statement)
        url = urlsplit(self.postgres.url(database))
        return urlunsplit(url._replace(netloc=f"{user}:{self.passwords[code]}@{url.hostname}:{url.port}"))


@contextlib.contextmanager
def tenants() -> Iterator[tuple[Tenants, Path]]:
    """The running network in the night before the week, and a directory beside it."""
    environ = {
        **QUICK, "YIWANG_MESH_HEARTBEAT_SECONDS": "60", "YIWANG_MESH_SILENT_AFTER_S": "6000", "YIWANG_LINGER_MS": "50",
        "YIWANG_CLOCK": f"{START.isoformat()}@x{86400 / DAY_S:.3f}", "YIWANG_CLOCK_EPOCH": f"{time.time() + 60:.3f}",
    }  # fmt: skip
    with (
        tempfile.TemporaryDirectory(prefix="yiwang-week-") as name,
        Tenants(
            read(BEFORE), Path(name) / "net", processes="each", durable=False, connections=400, environ=environ,
            stream_max_gib=0.5,
        ) as net,
    ):  # fmt: skip
        yield net, Path(name)


class Forgetful(Crew):
    """A unit that doesn't look at some of its cases until the week is over."""

    reminded = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.too_late: Counter[str] = Counter()
        """Steps that somebody else, or a timer, had made superfluous, by the code of the answer"""

    def _note(self, answer: httpx.Response, action: str, case: dict[str, Any]) -> None:
        super()._note(answer, action, case)
        if answer.status_code == 409:
            self.too_late[f"{action}: {answer.json()['code']}"] += 1

    async def _decide(self, queue: str, case: dict[str, Any], now: dt.datetime) -> tuple[str, dict[str, Any]]:
        if queue == "handle" and not self.reminded and sum(case["case_id"].encode()) % FORGETS == 0:
            return "", {}
        return await super()._decide(queue, case, now)


class Town:
    """One city: who reports there and who works there."""

    def __init__(self, net: Tenants, code: str, http: httpx.AsyncClient, seed: int) -> None:
        self.net, self.code = net, code
        self.office = Office(net.kit(code), net.issuer, http, seed=seed, crew=Forgetful)
        self.clock = self.office.clock
        assert isinstance(self.office.crew, Forgetful)
        self.crew = self.office.crew
        self._random = random.Random(seed)
        self._number = itertools.count()
        self.turned_away: Counter[str] = Counter()
        """Refused attempts by what was answered"""
        self.interrupted: Counter[str] = Counter()
        self.moving = False
        self.away = (START, START)
        """From when until when the city moved"""

    def moved_at(self, at: dt.datetime) -> bool:
        """Whether the city was just moving: what was due then is done when it is open again."""
        return self.away[0] <= at <= self.away[1]

    # -- who reports -----------------------------------------------------------------------------------------------

    def moments(self, begin: dt.datetime) -> list[dt.datetime]:
        """When the reports of the week come: each day so many, by the hours of a real city."""
        hours = self.office.feed.hours
        found = []
        for day, _ in itertools.product(range(DAYS), range(A_DAY)):
            [hour] = self._random.choices(range(24), weights=hours)
            found.append(START + dt.timedelta(days=day, hours=hour, seconds=self._random.randrange(3600)))
        return sorted(at for at in found if at >= begin)

    async def report_for_a_week(self) -> int:
        """Send each when its moment comes; returns how many."""
        moments = self.moments(self.clock.now())
        async with asyncio.TaskGroup() as sending:
            for at in moments:
                await asyncio.sleep(max(0.0, (at - self.clock.now()).total_seconds() / self.clock.speed))
                sending.create_task(self.report())
        return len(moments)

    async def report(self) -> None:
        """Send one report until it is taken, as an inspector's terminal does, with the same key each time."""
        drawn = self.office.feed.draw(next(self._number), self.clock.now())
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        if drawn.role:
            headers["Authorization"] = f"Bearer {self.office.token(drawn.role)}"
        while True:
            try:
                answer = await self.office.http.post("/reports", json=drawn.report, headers=headers)
            except httpx.TransportError as error:
                self.turned_away[type(error).__name__] += 1
            else:
                if answer.status_code == 202:
                    self.office.accepted.add(answer.json()["report_id"])
                    return
                assert answer.status_code in (409, 503), answer.text  # 409: the first one is still being answered
                self.turned_away[answer.json()["code"]] += 1
            await asyncio.sleep(0.5)

    # -- who works -------------------------------------------------------------------------------------------------

    @property
    def open(self) -> bool:
        """Whether people are at work; after the week at all hours, until nothing is left."""
        now = self.clock.now().astimezone(LOCAL)
        return self.crew.reminded or now.hour in (DUTY if now.date() in REST else WORK)

    async def work(self) -> None:
        """Work by the hours of the place; while the city moves, try again and again."""
        while True:
            steps = 0
            try:
                steps = await self.office.work() if self.open else 0
            except UNFIT as error:
                if not self.moving:
                    raise
                self.interrupted[type(error).__name__] += 1
            await asyncio.sleep(0.1 if steps else 0.5)


@contextlib.asynccontextmanager
async def at_work(net: Tenants) -> AsyncIterator[dict[str, Town]]:
    """Both cities with their people at work; whatever fails there fails here."""
    async with contextlib.AsyncExitStack() as stack:
        towns = {}
        for seed, code in enumerate((CITY, OTHER), 1):
            http = await stack.enter_async_context(client(net.url(code)))
            towns[code] = Town(net, code, http, seed)
        crews = [asyncio.create_task(town.work()) for town in towns.values()]
        try:
            yield towns
        finally:
            for crew in crews:
                crew.cancel()
            ends = await asyncio.gather(*crews, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends


class Listener:
    """Somebody in a city's NATS account who listens to everything that he is let hear."""

    def __init__(self) -> None:
        self.heard: Counter[str] = Counter()
        """Area code of who spoke up, or the flow of everything else → how many messages"""

    @contextlib.asynccontextmanager
    async def of(self, net: Tenants, code: str) -> AsyncIterator[None]:
        async with linked(net, code) as link:

            async def note(msg: Any) -> None:
                _, flow, *where = msg.subject.split(".")
                self.heard[where[1] if flow == "up" else flow] += 1

            await link.nc.subscribe("yw.>", cb=note)
            yield


async def unfinished(net: Tenants, code: str) -> list[str]:
    """Cases of a city that are neither closed nor void."""
    found = await rows(net, code, "select case_id from dispatch.cases where state not in ('closed', 'voided')")
    return [str(row["case_id"]) for row in found]


async def until_nothing_is_left(net: Tenants, towns: dict[str, Town], seconds: float = 900) -> None:
    """People work at all hours until every case is closed or void."""
    for town in towns.values():
        town.crew.reminded = True

    async def done() -> bool:
        return not [case for code in towns for case in await unfinished(net, code)]

    await until(
        done, lambda: f"not everything is done; refused: {[t.office.complaints[-3:] for t in towns.values()]}", seconds
    )
