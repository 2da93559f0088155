"""What a case is made of beside plain fields: clocks with their pauses, tasks, requests, referrals, offers."""

from __future__ import annotations

import datetime as dt

import msgspec
from yiwang.contracts import Clock, Moment, Person


class Pause(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A span in which a clock stood still; open while `end` is None."""

    start: Moment
    end: Moment | None = None


class CaseClock(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A limit of the case: the clock as events tell it, with its pauses and what was already said about it."""

    clock: Clock
    pauses: tuple[Pause, ...] = ()
    stopped_at: Moment | None = None
    warned: bool = False
    overdue: bool = False

    @property
    def running(self) -> bool:
        return self.stopped_at is None and not (self.pauses and self.pauses[-1].end is None)

    @property
    def judged_by(self) -> dt.datetime:
        """The moment against which it is judged: the bundled deadline (捆绑时限) where the city says so."""
        clock = self.clock
        return clock.bundle_due_at if clock.policy == "bundle" and clock.bundle_due_at else clock.due_at


class Task(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An open verify or check task for an inspector."""

    task_id: str
    kind: str
    assignee: Person


class ForceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Who asked that the case be closed by force, and why."""

    person_ref: str
    opinion: str
    at: Moment


class Referral(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A clue sent to an enforcement agency, and what came of it."""

    referral_id: str
    agency_id: str
    outcome: str = ""
    file_id: str = ""


class Offer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The case is offered to another node; until it is released it stays here."""

    offer_id: str
    to: str
    epoch: int
    version: int
    """The case's version as offered"""
    seq: int
    cause: str
    at: Moment
    due_at: Moment
    """When somebody must be told that nobody answered"""
    alarmed: bool = False
