"""The report for 验收: a table for the terminal, Markdown or HTML for the file."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Final

import msgspec
from rich.markup import escape as markup
from rich.table import Table

from .items import STATES, Book, Finding

COLUMNS: Final = ("要求", "限值", "实测", "结论", "说明", "依据")
_STYLE: Final = {"pass": "green", "fail": "bold red", "na": "dim", "manual": "yellow"}


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All findings on one node."""

    book: Book
    code: str
    name: str
    tier: str
    at: dt.datetime
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether every measured requirement is met; what a person must look at doesn't count here."""
        return not any(finding.state == "fail" for finding in self.findings)

    @property
    def counts(self) -> str:
        """``合格 31，不合格 0，…``."""
        found = Counter(finding.state for finding in self.findings)
        return "，".join(f"{name} {found[state]}" for state, name in STATES.items())

    @property
    def verdict(self) -> str:
        return f"{'实测各项全部合格' if self.passed else '实测有不合格项'}（{self.counts}）"

    def groups(self) -> list[tuple[str, list[Finding]]]:
        found: dict[str, list[Finding]] = {}
        for finding in self.findings:
            found.setdefault(finding.item.group, []).append(finding)
        return list(found.items())


def cells(finding: Finding) -> tuple[str, ...]:
    """The columns of one line."""
    item = finding.item
    return item.title, item.limit_text, finding.figure, STATES[finding.state], finding.say, item.source


def tables(report: Report) -> list[Table]:
    """One table per group, for the terminal."""
    found = []
    for group, findings in report.groups():
        table = Table(title=group, title_justify="left", expand=True)
        for name in COLUMNS[:-1]:
            table.add_column(name, overflow="fold", ratio=1 if name in ("要求", "说明") else None)
        for finding in findings:
            title, limit, figure, state, say, source = map(markup, cells(finding))
            style = _STYLE[finding.state]
            table.add_row(f"{title}\n[dim]{source}[/]", limit, figure, f"[{style}]{state}[/]", say)
        found.append(table)
    return found


def _head(report: Report) -> list[tuple[str, str]]:
    return [
        ("节点", f"{report.name}（{report.code}，{report.tier}）"), ("等级", report.book.title),
        ("时间", f"{report.at.astimezone():%Y-%m-%d %H:%M:%S}"), ("结论", report.verdict),
    ]  # fmt: skip


def markdown(report: Report) -> str:
    """The whole report as Markdown, with lines for signatures."""
    lines = [f"# 城市运行管理服务平台验收测试报告（{report.book.title}）", ""]
    lines += [f"- {name}：{text}" for name, text in _head(report)] + ["", report.book.note, ""]
    for group, findings in report.groups():
        lines += [f"## {group}", "", "| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
        lines += ["| " + " | ".join(_plain(text) for text in cells(finding)) + " |" for finding in findings]
        lines.append("")
    lines += ["## 签字", "", *(f"{who}：________________　日期：____________\n" for who in _SIGN)]
    return "\n".join(lines)


_SIGN: Final = ("建设单位", "承建单位", "监理单位", "验收专家组")


def _plain(text: str) -> str:
    return text.replace("|", "／").replace("\n", " ")


def html(report: Report) -> str:
    """The whole report as one HTML page that prints on A4, without anything from elsewhere."""
    head = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in _head(report))
    body = "".join(_section(group, findings) for group, findings in report.groups())
    sign = "".join(f"<p>{who}：＿＿＿＿＿＿＿＿　日期：＿＿＿＿＿＿</p>" for who in _SIGN)
    title = f"城市运行管理服务平台验收测试报告（{escape(report.book.title)}）"
    return (
        f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>{title}</title><style>{_CSS}</style>'
        f"<h1>{title}</h1><dl>{head}</dl><p>{escape(report.book.note)}</p>{body}<h2>签字</h2>{sign}</html>\n"
    )


def _section(group: str, findings: Sequence[Finding]) -> str:
    head = "".join(f"<th>{name}</th>" for name in COLUMNS)
    rows = "".join(
        f'<tr class="{finding.state}">' + "".join(f"<td>{escape(text)}</td>" for text in cells(finding)) + "</tr>"
        for finding in findings
    )
    return f"<h2>{escape(group)}</h2><table><tr>{head}</tr>{rows}</table>"


_CSS: Final = (
    "@page{size:A4 landscape;margin:15mm}body{font:13px/1.5 'Noto Sans CJK SC','Microsoft YaHei',sans-serif;margin:2em}"
    "table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:3px 6px;text-align:left;vertical-align:top}"
    "th{background:#eee}tr{break-inside:avoid}dl{display:grid;grid-template-columns:5em 1fr}dd{margin:0}"
    ".pass td:nth-child(4){color:#060}.fail td:nth-child(4){color:#b00;font-weight:bold}.na{color:#777}"
    ".manual td:nth-child(4){color:#850}"
)
