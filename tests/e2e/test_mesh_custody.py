"""A case on its way through a real mesh: taken in a county, checked by its city, seen by the province, with a cut line."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import httpx
import nats
import pytest_asyncio
from yiwang.contracts import AreaRef, CaseLocated, Category, Code, Custody, Place
from yiwang.kit.testing import a_head, a_report
from yiwang.stack.network import Network
from yiwang.stack.topology import read

from .mesh import QUICK, TOPOLOGY, said, until

PROVINCE, CITY, LUOHU = "440000", "440300", "440303"
NET: Final = (
    TOPOLOGY[: TOPOLOGY.index("nodes = [")]
    + """nodes = [
    { code = "440000", name = "广东省", profile = "shenzhen" },
    { code = "440300", name = "深圳市", profile = "shenzhen" },
    { code = "440303", name = "罗湖区", profile = "shenzhen" },
]
"""
    + TOPOLOGY[TOPOLOGY.index("[defaults.province]") :].replace("dispatch = 0, ", "")
)
"""Only dispatch and the mesh run; what intake and grid would say is put into the streams."""
LITTER: Final = Category(code_set="gbt30428.2-2013", version="2013", kind="event", major="01", minor="10")
PHOTO: Final = {
    "media_id": "m", "sha256": "a" * 64, "size": 9, "mime": "image/jpeg", "stage": "after", "home_node": LUOHU,
}  # fmt: skip


class Tiers:
    """Province, city and county, with people at each."""

    def __init__(self, net: Network) -> None:
        self.net = net

    async def take(self, code: str, name: str) -> None:
        """A patrol's report and its place, as intake and grid of a node say them."""
        environ = self.net.environ(code)
        nc = await nats.connect(environ["YIWANG_NATS_URL"].split(","), nkeys_seed=environ["YIWANG_NATS_NKEY_FILE"])
        area = AreaRef(province=PROVINCE, city=CITY, county=LUOHU, street9="440303001", community12="440303001001")
        place = Place(area=area, grid_version="1", method="code")
        base: dict[str, Any] = {
            "case_id": name, "custody": Custody(jurisdiction=code), "report_ids": (f"r-{name}",),
            "channel": Code(code_set="channel", version="1", code="1"),
        }  # fmt: skip
        now = dt.datetime.now(dt.UTC)
        report = a_report(head=a_head(**base), claimed_category=LITTER, jurisdiction=code, occurred_at=now)
        head = a_head(**base, case_version=2, state_before="reported", place=place)
        for event in (report, CaseLocated(case=head, place=place, outcome="located", jurisdiction=code)):
            subject, data = said(code, event)
            await nc.jetstream().publish(subject, data, headers={"Nats-Msg-Id": f"{name}-{type(event).__name__}"})
        await nc.close()

    async def get(self, code: str, path: str, role: str = "acceptor") -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.net.token(role, code)}"}
        async with httpx.AsyncClient(base_url=self.net.url(code), timeout=60) as http:
            return await http.get(path, headers=headers)

    async def act(self, code: str, role: str, path: str, *, unit: str = "", **body: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.net.issuer.token_of(role, area=code, unit_id=unit)}"}
        async with httpx.AsyncClient(base_url=self.net.url(code), timeout=60) as http:
            answer = await http.post(f"/cases/{path}", headers=headers, json=body)
        assert answer.status_code == 200, (path, answer.text)
        found: dict[str, Any] = answer.json()
        return found

    async def shows(self, code: str, name: str, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The case as the node shows it, once it fits."""
        shown: dict[str, Any] = {}

        async def there() -> bool:
            answer = await self.get(code, f"/cases/{name}")
            shown.clear()
            shown.update(answer.json())
            return answer.status_code == 200 and fits(shown)

        await until(
            there, lambda: f"{code} shows {shown.get('case')} {shown.get('custody')} {shown.get('detail')}", 120
        )
        return shown


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tiers() -> AsyncIterator[Tiers]:
    with (
        tempfile.TemporaryDirectory(prefix="yiwang-custody-") as directory,
        Network(read(NET), Path(directory), processes="together", environ=QUICK, durable=False) as net,
    ):
        yield Tiers(net)


def at(state: str) -> Callable[[dict[str, Any]], bool]:
    return lambda shown: shown["case"]["state"] == state


async def test_a_countys_case_is_checked_by_its_city_and_seen_by_the_province(tiers: Tiers) -> None:
    """The line is cut while the county works: it goes on alone; mended, the city has the case and all have one history."""
    await tiers.take(LUOHU, "case-1")
    shown = await tiers.shows(LUOHU, "case-1", at("dispatched"))
    no, unit = shown["case"]["case_no"], shown["case"]["unit_id"]
    above = await tiers.shows(PROVINCE, no, at("dispatched"))
    assert above["custody"]["custodian_name"] == "罗湖区"
    assert above["custody"]["read_only"]

    tiers.net.cut(LUOHU)
    await tiers.act(LUOHU, "dept_operator", f"{no}/assign_handler", unit=unit, handler_ref="p-1")
    await tiers.act(LUOHU, "dept_operator", f"{no}/submit_result", unit=unit, resolution_mode="manage", media=[PHOTO])
    await tiers.act(LUOHU, "dept_operator", f"{no}/dept_confirm", unit=unit)
    await tiers.act(LUOHU, "dispatcher", f"{no}/pass")
    here = await tiers.shows(LUOHU, no, lambda s: s["custody"]["offer"] is not None)
    assert (here["custody"]["offer"]["to_name"], here["custody"]["read_only"]) == ("深圳市", False)
    assert (await tiers.get(CITY, f"/cases/{no}")).json()["case"]["state"] == "dispatched"

    tiers.net.mend(LUOHU)
    await tiers.shows(CITY, no, lambda s: s["case"]["state"] == "checking" and not s["custody"]["read_only"])
    await tiers.act(CITY, "collector", f"{no}/check_result", result="pass", media=[PHOTO])
    city = await tiers.shows(CITY, no, at("closing"))
    await tiers.act(CITY, "acceptor", f"{no}/close", closing_condition_ids=list(city["closing_conditions"]))
    county, province = await tiers.shows(LUOHU, no, at("closed")), await tiers.shows(PROVINCE, no, at("closed"))
    versions = {code: shown["case"]["version"] for code, shown in ((LUOHU, county), (PROVINCE, province))}
    closed = (await tiers.get(CITY, f"/cases/{no}")).json()
    assert set(versions.values()) == {closed["case"]["version"]}
    assert county["custody"]["custodian"] == province["custody"]["custodian"] == CITY
    assert closed["custody"]["epoch"] == 2


async def test_the_province_presses_a_countys_case_over_two_lines(tiers: Tiers) -> None:
    """The directive goes down past the city, is applied in the county, and everybody above sees it."""
    await tiers.take(LUOHU, "case-2")
    shown = await tiers.shows(PROVINCE, "case-2", at("dispatched"))
    body = {"kind": "important", "opinion": "省里关注，请抓紧", "version": shown["case"]["version"]}
    given = await tiers.act(PROVINCE, "leader", "case-2/directives", **body)
    county = await tiers.shows(LUOHU, "case-2", lambda s: bool(s["custody"]["supervisions"]))
    assert county["custody"]["supervisions"][0]["issuer"] == PROVINCE
    await tiers.shows(CITY, "case-2", lambda s: bool(s["custody"]["supervisions"]))

    async def answered() -> bool:
        known = (await tiers.get(PROVINCE, "/cases/case-2/directives", "leader")).json()
        return [one["state"] for one in known] == ["applied"]

    await until(answered, f"the province has no answer to {given['directive_id']}")
