"""Similar cases over HTTP: what lies near a case in space and time, for the one who accepts it."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from litestar import get
from yiwang.kit import App, Caller, allow, answers

from . import similar, store
from .case import Case
from .errors import NOT_FOUND
from .http import Short, visible
from .rules import Rules
from .states import FINAL, STATES


class SimilarCase(msgspec.Struct, frozen=True, kw_only=True):
    """A case of the same minor class nearby (疑似重复)."""

    case_id: str
    case_no: str
    state: str
    state_name: str
    created_at: dt.datetime
    distance_m: float
    address: str
    description: str
    relation: str
    """How the two are related already; empty: not yet"""
    may_merge: bool
    """Whether it is still open, so that a duplicate can end in it"""


@get("/cases/{no:str}/similar", guards=[allow()], responses=answers(NOT_FOUND))
async def list_similar(no: Short, app: App, caller: Caller) -> list[SimilarCase]:
    """Cases of the same minor class near this one in space and time (50 m and 24 h, the city's to say), nearest first."""
    case, rules = await visible(app, caller, no), app.get(Rules)
    found = (await similar.neighbours(app.pool, [case], rules.policies.similar))[case.case_id]
    shown: list[SimilarCase] = []
    for one in found:
        other = await store.find(app.pool, one.case_id)
        if other is not None and any(post.covers(other.area) for post in caller.posts):
            shown.append(_view(case, other, one.distance_m))
    return shown


def _view(case: Case, other: Case, distance_m: float) -> SimilarCase:
    return SimilarCase(
        case_id=other.case_id,
        case_no=other.case_no,
        state=other.state,
        state_name=STATES[other.state],
        created_at=other.created_at,
        distance_m=distance_m,
        address=other.place.address_masked if other.place else "",
        description=other.description_masked,
        relation=next((link.relation for link in case.links if link.case_id == other.case_id), ""),
        may_merge=other.state not in FINAL,
    )


SIMILAR: Final[Sequence[Any]] = (list_similar,)
