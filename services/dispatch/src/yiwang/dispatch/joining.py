"""Merging duplicates (并案) and relating cases (关联): the other case is looked up, locked and told, too."""

from __future__ import annotations

from typing import Final

from yiwang.kit import Caller, Context

from . import store
from .acts import Act, Body, JoinedBody, LinkBody, MergeBody
from .authority import post_for
from .auto import Work
from .case import Case
from .custody import named
from .near import metres
from .refusals import Refused
from .rules import Rules
from .similar import point_of
from .states import FINAL, SYSTEM

JOINING: Final = frozenset({"merge", "link"})


async def other_of(ctx: Context, work: Work, caller: Caller, role: str, body: Body) -> tuple[JoinedBody, Work]:
    """The other case, locked, and the body that says all that the step needs of it. Raises Refused."""
    no = body.into if isinstance(body, MergeBody) else body.other if isinstance(body, LinkBody) else ""
    other = await store.lock(ctx.tx, no)
    rules = ctx.app.get(Rules)
    if other is None:
        raise Refused("other_missing", no=no)
    if other.case_id == work.case.case_id:
        raise Refused("other_itself")
    if other.away:
        raise Refused("moved_away", node=named(rules, other.away))
    post_for(caller, role, other, rules.of(other))
    if isinstance(body, MergeBody):
        check_main(work.case, other)
    return joined(body, work.case, other), Work(other, rules, ctx.now())


def check_main(case: Case, main: Case) -> None:
    """Whether *main* can carry the reports of *case*. Raises Refused."""
    if main.state in FINAL:
        raise Refused("main_finished")
    if main.taken_by != case.taken_by:
        raise Refused("other_reporters")
    if any(one.relation == "merged" for one in case.links):
        raise Refused("has_merged")


def joined(body: Body, case: Case, other: Case) -> JoinedBody:
    """*body* with what is known of the other case."""
    here, there = point_of(case), point_of(other)
    return JoinedBody(
        version=body.version, role=body.role, opinion=body.opinion, other_id=other.case_id,
        other_state=other.state, relation=body.relation if isinstance(body, LinkBody) else "duplicate",
        distance_m=metres(here, there) if here and there else None,
    )  # fmt: skip


def tell_other(mine: Case, body: JoinedBody, action: str, act: Act, other: Work) -> None:
    """The same for the other case: it carries the reports, or knows of the relation."""
    said = JoinedBody(
        opinion=body.opinion, other_id=mine.case_id, other_state=mine.state, relation=body.relation,
        distance_m=body.distance_m, report_ids=mine.report_ids, wants_reply=mine.wants_reply or mine.reporter_kind in ASKED,
    )  # fmt: skip
    how = "absorb" if action == "merge" else "link"
    other.do(Act(action=how, role=SYSTEM, at=act.at, body=said, by=act.by))


ASKED: Final = frozenset({"citizen", "hotline"})
"""Kinds of reporters who are always asked when a case ends"""
