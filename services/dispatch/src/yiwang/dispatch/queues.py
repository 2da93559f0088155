"""The queues (待办) in which cases wait, and who works them off."""

from __future__ import annotations

from typing import Final

from .case import Case

QUEUES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "locate": ("待定位", ("acceptor",)),
    "accept": ("待受理", ("acceptor",)),
    "audit": ("自处置待审核", ("acceptor",)),
    "verify": ("待核实", ("collector",)),
    "file": ("待立案", ("acceptor", "shift_leader")),
    "dispatch_city": ("待市级派遣", ("dispatcher",)),
    "dispatch": ("待派遣", ("dispatcher",)),
    "assign": ("待指派", ("dept_operator",)),
    "handle": ("处置中", ("handler", "dept_operator")),
    "confirm": ("待部门确认", ("dept_operator",)),
    "gate": ("待反馈审核", ("dispatcher",)),
    "check": ("待核查", ("collector",)),
    "decide": ("待值班长裁定", ("shift_leader",)),
    "close": ("待结案", ("acceptor", "shift_leader")),
    "force": ("待强制结案审批", ("shift_leader", "leader")),
    "suspended": ("挂账", ("dispatcher", "leader")),
    "approve": ("待审批", ("dept_operator", "dispatcher", "acceptor", "shift_leader", "leader")),
    "supervise": ("督办", ("dept_operator", "dispatcher", "supervisor", "leader")),
}
"""Queue → its Chinese name and the roles that work it off."""

APPROVE: Final = "approve"
"""The queue of one's own approvals: who sees a case there is in `turns`"""
SIDE: Final = (APPROVE, "supervise")
"""Queues in which a case may wait beside the one of its state"""

_BY_STATE: Final = {
    "verifying": "verify",
    "accepted": "file",
    "dispatched": "assign",
    "handling": "handle",
    "suspended": "suspended",
    "closed": "",
    "voided": "",
}


def queue_of(case: Case) -> str:
    """The queue in which *case* waits; empty when it is finished."""
    match case.state:
        case "reported":
            return "audit" if case.flags.self_disposed else "accept" if case.located else "locate"
        case "filed":
            return "dispatch_city" if case.command == "city" else "dispatch"
        case "feedback":
            return "gate" if case.confirmed else "confirm"
        case "checking":
            return "check" if case.task else "decide"
        case "closing":
            return "force" if case.force else "close"
        case other:
            return _BY_STATE[other]


def side_of(case: Case) -> tuple[str, ...]:
    """The queues beside that of its state: a request or an appeal to decide, a supervision (督办) to answer."""
    if not (case.requests or case.appeal or case.supervisions):
        return ()
    asked = bool(case.requests) or (case.appeal is not None and not case.appeal.decision)
    supervised = case.state not in ("closed", "voided") and any(s.replied_at is None for s in case.supervisions)
    return tuple(name for name, waits in zip(SIDE, (asked, supervised), strict=True) if waits)


def queues_of(case: Case) -> tuple[str, ...]:
    """Every queue in which *case* waits."""
    return tuple(q for q in (queue_of(case), *side_of(case)) if q)
