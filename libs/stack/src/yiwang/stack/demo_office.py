"""One node of a demo as its people see it: reports that come in there, and the crew that works them over HTTP."""

from __future__ import annotations

import asyncio
import uuid
from functools import cached_property
from pathlib import Path

import httpx
from yiwang.kit import Kit, Post, clock_from
from yiwang.kit.dev import DevIssuer
from yiwang.stack.demo_feed import LOCAL, Feed
from yiwang.stack.demo_people import ROLE, Crew

PACE_S = 0.25
"""Seconds between reports in the busiest hour, without an end."""
AT_ONCE = 20
RETRIES = 40


class Patient(httpx.AsyncHTTPTransport):
    """Sends again what a broken connection swallowed; everything the demo's people send bears being sent twice."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for wait in (0.1, 0.5, 2.0):
            try:
                return await super().handle_async_request(request)
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                await asyncio.sleep(wait)
        return await super().handle_async_request(request)


def client(url: str) -> httpx.AsyncClient:
    """For the people of one node: they wait for a free line as long as it takes."""
    transport = Patient(limits=httpx.Limits(max_connections=32))
    return httpx.AsyncClient(base_url=url, timeout=httpx.Timeout(120, pool=None), transport=transport)


class Office:
    """Reports for one node and the people of that node."""

    def __init__(
        self, kit: Kit, issuer: DevIssuer, http: httpx.AsyncClient, *, name: str = "", seed: int = 1,
        crew: type[Crew] = Crew,
    ) -> None:  # fmt: skip
        self.kit, self.name, self._issuer, self.http = kit, name or kit.jurisdiction, issuer, http
        self.code = kit.jurisdiction
        self.clock = clock_from(kit.clock, kit.clock_epoch)
        self._seed = seed
        roles = sorted(set(ROLE.values()))
        posts = [Post(post_id=f"demo-{role}@{self.code}", role=role, areas=(self.code,)) for role in roles]
        self.crew = crew(http, self.token, self.code, seed, glance=issuer.token("demo-glance", posts))
        self.accepted: set[str] = set()
        self.refused: list[str] = []
        self._number = 0
        self._tokens: dict[tuple[str, str], str] = {}

    @cached_property
    def feed(self) -> Feed:
        """Reports as this place gets them."""
        return Feed(Path(self.kit.profile), self.code, self._seed)

    def token(self, role: str, unit: str = "") -> str:
        """A token of the development issuer for somebody of this node."""
        key = (role, unit)
        if key not in self._tokens:
            self._tokens[key] = self._issuer.token_of(role, area=self.code, unit_id=unit)
        return self._tokens[key]

    async def take(self, count: int, pause_s: float = 0.05) -> None:
        """Send *count* reports as fast as they are taken."""
        while count:
            size = min(AT_ONCE, count)
            await asyncio.gather(*(self._report() for _ in range(size)))
            count -= size
            await asyncio.sleep(pause_s)

    async def take_for_ever(self, share: float = 1.0) -> None:
        """Send reports at the pace of the hour, as published figures have it; *share*: of a whole city's."""
        while True:
            await self._report()
            hour = self.clock.now().astimezone(LOCAL).hour
            await asyncio.sleep(PACE_S / share * max(self.feed.hours) / max(self.feed.hours[hour], 100))

    async def work(self) -> int:
        """Work every queue once; returns how many steps were taken."""
        return await self.crew.round(self.clock.now())

    @property
    def complaints(self) -> list[str]:
        """What was refused, as sentences."""
        return [*self.refused, *self.crew.refusals]

    async def _report(self) -> None:
        number, self._number = self._number, self._number + 1
        drawn = self.feed.draw(number, self.clock.now())
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        if drawn.role:
            headers["Authorization"] = f"Bearer {self.token(drawn.role)}"
        answer = await self.http.post("/reports", json=drawn.report, headers=headers)
        for _ in range(RETRIES):
            if answer.status_code != 503:
                break
            await asyncio.sleep(float(answer.headers.get("Retry-After", "1")))
            answer = await self.http.post("/reports", json=drawn.report, headers=headers)
        if answer.status_code == 202:
            self.accepted.add(answer.json()["report_id"])
        else:
            self.refused.append(f"上报 {answer.status_code}: {answer.text[:300]}")
