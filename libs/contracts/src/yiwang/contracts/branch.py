"""Side branches of a case's life: more time or a rest on request, appeals, relations to other cases."""

from __future__ import annotations

from ._event import CaseEvent
from ._types import Moment, Value
from .case import Approval

__all__ = ["Appeal", "CaseLink", "CaseSuspensionDecided", "CaseSuspensionRequested", "OpenRequest"]


class OpenRequest(Value, frozen=True, kw_only=True):
    """A request for more time (延期) or for a rest (挂账) that isn't decided yet; it ends with the work it is about."""

    request_id: str
    kind: str
    """extension or hang"""
    n: int = 1
    """Of an extension: which of the case's it would be, rejected ones not counted"""
    path: tuple[str, ...]
    """The roles that decide, one after the other; the last one's word counts"""
    level: int = 0
    """How many of them have agreed"""
    person_ref: str = ""
    unit_id: str = ""
    """Who asked"""
    resume_on: Moment | None = None
    """Of a hang: to which date"""
    engineering: bool = False
    """Work that needs building (工程类)"""
    opinion: str = ""
    approvals: tuple[Approval, ...] = ()
    requested_at: Moment


class Appeal(Value, frozen=True, kw_only=True):
    """The one appeal of a case against its overdue mark (超时申诉): facts stay, statistics may be exempt."""

    unit_id: str = ""
    person_ref: str = ""
    opinion: str = ""
    round: int = 1
    """The round that it is about"""
    path: tuple[str, ...]
    """The roles that review it, one after the other"""
    level: int = 0
    """How many of them have agreed"""
    decision: str = ""
    """approved or rejected; empty while open"""
    approvals: tuple[Approval, ...] = ()
    appealed_at: Moment


class CaseLink(Value, frozen=True, kw_only=True):
    """A relation of a case to another one."""

    case_id: str
    relation: str
    """similar, recurrence or campaign; merged: its report was carried into this case"""
    distance_m: float | None = None


class CaseSuspensionRequested(CaseEvent, frozen=True, kw_only=True, tag="case.suspension_requested.v1"):
    """A unit asks that the case be put aside for a time (挂账申请); its clock runs on until that is granted."""

    request_id: str
    resume_on: Moment
    unit_id: str = ""
    path: tuple[str, ...] = ()
    """The roles that decide, one after the other"""
    waits_for: str = ""
    """Role that decides next"""
    opinion: str = ""


class CaseSuspensionDecided(CaseEvent, frozen=True, kw_only=True, tag="case.suspension_decided.v1"):
    """One level agreed and the next decides, or the request was refused (挂账审批); granting is `CaseSuspended`."""

    request_id: str
    level: int
    """1 is the first that decides"""
    decision: str
    """approved (by this level), rejected, or withdrawn by who asked"""
    waits_for: str = ""
    """Role that decides next; empty at the end"""
    opinion: str = ""

