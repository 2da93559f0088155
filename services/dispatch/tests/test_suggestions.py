"""Suggestions kept in the database: what finished cases of this node teach, beside the matrix's answer."""

from __future__ import annotations

import datetime as dt

import msgspec
from yiwang.contracts import AreaRef, CaseClosed, CaseFiled, UnitRef
from yiwang.contracts.case import ImportedOutcome
from yiwang.dispatch.app import make_service
from yiwang.dispatch.rules import Auto
from yiwang.dispatch.testing import PLACE, located, reported, some_rules

NEXT_STREET = msgspec.structs.replace(PLACE, area=AreaRef(city="440300", county="440303", street9="440303002"))


async def test_a_dispatcher_reads_who_handled_such_cases_in_the_last_year(node) -> None:
    """Nine finished here by the patrol, one by the sanitation unit, under an alias; drills and old ones teach nothing."""
    by_hand = Auto(accept=True, verify=False, file=True, dispatch=False)
    rules = some_rules(auto=by_hand)
    now = dt.datetime.now(dt.UTC)

    async with node.running(make_service(lambda _: rules)) as app:
        events = []
        done = [("old", 400, "sanitation", "", "historical"), ("drill", 3, "sanitation", "", "drill")]
        done += [(f"h{n}", 5 + n, "patrol", "", "historical") for n in range(9)]
        done += [("alias", 4, "x-77", "环卫所", "historical")]
        for case_id, days, unit_id, name, purpose in done:
            told = ImportedOutcome(unit=UnitRef(unit_id=unit_id, unit_name=name), timeliness="on_time")
            at = now - dt.timedelta(days=days)
            first = reported(case_id, at=at, imported=told, purpose=purpose)
            events += [first, located(first)]
        asked, beside = reported("asked", at=now), reported("beside", at=now)
        await node.publish(*events, asked, located(asked), beside, located(beside, place=NEXT_STREET))
        await node.until(CaseClosed, len(done))
        await node.until(CaseFiled, len(done) + 2)
        await node.settled()

        http = app.http("dispatcher", area="440300")
        choices = (await http.get("/cases/asked/choices")).json()
        assert choices["units"][0]["unit_id"] == "sanitation"
        assert [s["unit_id"] for s in choices["suggestions"]] == ["patrol", "sanitation"]
        first = choices["suggestions"][0]
        assert first["reason"] == "近一年同小类同街道 10 件中 9 件由执法队处置"
        assert first["confidence"] > 0.7

        wider = (await http.get("/cases/beside/choices")).json()["suggestions"][0]
        assert wider["reason"] == "近一年同小类 10 件中 9 件由执法队处置"
