"""A whole city in one process for the end-to-end tests: six services, a stand-in nation, and the demo's people."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import importlib
import time
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
from yiwang.kit import Clock, Service
from yiwang.kit.dev import dev_token
from yiwang.stack.books import Books, balance
from yiwang.stack.demo_feed import Feed
from yiwang.stack.demo_people import Crew
from yiwang.stack.receiver import Receiver, listening
from yiwang.stack.testing import RunningApp, TestNode

ROOT: Final = Path(__file__).parents[2]
PROFILES: Final = ROOT / "deploy" / "profiles"
SERVICES: Final = ("intake", "grid", "dispatch", "enforcement", "national_sync", "notification")
SECRET: Final = "whsec_dGhlIHRlc3QgaGFzIG5vIHNlY3JldHMgYXQgYWxs"


def service(name: str) -> Service:
    """The service of that name, as its entry point gives it."""
    found: Service = importlib.import_module(f"yiwang.{name}.app").service
    return found


class City:
    """The running city and what was told to it."""

    def __init__(
        self, node: TestNode, apps: list[RunningApp], jurisdiction: str, profile: Path, nation: Receiver
    ) -> None:
        self.node, self.jurisdiction, self.profile, self.nation = node, jurisdiction, profile, nation
        self.apps = {app.app.service.name.replace("-", "_"): app for app in apps}
        self.http: httpx.AsyncClient = apps[0].http()
        self.clock: Clock = apps[0].app.clock
        self.accepted: set[str] = set()
        self.crew = Crew(self.http, self.token, jurisdiction)

    def token(self, role: str, unit: str = "") -> str:
        return dev_token(role, area=self.jurisdiction, unit_id=unit)

    def headers(self, role: str, unit: str = "") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(role, unit)}"}

    async def report(self, feed: Feed, number: int) -> None:
        """Send report *number* of the feed; it must be taken."""
        drawn = feed.draw(number, self.clock.now())
        headers = self.headers(drawn.role) if drawn.role else {}
        answer = await self.http.post("/reports", json=drawn.report, headers=headers)
        assert answer.status_code == 202, answer.text
        self.accepted.add(answer.json()["report_id"])

    async def work(self, seconds: float = 90) -> None:
        """Let the people work until there is nothing left to do."""
        end, quiet = time.monotonic() + seconds, 0
        while quiet < 3:
            steps = await self.crew.round(self.clock.now())
            quiet = 0 if steps else quiet + 1
            assert time.monotonic() < end, f"still work after {seconds} s; refusals {self.crew.refusals[:5]}"
            if not steps:
                await self.node.settled()

    async def books(self, seconds: float = 30) -> Books:
        """The books once nothing waits."""
        end = time.monotonic() + seconds
        while True:
            found = await balance(self.node.kit(), self.accepted or None)
            if (
                not (found.waiting or found.sync.get("pending") or found.notices.get("pending"))
                or time.monotonic() > end
            ):
                return found
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def city(
    node: TestNode, profile: str, clock: Clock | None = None, more: tuple[str, ...] = (), **kit: Any
) -> AsyncIterator[City]:
    """Run all six services, and *more*, under a shipped profile."""
    directory = PROFILES / profile
    jurisdiction = str(tomllib.loads((directory / "profile.toml").read_text())["profile"]["jurisdiction"])
    nation = Receiver(SECRET)
    async with listening(nation) as url:
        settings = {"YIWANG_NATIONAL_SYNC_ENDPOINTS": f"nation={url}", "YIWANG_NATIONAL_SYNC_SECRETS": f"nation={SECRET}",
                    "YIWANG_NATIONAL_SYNC_POLL_SECONDS": "0.1"}  # fmt: skip
        services = [service(name) for name in (*SERVICES, *more)]
        async with node.running(
            *services, settings=settings, clock=clock, profile=directory, jurisdiction=jurisdiction, **kit
        ) as apps:
            yield City(node, apps, jurisdiction, directory, nation)


SHANGHAI: Final = dt.timezone(dt.timedelta(hours=8))
