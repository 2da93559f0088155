"""Who is told what about a ledger's entry: requests for notices, local as all of them."""

from __future__ import annotations

from yiwang.contracts import (
    LedgerAccepted,
    LedgerAssigned,
    LedgerEntered,
    LedgerOverdue,
    LedgerRectified,
    LedgerReopened,
    NoticeRequested,
)

from .calendar import SHANGHAI
from .ground import Ground
from .ledger import KINDS, PROBLEM, Entry, Told


def notices(told: Told, ground: Ground) -> list[NoticeRequested]:
    """The unit of its task, its lateness and what comes back; the supervisors; the community of its question."""
    one, found = told.entry, list[NoticeRequested]()
    name = KINDS.get(one.kind, one.kind)
    for event in told.events:
        grade = ground.grade(one.grade)
        if isinstance(event, LedgerEntered) and grade is not None and grade.tell_leader:
            found.append(_notice(one, f"leader@{one.area}", f"发现{grade.name}{name}", one.summary_masked))
        elif isinstance(event, LedgerAssigned):
            until = event.due_at.astimezone(SHANGHAI).strftime("%Y年%m月%d日%H:%M")
            text = f"{one.summary_masked}。措施：{event.measure_masked}。请于{until}前完成整改"
            found.append(_notice(one, f"unit:{event.unit_id}", f"{name}整改任务", text))
        elif isinstance(event, LedgerOverdue):
            found += [
                _notice(one, audience, f"{name}整改超期", f"{one.unit_name or one.unit_id}：{one.summary_masked}")
                for audience in (f"unit:{event.unit_id}", f"supervisor@{one.area}")
            ]
        elif isinstance(event, LedgerRectified):
            found.append(_notice(one, f"supervisor@{one.area}", f"{name}待验收", one.summary_masked))
        elif isinstance(event, LedgerAccepted) and one.kind == PROBLEM:
            found.append(_notice(one, f"community_worker@{one.area}", "问题已整改，请询问居民", one.summary_masked))
        elif isinstance(event, LedgerReopened) and one.unit_id:
            found.append(_notice(one, f"unit:{one.unit_id}", f"{name}须重新整改", event.opinion))
    return found


def _notice(one: Entry, audience: str, title: str, text: str) -> NoticeRequested:
    return NoticeRequested(
        business_id=f"{one.entry_id}/{len(one.history)}/{audience}", template="message", audience=audience,
        params={"title": title, "text": text},
    )  # fmt: skip
