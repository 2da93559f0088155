"""What the demo shows: where to look, and the books of one node or of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rich.table import Table
from yiwang.stack.books import Books
from yiwang.stack.books_tiers import NodeBooks
from yiwang.stack.topology.model import TIER_NAMES

NOTICE_STATES: Final = ("failed", "unsent", "pending")
SYNC_STATES: Final = ("delivered", "refused", "pending")
SYNCED: Final = "上报国家（已送/被拒/待送）"
PAGES: Final = (("办案工作台", "/worklist"), ("接口文档", "/schema"), ("运行状态", "/readyz"), ("指标", "/metrics"))


def balanced(books: Books) -> bool:
    """Whether every equation of a node's own books holds."""
    return not books.mistakes and not (books.lost or books.doubled or books.parked or books.waiting)


def addresses(url: str) -> Table:
    """Where to look at one node."""
    table = Table(title="打开看看", title_justify="left")
    table.add_column("页面")
    table.add_column("地址")
    for name, path in PAGES:
        table.add_row(name, url + path)
    return table


def rows_of(books: Books) -> list[tuple[str, Any]]:
    """The lines of a node's own books, in the order in which a case goes."""
    events = books.events
    done = sum(books.states.get(state, 0) for state in ("closed", "voided", "handed_over"))
    return [
        ("上报", books.reports), ("已答复不立案", books.answered), ("定位", events.get("case.located.v1", 0)),
        ("立案", events.get("case.filed.v1", 0)), ("派遣", events.get("case.dispatched.v1", 0)),
        ("处置反馈", events.get("case.handled.v1", 0)), ("核查", events.get("case.checked.v1", 0)),
        ("结案", books.states.get("closed", 0)), ("作废", books.states.get("voided", 0)), ("办理中", books.cases - done),
        ("移交其他节点", books.states.get("handed_over", 0)),
        ("按时/超期", f"{books.on_time}/{books.overdue}"),
        ("通知送达", books.notices.get("delivered", 0)),
        ("通知失败/无渠道/待发", "/".join(str(books.notices.get(s, 0)) for s in NOTICE_STATES)),
        (SYNCED, "/".join(str(books.sync.get(s, 0)) for s in SYNC_STATES)),
        ("搁置待人处理", books.parked),
    ]  # fmt: skip


def summary(books: Books) -> Table:
    """The books of one node."""
    table = Table(title="对账（取自数据库与事件流）", title_justify="left")
    table.add_column("环节")
    table.add_column("数量", justify="right")
    for name, value in [*rows_of(books), ("丢失", books.lost), ("重复", books.doubled)]:
        table.add_row(name, str(value))
    return table


def network_summary(found: Sequence[NodeBooks]) -> Table:
    """The books of all nodes side by side, the upper tiers first; below the line what links and copies say."""
    table = Table(title="各级对账（取自各级数据库与事件流）", title_justify="left")
    table.add_column("环节", overflow="fold")
    for one in found:
        table.add_column(f"{one.node.name}\n{TIER_NAMES.get(one.node.tier, one.node.tier)}", justify="right")
    lines = [[(name, "经上级" if name == SYNCED and one.node.parent else value) for name, value in rows_of(one.own)]
             for one in found]  # fmt: skip
    for n, (name, _) in enumerate(lines[0]):
        table.add_row(name, *(str(line[n][1]) for line in lines), end_section=n == len(lines[0]) - 1)
    for name, values in _below(found):
        table.add_row(name, *values)
    return table


def _below(found: Sequence[NodeBooks]) -> list[tuple[str, list[str]]]:
    def each(values: Sequence[Any]) -> list[str]:
        return ["—" if value is None else str(value) for value in values]

    return [
        ("下级送来的事件", each([one.below or None for one in found])),
        ("下级案件副本", each([one.copies or None for one in found])),
        ("副本与下级不一致", each([one.stale if one.copies or one.stale else None for one in found])),
        ("经过有缺口的案件", each([one.gaps if one.below else None for one in found])),
        ("应送上级/已到", each([f"{one.link.sent}/{one.link.sent - one.link.missing}" if one.link else None for one in found])),
        ("上级收到的次序颠倒", each([one.link.disordered if one.link else None for one in found])),
        ("丢失", each([one.lost for one in found])), ("重复", each([one.doubled for one in found])),
    ]  # fmt: skip


def faults(found: Sequence[NodeBooks]) -> list[str]:
    """What doesn't balance, each as a sentence with the node's name."""
    said = []
    for one in found:
        name, link = one.node.name, one.link
        said += [f"{name}：{mistake}" for mistake in one.own.mistakes]
        said += [f"{name}：搁置 {one.own.parked} 件"] if one.own.parked else []
        said += [f"{name}：还有 {one.own.waiting} 件在等待"] if one.own.waiting else []
        said += [f"{name}：{one.stale} 个下级案件的副本不一致"] if one.stale else []
        said += [f"{name}：{one.gaps} 个案件的经过有缺口或重号"] if one.gaps else []
        if link is not None and not link.clean:
            said.append(
                f"{name}向上：缺 {link.missing}，重复 {link.doubled}，多出 {link.foreign}，次序颠倒 {link.disordered}"
            )
    return said
