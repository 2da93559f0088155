"""A report as a page that needs nothing else: no script, no other server, fit for printing."""

from __future__ import annotations

import html
from collections.abc import Sequence

from .report import Frozen, Row
from .vocabulary import BY_NAME

STYLE = (
    "body{font:15px/1.6 'Noto Sans CJK SC','Microsoft YaHei',sans-serif;margin:2rem auto;max-width:78rem;padding:0 1rem;color:#1b1b1b}"
    "table{border-collapse:collapse;width:100%;margin:1rem 0}td,th{border:1px solid #bbb;padding:.3rem .6rem;text-align:right}"
    "th:first-child,td:first-child{text-align:left}th{background:#f0f0f0}.g{color:#fff;border-radius:.2rem;padding:0 .5rem}"
    "code{word-break:break-all}caption{text-align:left;font-weight:bold}@media print{body{margin:0}}"
)


def page_of(report: Frozen, rows: Sequence[Row], digest: str, key_id: str, signature: str) -> str:
    """The whole page."""
    title = html.escape(report.title)
    note = f"<p>本版说明：{html.escape(report.reason)}</p>" if report.reason else ""
    return (
        f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style></head>'
        f"<body><h1>{title}</h1><p>{report.first} 至 {report.last}，第 {report.version} 版。{html.escape(report.as_of)}。</p>"
        f"{note}{_rates(report, rows)}{_scores(rows)}{_counters(rows)}{_formulas(report)}"
        f"<h2>签名</h2><p>编号 {html.escape(report.report_id)}，摘要（SHA-256）<code>{digest}</code></p>"
        f"<p>密钥 <code>{html.escape(key_id)}</code></p><p>签名 <code>{html.escape(signature)}</code></p></body></html>"
    )


def _table(caption: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><caption>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _rates(report: Frozen, rows: Sequence[Row]) -> str:
    header = ["对象", *(one.title for one in report.indicators)]
    return _table("指标", header, [[_name(row), *(html.escape(v.shown) for v in row.indicators)] for row in rows])


def _scores(rows: Sequence[Row]) -> str:
    scored = [(row, row.score) for row in rows if row.score is not None]
    if not scored:
        return ""
    scored.sort(key=lambda one: -one[1].value)
    header = ["对象", "得分", "等级", *(line.title for line in scored[0][1].lines)]
    body = [
        [
            _name(row), str(told.value),
            f'<span class="g" style="background:{html.escape(told.colour)}">'
            f"{html.escape(told.grade)} {html.escape(told.grade_title)}</span>",
            *(f"{line.won} / {line.points}<br><small>{html.escape(line.why)}</small>" for line in told.lines),
        ]
        for row, told in scored
    ]  # fmt: skip
    return _table("评分与等级", header, body)


def _counters(rows: Sequence[Row]) -> str:
    names = [name for name in BY_NAME if any(name in row.counters for row in rows)]
    header = ["对象", *(BY_NAME[name].title for name in names)]
    return _table("计数", header, [[_name(row), *(str(row.counters.get(name, 0)) for name in names)] for row in rows])


def _formulas(report: Frozen) -> str:
    rows = [[html.escape(i.title), f"<code>{html.escape(i.formula)}</code>"] for i in report.indicators]
    return _table("指标算法", ["指标", "公式"], rows)


def _name(row: Row) -> str:
    name = html.escape(row.name)
    return name if row.name == row.object else f"{name}（{html.escape(row.object)}）"
