"""A city on the province's servers moves to servers of its own, by the steps of docs/operate.md, "Move a tenant"."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from yiwang.kit.link import api
from yiwang.stack.books import read_stream
from yiwang.stack.topology import read

from .mesh import until
from .moving import CITY, FEW, OTHER, PROVINCE, Moving, after, balanced, linked, network, numbers, rows, take, yiwang


class Desk:
    """A clerk at the city's and the province's pages."""

    def __init__(self, net: Moving) -> None:
        self.net = net

    async def ask(self, code: str, role: str, method: str, path: str, **body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.net.issuer.token_of(role, area=CITY if code == CITY else code)}"}
        async with httpx.AsyncClient(base_url=self.net.url(code), timeout=60) as http:
            return await http.request(method, path, headers=headers, json=body or None)

    async def state(self, code: str, case: str) -> str:
        """State of the case as the node shows it, "" while it doesn't know it."""
        answer = await self.ask(code, "acceptor", "GET", f"/cases/{case}")
        return str(answer.json()["case"]["state"]) if answer.status_code == 200 else ""


async def dispatched(net: Moving, code: str, cases: list[str], table: str = "cases") -> None:
    """Wait until the node has all of them dispatched."""
    there: set[str] = set()

    async def all_of_them() -> bool:
        found = await rows(net, code, f"select case_id from dispatch.{table} where state = 'dispatched'")
        there.update(str(row["case_id"]) for row in found)
        return there.issuperset(cases)

    await until(all_of_them, lambda: f"{code} has not dispatched {sorted(set(cases) - there)}", 240)


async def reports(net: Moving, code: str, county: str, prefix: str, count: int) -> list[str]:
    """So many cases more, all of them taken."""
    cases = [f"{prefix}-{n}" for n in range(count)]
    async with linked(net, code) as link:
        for case in cases:
            assert await take(net, link, code, county, case)
    return cases


async def until_turned_away(net: Moving, prefix: str) -> tuple[list[str], str]:
    """Inspectors go on reporting until the city takes nothing more: what was taken, and what was turned away first."""
    taken: list[str] = []
    async with linked(net, CITY) as link:
        while await take(net, link, CITY, "440303", f"{prefix}-{len(taken)}"):
            taken.append(f"{prefix}-{len(taken)}")
            await asyncio.sleep(0.2)  # five a second
    return taken, f"{prefix}-{len(taken)}"


async def sealed_while_reports_come(net: Moving, prefix: str) -> tuple[list[str], str]:
    """Seal the city; what was taken until then, and what was turned away first."""
    async with asyncio.TaskGroup() as both:
        reporting = both.create_task(until_turned_away(net, prefix))
        both.create_task(yiwang(net, "tenant", "seal", CITY))
    return reporting.result()


async def sees_only_its_own(net: Moving, desk: Desk, own: str, foreign: str) -> None:
    """Neither on its pages nor in its NATS account does a hosted city find anything of its neighbour."""
    assert await desk.state(OTHER, foreign) == "dispatched"
    assert await desk.state(CITY, foreign) == ""
    by_the_wrong_door = {"Authorization": f"Bearer {net.issuer.token_of('acceptor', area=CITY)}"}
    async with httpx.AsyncClient(base_url=net.url(OTHER), timeout=60) as http:
        assert (await http.get(f"/cases/{foreign}", headers=by_the_wrong_door)).status_code in (403, 404)
    stream = await read_stream(net.kit(CITY))
    assert (set(stream.ids), own in stream.course, foreign in stream.course) == ({CITY}, True, False)
    async with linked(net, CITY) as link:
        assert set((await api(link.nc, "STREAM.NAMES"))["streams"]) == {"UP", "DOWN", "LOCAL", "PARKED"}


async def takes_it_back(net: Moving, desk: Desk, case: str) -> list[str]:
    """Sealed, then unsealed: nothing has happened, and who was turned away comes again."""
    taken, turned_away = await sealed_while_reports_come(net, "first-try")
    refused = await desk.ask(CITY, "leader", "POST", f"/cases/{case}/directives", kind="important", opinion="抓紧")
    assert (refused.status_code, refused.json()["code"]) == (503, "kit.sealed")
    assert "正在迁往新的服务器" in refused.json()["detail"]
    assert await desk.state(CITY, case) == "dispatched"  # to look is allowed
    assert "已解除封存" in await yiwang(net, "tenant", "unseal", CITY, "--yes")
    async with linked(net, CITY) as link:
        assert await take(net, link, CITY, "440303", turned_away)
    await dispatched(net, CITY, [*taken, turned_away])
    return [*taken, turned_away]


async def moves(net: Moving, directory: Path) -> tuple[list[str], str]:
    """Steps 2 to 6 of docs/operate.md; what was taken until the seal, and what was turned away."""
    print(await yiwang(net, "tenant", "open", CITY, fails=True))
    taken, turned_away = await sealed_while_reports_come(net, "meanwhile")
    print(await yiwang(net, "tenant", "export", CITY, str(directory / "carried")))
    net.hosts.stop(CITY)
    net.change(read(after(FEW)), services=False)
    print(await yiwang(net, "tenant", "import", CITY, str(directory / "carried")))
    print(await yiwang(net, "tenant", "open", CITY))
    net.start_services([CITY])
    return taken, turned_away


@pytest.mark.timeout(600)
async def test_a_hosted_city_moves_to_its_own_servers_without_losing_or_doubling_anything() -> None:
    """It works on the province's servers and sees only its own, tries to move and takes it back, moves, and goes on.

    What was turned away at the seal is sent again at the new place, with the same ids, and counts once.
    """
    with network(FEW) as (net, directory):
        desk = Desk(net)
        cases = await reports(net, CITY, "440303", "old", 20)
        await dispatched(net, CITY, cases)
        [foreign] = await reports(net, OTHER, "440103", "foreign", 1)
        await dispatched(net, OTHER, [foreign])
        await sees_only_its_own(net, desk, cases[0], foreign)
        cases += await takes_it_back(net, desk, cases[0])
        given = await numbers(net, CITY)

        with net.own_database():
            begun = time.monotonic()
            taken, turned_away = await moves(net, directory)
            gone_s = time.monotonic() - begun
            async with linked(net, CITY) as link:
                assert await take(net, link, CITY, "440303", turned_away)
            cases += [*taken, turned_away, *await reports(net, CITY, "440303", "new", 10)]
            await dispatched(net, CITY, cases)
            books = await balanced(net)

            assert set(given) < set(await numbers(net, CITY))
            assert len(await numbers(net, CITY)) == len(cases)
            [fence] = await rows(net, CITY, "select incarnation, sealed_at from yw.node")
            assert tuple(fence) == (2, None)
            await dispatched(net, PROVINCE, cases, "copies")
        print(f"{books.sent} events of {len(cases)} cases moved in {gone_s:.1f} s: 0 missing, 0 doubled, in order")
