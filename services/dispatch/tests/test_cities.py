"""The same life of a case in the two cities that ship: other numbering, other limits, another governance."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import pytest
from yiwang.contracts import (
    AreaRef,
    CaseClosed,
    CaseDispatched,
    CaseFiled,
    CaseHandlingConfirmed,
    Category,
    Code,
    Custody,
)
from yiwang.dispatch.app import make_service
from yiwang.dispatch.testing import PLACE, located, reported

PROFILES = Path(__file__).parents[3] / "deploy" / "profiles"
PHOTO = {"media_id": "m", "sha256": "a" * 64, "size": 9, "mime": "image/jpeg", "stage": "after", "home_node": "city"}
SHENZHEN = AreaRef(province="440000", city="440300", county="440306", street9="440306018")
DONGGUAN = AreaRef(province="440000", city="441900", street9="441900121", community12="441900121001")


def stall(code_set: str, version: str, major: str) -> Category:
    """An unlicensed stall (无照经营游商) as a reporter's app says it, without names: 0401 here, 0501 there."""
    return Category(code_set=code_set, version=version, kind="event", major=major, minor="01")


CITIES = {
    "shenzhen": (stall("gbt30428.2-2013", "2013", "04"), SHENZHEN, "440306018-law", ["city", "district"]),
    "dongguan": (stall("gbt30428.2-2013-dg", "2026", "05"), DONGGUAN, "441900121-law", ["city"]),
}


@pytest.mark.parametrize("city", CITIES)
async def test_a_stall_goes_from_report_to_closing(node: Any, city: str) -> None:
    """An inspector's report of the same thing, handled by the place's own enforcement team."""
    category, area, unit, levels = CITIES[city]
    async with node.running(make_service(), jurisdiction=area.city, profile=PROFILES / city) as app:
        told = reported("case-1", at=dt.datetime.now(dt.UTC))
        head = msgspec.structs.replace(
            told.case,
            category=category,
            custody=Custody(jurisdiction=area.city),
            channel=Code(code_set="channel", version="1", code="1"),
        )
        report = msgspec.structs.replace(told, case=head, jurisdiction=area.city)
        place = msgspec.structs.replace(PLACE, area=area, cell15="", duty_grid_id="D1")
        await node.publish(report, located(report, place=place))
        [filed] = await node.until(CaseFiled)
        no = filed.case.case_no

        async def act(role: str, action: str, unit_id: str = "", **body: Any) -> None:
            http = app.http(role, area=area.city, unit_id=unit_id, person_ref=f"p-{role}")
            answer = await http.post(f"/cases/{no}/{action}", json=body)
            assert answer.status_code == 200, answer.text

        if city == "dongguan":
            await act("dispatcher", "dispatch")
        dispatched = await node.until(CaseDispatched, len(levels))
        await act("dept_operator", "assign_handler", unit, handler_ref="p-1")
        await act("dept_operator", "submit_result", unit, resolution_mode="manage", media=[PHOTO])
        await act("dept_operator", "dept_confirm", unit)
        await act("dispatcher", "pass")
        await act("collector", "check_result", "inspectors", result="pass", media=[PHOTO])
        await act("acceptor", "close", closing_condition_ids=list(filed.closing_condition_ids))
        [confirmed] = await node.until(CaseHandlingConfirmed)
        [closed] = await node.until(CaseClosed)

    assert no.startswith(area.city)
    assert [one.dispatch_level for one in dispatched] == levels
    assert [a.unit_id for a in dispatched[-1].assignments] == [unit]
    assert (filed.category.major_name, filed.category.minor_name) == ("街面秩序", "无照经营游商")
    assert (filed.limit, filed.unit_kind) == (2, "urgent_hour")
    assert (confirmed.timeliness, confirmed.limit_s) == ("on_time", 7200)
    assert closed.case.pinned_versions["codes"] == "2026.1"
