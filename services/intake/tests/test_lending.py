"""A reporter's contact, handed over sealed to the tier that makes the return visit: readable there alone, for a time."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from yiwang.contracts import (
    CaseHandoverAccepted,
    CaseVisited,
    ContactAsked,
    ContactDestroyed,
    ContactRevoked,
    ContactSealed,
    ContactSettled,
    ContactWanted,
    Custody,
    encode,
)
from yiwang.intake.app import service
from yiwang.intake.lending import LendingRule, by_rule
from yiwang.intake.profile import BadProfile, load
from yiwang.intake.testing import a_citizen_body
from yiwang.kit import ManualClock
from yiwang.kit.testing import NOON, a_head
from yiwang.stack.testing import TestServers
from yiwang.stack.testing_pair import Pair, pair

CITY, LUOHU, PROVINCE = "440300", "440303", "440000"
PHONE, EXACT = "13800138000", "金田花园"


@pytest.mark.parametrize(
    ("hand_over", "to", "asker", "granted"),
    [
        ("ask", ("custodian", "above"), CITY, False),
        ("rule", ("custodian",), CITY, True),
        ("rule", ("custodian",), PROVINCE, False),
        ("rule", ("above",), PROVINCE, True),
        ("rule", ("custodian", "above"), "440305", False),
        ("never", ("custodian", "above"), CITY, False),
    ],
)
def test_the_rule_gives_a_contact_only_to_whom_the_place_named(
    hand_over: str, to: tuple[str, ...], asker: str, granted: bool
) -> None:
    """The custodian of the case, a tier above, nobody; a sibling that has nothing to do with it never."""
    rule = LendingRule(hand_over=hand_over, grant_to=to)
    assert by_rule(rule, asker, CITY, frozenset({CITY, PROVINCE})) is granted


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ('hand_over = "always"', "请改为 ask、rule、never"),
        ('grant_to = ["anybody"]', "请改为 custodian、above"),
        ("hours = 0", "请写 1 到 720"),
        ('whom = "all"', "只写 hand_over、grant_to、hours"),
    ],
)
def test_a_wrong_rule_is_refused_with_what_to_write(tmp_path: Path, words: str, sentence: str) -> None:
    (tmp_path / "intake").mkdir()
    text = f'[code_sets.channel]\nname = "channel"\nversion = "1"\n[contact]\n{words}\n'
    (tmp_path / "intake/intake.toml").write_text(text, "utf-8")
    with pytest.raises(BadProfile, match=sentence):
        load(str(tmp_path))


class Desks:
    """A district that took citizens' reports, and its city, to which their cases were handed over."""

    def __init__(self, both: Pair, city: Any, county: Any, clock: ManualClock) -> None:
        self.both, self.city, self.county, self.clock = both, city, county, clock

    def desk(self, app: Any, role: str) -> Any:
        return app.http(role, area=CITY if app is self.city else LUOHU, person_ref=f"p-{role}")

    async def report(self, number: str) -> dict[str, str]:
        """A citizen's report, taken in the district."""
        body = a_citizen_body(source={"system": "web", "record_id": str(uuid.uuid5(uuid.NAMESPACE_URL, number))})
        answer = await self.county.http().post("/reports", json=body)
        assert answer.status_code == 202, answer.text
        found: dict[str, str] = answer.json()
        await self.both.child.settled()
        return found

    async def want(self, report: dict[str, str], times: int = 1) -> str:
        """The city's dispatch wants to ask the reporter, so many times by now; returns the number of the request."""
        await self.both.parent.publish(
            ContactWanted(
                case_id=report["case_id"], report_ids=(report["report_id"],), holder=LUOHU, area=CITY,
                opinion="市级回访", jurisdiction=CITY,
            )
        )  # fmt: skip
        asked = await self.both.parent.until(
            ContactAsked, times, where=lambda e: e.report_id == report["report_id"], timeout=60
        )
        return str(asked[-1].ask_id)

    async def line(self, app: Any, ask_id: str, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The request as the books of *app* show it, once it *fits*."""
        shown: dict[str, Any] = {}
        end = asyncio.get_running_loop().time() + 60
        while True:
            answer = await self.desk(app, "auditor").get("/reports/handovers")
            assert answer.status_code == 200, answer.text
            shown = next((one for one in answer.json() if one["ask_id"] == ask_id), {})
            if shown and fits(shown):
                return shown
            assert asyncio.get_running_loop().time() < end, str(shown)
            await asyncio.sleep(0.05)

    async def decide(self, ask_id: str, what: str, role: str = "shift_leader", expect: int = 200, **body: Any) -> Any:
        answer = await self.desk(self.county, role).post(f"/reports/handovers/{ask_id}/{what}", json=body or None)
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def look(self, ask_id: str, role: str = "acceptor") -> Any:
        return await self.desk(self.city, role).get(f"/reports/handovers/{ask_id}/contact")


@contextlib.asynccontextmanager
async def desks(servers: TestServers, folder: Path, *, rule: str = "") -> AsyncIterator[Desks]:
    clock = ManualClock(NOON)
    profile = folder / "profile"
    if rule:
        (profile / "intake").mkdir(parents=True)
        text = f'[code_sets.channel]\nname = "channel"\nversion = "1"\n[contact]\n{rule}\n'
        (profile / "intake/intake.toml").write_text(text, "utf-8")
    async with (
        pair(servers, folder, parent=CITY, child=LUOHU, name="lending") as both,
        both.parent.running(service, clock=clock, **both.kit(both.parent)) as city,
        both.child.running(
            service, clock=clock, profile=str(profile) if rule else "", **both.kit(both.child)
        ) as county,
    ):
        yield Desks(both, city, county, clock)


def state(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda line: line["state"] == name


async def test_a_contact_goes_sealed_to_one_tier_and_is_destroyed_after_the_visit(
    test_servers: TestServers, tmp_path: Path
) -> None:
    """Asked for, granted by an authorised person, opened once at the city, used, destroyed; both sides keep the books.
    What passes the streams can't be read; a second request is refused; one that nobody answers ends by itself."""
    async with desks(test_servers, tmp_path) as d:
        report = await d.report("R-1")
        ask = await d.want(report)
        await d.line(d.county, ask, state("asked"))
        assert (await d.look(ask)).status_code == 409
        await d.decide(ask, "grant", role="acceptor", expect=403)
        await d.decide(ask, "grant")
        await d.decide(ask, "grant", expect=409)
        [sealed] = await d.both.parent.until(ContactSealed, timeout=60)
        assert (sealed.addressee, sealed.jurisdiction, sealed.by_rule) == (CITY, LUOHU, False)
        for words in (encode(sealed), base64.urlsafe_b64decode(sealed.sealed)):
            assert PHONE.encode() not in words
        held = await d.line(d.city, ask, state("held"))
        assert held["decided_by"] == "p-shift_leader"
        await d.both.parent.until(ContactSettled, where=lambda e: e.outcome == "held", timeout=60)
        await d.both.child.until(ContactSettled, where=lambda e: e.outcome == "given", timeout=60)
        contact = await d.look(ask)
        assert contact.json()["phone"] == PHONE, contact.text
        assert EXACT not in contact.text
        assert (await d.look(ask, "collector")).status_code == 403

        head = a_head(case_id=report["case_id"], custody=Custody(jurisdiction=CITY, epoch=2), case_version=20)
        visited = CaseVisited(case=head, score=2, satisfied=True, jurisdiction=CITY)
        await d.both.parent.publish(visited)
        gone, books = await d.line(d.city, ask, state("ended")), await d.line(d.county, ask, state("ended"))
        assert gone["reason"] == books["reason"] == "回访完成"
        assert (await d.look(ask)).status_code == 409
        row = await d.city.pool.fetchrow("select private, sealed::text as sealed from lendings where ask_id = $1", ask)
        assert (row["private"], row["sealed"]) == ("", "{}")
        looks = await d.county.pool.fetch("select by from looks where report_id = $1", report["report_id"])
        assert [one["by"] for one in looks] == ["p-shift_leader → 440300"]
        looks = await d.city.pool.fetch("select by from looks where report_id = $1", report["report_id"])
        assert [one["by"] for one in looks] == ["p-acceptor"]

        other = await d.want(await d.report("R-2"))
        await d.line(d.county, other, state("asked"))
        await d.decide(other, "refuse", reason="报告人只愿由本区联系")
        refused = await d.line(d.city, other, state("refused"))
        assert refused["reason"] == "报告人只愿由本区联系"
        silent = await d.want(await d.report("R-3"))
        await d.line(d.county, silent, state("asked"))
        d.clock.advance(hours=73)
        assert (await d.line(d.city, silent, state("silent")))["reason"] == "对方逾期未答复"


async def test_by_rule_the_custodian_is_given_the_contact_and_erasing_calls_it_back(
    test_servers: TestServers, tmp_path: Path
) -> None:
    """Only for the case that was handed over, and until its end; who wants to be forgotten is forgotten there too."""
    async with desks(test_servers, tmp_path, rule='hand_over = "rule"\nhours = 24') as d:
        report, stranger = await d.report("R-1"), await d.report("R-2")
        head = a_head(case_id=report["case_id"], custody=Custody(jurisdiction=CITY, epoch=2), case_version=9)
        accepted = CaseHandoverAccepted(
            case=head, offer_id="o", from_jurisdiction=LUOHU, to_jurisdiction=CITY, epoch=2, addressee=LUOHU,
            jurisdiction=CITY,
        )  # fmt: skip
        await d.both.parent.publish(accepted)
        ask = await d.want(report)
        held = await d.line(d.city, ask, state("held"))
        assert held["decided_by"] == "规则"
        assert dt.datetime.fromisoformat(held["expires_at"]) == d.clock.now() + dt.timedelta(hours=24)
        asked = await d.want(stranger)
        await d.line(d.county, asked, state("asked"))

        erased = await d.desk(d.county, "security_admin").post(
            f"/reports/{report['report_id']}/erase", json={"reason": "本人要求删除"}
        )
        assert erased.status_code == 200, erased.text
        await d.both.parent.until(ContactRevoked, timeout=60)
        assert (await d.line(d.city, ask, state("ended")))["reason"] == "原持有单位撤销"
        [told] = await d.both.parent.until(ContactDestroyed, timeout=60)
        assert told.reason_code == "revoked"
        again = await d.line(d.city, await d.want(report, 2), state("refused"))
        assert "已按其要求删除" in again["reason"]
        await d.decide(asked, "grant")
        await d.line(d.city, asked, state("held"))
        d.clock.advance(hours=25)
        assert (await d.line(d.city, asked, state("ended")))["reason"] == "到期"
        assert (await d.look(asked)).status_code == 409
