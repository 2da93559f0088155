"""The history of a case (流转记录) as people see it, line by line."""

from __future__ import annotations

import datetime as dt
from typing import Final

import msgspec
from yiwang.contracts import MediaRef

from . import referrals
from .directives import KINDS
from .draft import Record
from .explain import met
from .rules import Rules
from .states import ACTIONS, RESULTS, ROLE_NAMES, STATES

BESIDE: Final = {
    "enforcement_closed": "执法结果",
    "hand_over": "移交",
    "withdraw_offer": "撤回移交",
    "handover_refused": "对方拒收",
    "handover_overdue": "移交逾期未接收",
    "take_over": "接收移交",
    "supervise": "督办",
    "reply_supervision": "督办回复",
    "supervision_overdue": "督办逾期未回复",
    "visit": "回访",
    "recompute_deadline": "期限重算",
    "case.deadline_warned.v1": "临期预警",
    "case.overdue.v1": "超时",
}
"""Lines of the flow that no action of the table made."""


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the history."""

    seq: int
    version: int
    action: str
    action_name: str
    result: str
    result_name: str
    state_before: str
    state_after: str
    state_name: str
    role: str
    role_name: str
    unit_id: str
    unit_name: str
    person_ref: str
    opinion: str
    receiver: str
    started_at: dt.datetime
    ended_at: dt.datetime
    due_at: dt.datetime | None
    used_s: int
    overdue: bool
    media: tuple[MediaRef, ...]
    note: str
    limit_text: str
    """What became of the limit of this stage, in words; empty where there was none"""


def line(r: Record, rules: Rules) -> LineView:
    unit = rules.units.get(r.unit_id) if r.unit_id else None
    return LineView(
        seq=r.seq,
        version=r.version,
        action=r.action,
        action_name=ACTIONS.get(r.action) or BESIDE.get(r.action, r.action),
        result=r.result,
        result_name=referrals.words(r) or RESULTS.get(r.result) or KINDS.get(r.result, r.result),
        state_before=r.state_before,
        state_after=r.state_after,
        state_name=STATES[r.state_after],
        role=r.role,
        role_name=ROLE_NAMES.get(r.role, r.role),
        unit_id=r.unit_id,
        unit_name=unit.name if unit else "",
        person_ref=r.person_ref,
        opinion=r.opinion,
        receiver=r.receiver,
        started_at=r.started_at,
        ended_at=r.ended_at,
        due_at=r.due_at,
        used_s=r.used_s,
        overdue=r.overdue,
        media=r.media,
        note=r.note,
        limit_text=met(r),
    )
