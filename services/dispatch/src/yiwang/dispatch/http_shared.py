"""The co-unit's own list: the parts (协办) that its people must do."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import get
from litestar.params import Parameter
from yiwang.kit import App, Caller, allow, answers

from . import shared_store, views
from .cursors import after, position
from .errors import BAD_CURSOR
from .http import seen_units
from .shared_store import FIRST, Part
from .views import CaseItem


class PartItem(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a case; `remaining_s` counts down to the co-unit's own deadline, below zero it is late."""

    assignment_id: str
    unit_id: str
    unit_name: str
    state: str
    handler_ref: str
    rework_count: int
    due_at: dt.datetime
    remaining_s: int
    case: CaseItem


class PartPage(msgspec.Struct, frozen=True, kw_only=True):
    """The nearest deadline first; `cursor` gives the next page, empty at the end."""

    parts: tuple[PartItem, ...]
    cursor: str


@get("/cases/parts", guards=[allow("dept_operator", "handler")], responses=answers(BAD_CURSOR))
async def list_parts(
    app: App,
    caller: Caller,
    cursor: Annotated[str, Parameter(max_length=300)] = "",
    limit: Annotated[int, Parameter(ge=1, le=200)] = 50,
) -> PartPage:
    """The open parts of the caller's units as co-units (协办), the nearest deadline first."""
    found = await shared_store.page(app.pool, seen_units(caller), position(cursor, (FIRST, "")), limit + 1)
    now = app.clock.now()
    more = _cursor(found[limit - 1]) if len(found) > limit else ""
    return PartPage(parts=tuple(_item(one, now) for one in found[:limit]), cursor=more)


def _item(one: Part, now: dt.datetime) -> PartItem:
    part = one.part
    return PartItem(
        assignment_id=part.assignment.assignment_id,
        unit_id=part.assignment.unit_id,
        unit_name=part.assignment.unit_name,
        state=part.state,
        handler_ref=part.handler_ref,
        rework_count=part.rework_count,
        due_at=one.due_at,
        remaining_s=int((one.due_at - now).total_seconds()),
        case=views.item(views.listed(one.case), now),
    )




def _cursor(one: Part) -> str:
    return after(one.due_at, one.part.assignment.assignment_id)


SHARED_ROUTES: Final[Sequence[Any]] = (list_parts,)
