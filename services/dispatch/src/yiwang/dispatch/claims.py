"""Taking a waiting case in hand (认领), so that two people don't work on it at once.

A claim holds for one queue and some minutes: it ends by itself, when the case goes on, when its holder lets it go, or
when a shift leader (值班长) takes the case over. It binds people, not rules of the profile and not the case: no event
tells of it. The person is a pseudonym; the row is gone a day after the claim ran out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from yiwang.contracts import Actor
from yiwang.kit import App, Caller, Context, Sql

from .authority import post_for
from .calendar import SHANGHAI
from .case import Case
from .draft import Record
from .queues import APPROVE, QUEUES, queue_of, queues_of
from .refusals import Refused
from .rules import Rules
from .shared import BY_CO_UNIT
from .states import ROLE_NAMES, role_names

sql: Final = Sql("yiwang.dispatch", "queues.sql")
TAKES_OVER: Final = frozenset({"shift_leader", "leader"})
"""Whose claim and whose action count more than another person's claim"""
DECIDING: Final = frozenset({"postpone_approve", "hang_approve", "decide_appeal"})
"""Actions of the queue of approvals"""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Who has a case in hand, of which queue, until when."""

    person_ref: str
    role: str
    queue: str
    claimed_at: dt.datetime
    until: dt.datetime

    def holds(self, case: Case, now: dt.datetime) -> bool:
        """Whether it still means something: in time, and the case still waits where it was claimed."""
        return now < self.until and self.queue in queues_of(case)

    def binds(self, person_ref: str, role: str) -> bool:
        """Whether it keeps that person, who acts in that role, from the case."""
        return self.person_ref != person_ref and role not in TAKES_OVER and role in QUEUES[self.queue][1]


class ClaimBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The queue of which the case is claimed; empty: the one in which it waits."""

    queue: Annotated[str, msgspec.Meta(max_length=20)] = ""


def refused(claim: Claim) -> Refused:
    until = claim.until.astimezone(SHANGHAI)
    return Refused(
        "claimed", person=claim.person_ref, role=ROLE_NAMES.get(claim.role, claim.role), until=f"{until:%m-%d %H:%M}"
    )


async def of(db: Any, case_id: str) -> Claim | None:
    return await sql.row(db, "claim_of", Claim, case_id)


def concerns(queue: str, action: str) -> bool:
    """Whether who works *queue* off does what *action* is: another's word, or a co-unit's own part, is other work."""
    return action not in BY_CO_UNIT and (action in DECIDING) == (queue == APPROVE)


async def heed(ctx: Context, case: Case, by: Actor, action: str) -> Claim | None:
    """The claim that stands on *case*, where it lets *by* act. Raises Refused with who has it and until when."""
    claim = await of(ctx.tx, case.case_id)
    bound = claim is not None and claim.holds(case, ctx.now()) and claim.binds(by.person_ref, by.role)
    if claim is not None and bound and concerns(claim.queue, action):
        raise refused(claim)
    return claim


async def end(ctx: Context, case: Case, claim: Claim | None) -> None:
    """Drop *claim* where *case* went on from where it was claimed."""
    if claim is not None and not claim.holds(case, ctx.now()):
        await sql.run(ctx.tx, "release", case.case_id)


def leads(caller: Caller) -> bool:
    return bool(TAKES_OVER & caller.roles)


def worker(caller: Caller, queue: str, case: Case, rules: Rules) -> str:
    """The role in which *caller* works *queue* off for *case*; a leader's first. Raises Refused."""
    roles = QUEUES[queue][1]
    held = sorted((r for r in {*roles, *TAKES_OVER} if r in caller.roles), key=lambda r: (r not in roles, r))
    trouble = Refused("not_your_role", action="认领", roles=role_names(roles))
    for role in held:
        try:
            post_for(caller, role, case, rules)
        except Refused as reason:
            trouble = reason
        else:
            return role
    raise trouble


async def take(app: App, ctx: Context, caller: Caller, case: Case, queue: str) -> Claim:
    """*caller* takes the locked *case* in hand, or holds it longer. Raises Refused."""
    if queue and queue not in queues_of(case):
        raise Refused("not_in_queue", queue=QUEUES[queue][0] if queue in QUEUES else queue)
    queue = queue or queue_of(case)
    if not queue:
        raise Refused("nothing_waits")
    role = worker(caller, queue, case, app.get(Rules).of(case))
    held, now = await of(ctx.tx, case.case_id), ctx.now()
    if held is not None and held.holds(case, now) and held.person_ref != caller.person_ref and not leads(caller):
        raise refused(held)
    until = now + dt.timedelta(minutes=app.settings.claim_minutes)
    found = await sql.row(ctx.tx, "claim", Claim, case.case_id, queue, caller.person_ref, role, now, until)
    assert found is not None  # it was just written
    return found


async def back_to_filer(ctx: Context, case: Case, flow: Sequence[Record]) -> None:
    """What the dispatcher returns goes first to the person who filed it (domain notes 1.4, row 10); nobody's where a rule did."""
    filed = next((one for one in reversed(flow) if one.action == "file" and one.person_ref), None)
    if filed is not None and case.state == "accepted":
        until = ctx.now() + dt.timedelta(minutes=ctx.settings.claim_minutes)
        await sql.row(ctx.tx, "claim", Claim, case.case_id, "file", filed.person_ref, filed.role, ctx.now(), until)


async def let_go(ctx: Context, caller: Caller, case: Case) -> None:
    """Nobody has *case* in hand any more. Raises Refused where another person's claim still holds."""
    held = await of(ctx.tx, case.case_id)
    if held is None:
        return
    if held.holds(case, ctx.now()) and held.person_ref != caller.person_ref and not leads(caller):
        raise refused(held)
    await sql.run(ctx.tx, "release", case.case_id)
