"""Published reports: frozen, signed, computable from themselves; corrections are new versions."""

from __future__ import annotations

import datetime as dt
import io

import asyncpg
import openpyxl
import pytest
from yiwang.contracts import EvaluationPublished
from yiwang.evaluation import signing
from yiwang.evaluation.app import service
from yiwang.evaluation.report import decode, digest_of, rows_of
from yiwang.evaluation.testing import MORNING, Life
from yiwang.kit import ManualClock, signatures
from yiwang.stack.testing import TestNode

DONE = ["report 1", "+5 accept", "+5 file", "+5 dispatch u1 60", "+90 confirm", "+5 close"]
ORDER = {"title": "2026年11月城市管理考核通报", "period": "2026-11", "scheme": "jinhua"}
REPORT = "area-440300-county-2026-11-jinhua"


async def test_a_report_is_frozen_signed_and_corrected_by_a_new_version(node: TestNode) -> None:
    """One life of a report: published, unchanged, corrected after an appeal, both versions still as they were."""
    life = Life("a").lead(*DONE)
    async with node.running(service, clock=ManualClock(MORNING + dt.timedelta(hours=9))) as app:
        await node.publish(*life.events, *Life("b", place="440303001002", custody="440303").lead(*DONE[:4]).events)
        await node.settled()
        http = app.http("evaluator")
        first = await http.post("/evaluation/reports", json=ORDER)
        assert first.status_code == 201, first.text
        assert (first.json()["report_id"], first.json()["version"]) == (REPORT, 1)
        assert (await http.post("/evaluation/reports", json=ORDER)).status_code == 409

        said = len(life.events)
        await node.publish(*life.lead("+60 appeal upheld").events[said:])
        await node.settled()
        second = await http.post("/evaluation/reports", json=ORDER | {"reason": "申诉通过"})
        assert second.json()["version"] == 2

        old = await http.get(f"/evaluation/reports/{REPORT}", params={"version": 1})
        new = await http.get(f"/evaluation/reports/{REPORT}")
        rates = []
        for answer, told in ((old, first.json()), (new, second.json())):
            frozen = decode(answer.content)
            assert digest_of(answer.content) == told["digest"]
            text = signing.text_of(REPORT, told["version"], told["digest"], frozen.made_at)
            assert signatures.verified(told["key_id"], told["signature"], text)
            assert not signatures.verified(told["key_id"], told["signature"], text + b" ")
            row = next(row for row in rows_of(frozen) if row.object == "440310")
            rates.append(next(v.shown for v in row.indicators if v.code == "intime_archive_rate"))
        assert rates == ["0.00%", "100.00%"]

        checked = (await http.get(f"/evaluation/reports/{REPORT}/check")).json()
        assert checked["signature_valid"]
        assert checked["numbers"] > 100
        page = (await http.get(f"/evaluation/reports/{REPORT}/page")).text
        assert "2026年11月城市管理考核通报" in page
        assert "申诉通过" in page
        assert "http" not in page.replace("https://www.w3.org", "")
        sheet = (await http.get(f"/evaluation/reports/{REPORT}/sheet")).content
        book = openpyxl.load_workbook(io.BytesIO(sheet))
        assert book.sheetnames == ["指标", "评分", "计数", "算法", "签名"]
        assert {row[0].value for row in book["计数"].iter_rows(min_row=2)} == {"440310", "440303", "440300"}
        assert len(await node.until(EvaluationPublished, 2)) == 2
        assert len((await http.get("/evaluation/reports", params={"period": "2026-11"})).json()) == 2
        assert (await app.http("leader", area="440303").get(f"/evaluation/reports/{REPORT}")).status_code == 200
        assert (await http.get("/evaluation/reports/nothing")).status_code == 404
        with pytest.raises(asyncpg.RaiseError, match="never changed"):
            await app.pool.execute("update reports set title = 'x'")


async def test_units_are_reported_too_and_a_key_may_lie_in_a_file(node: TestNode, tmp_path) -> None:  # type: ignore[no-untyped-def]
    async with node.running(
        service, clock=ManualClock(MORNING + dt.timedelta(hours=9)), settings={"sign_directory": str(tmp_path / "keys")}
    ) as app:
        await node.publish(*Life("a").lead(*DONE).events)
        await node.settled()
        http = app.http("evaluator")
        told = await http.post("/evaluation/reports", json=ORDER | {"kind": "unit", "scheme": ""})
        assert told.status_code == 201, told.text
        [row] = (await http.get(f"/evaluation/reports/{told.json()['report_id']}/check")).json()["rows"]
        assert (row["object"], row["counters"]["overtime_dispose"]) == ("u1", 1)
        assert await app.pool.fetchval("select count(*) from signing_key") == 0
        (tmp_path / "keys" / "evaluation.key").write_text("nothing")
        broken = await http.post("/evaluation/reports", json=ORDER | {"title": "又一份", "kind": "area"})
        assert (broken.status_code, broken.json()["code"]) == (503, "evaluation.key_unusable")
