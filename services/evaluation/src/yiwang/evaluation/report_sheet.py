"""A report as a spreadsheet: rates, scores, counters, formulas, signature."""

from __future__ import annotations

import io
from collections.abc import Sequence

import openpyxl

from .report import Frozen, Row
from .vocabulary import BY_NAME


def sheet_of(report: Frozen, rows: Sequence[Row], digest: str, key_id: str, signature: str) -> bytes:
    """The workbook's bytes. Numbers are numbers, so that it can be computed with."""
    book = openpyxl.Workbook()
    rates = book.active
    assert rates is not None  # a new workbook has a sheet
    rates.title = "指标"
    rates.append(["编码", "名称", *(one.title for one in report.indicators)])
    for row in rows:
        rates.append([row.object, _safe(row.name), *(None if v.value is None else float(v.value) for v in row.indicators)])
    scores = book.create_sheet("评分")
    scores.append(["编码", "名称", "得分", "等级", "项目", "满分", "得分项", "说明"])
    for row in rows:
        for line in row.score.lines if row.score else ():
            assert row.score is not None
            scores.append([
                row.object, _safe(row.name), float(row.score.value), row.score.grade, line.title, float(line.points),
                float(line.won), line.why,
            ])  # fmt: skip
    counters = book.create_sheet("计数")
    counters.append(["编码", "名称", *(one.title for one in BY_NAME.values())])
    for row in rows:
        counters.append([row.object, _safe(row.name), *(row.counters.get(name, 0) for name in BY_NAME)])
    formulas = book.create_sheet("算法")
    formulas.append(["指标", "公式", "出处"])
    for one in report.indicators:
        formulas.append([one.title, "'" + one.formula, one.source])
    signed = book.create_sheet("签名")
    for pair in (
        ("通报", _safe(report.title)), ("编号", report.report_id), ("版本", report.version), ("周期", report.period),
        ("数据", report.as_of), ("本版说明", _safe(report.reason)), ("摘要", digest), ("密钥", key_id), ("签名", signature),
    ):  # fmt: skip
        signed.append(pair)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _safe(text: str) -> str:
    """Text that no spreadsheet program takes for a formula."""
    return "'" + text if text[:1] in ("=", "+", "-", "@") else text
