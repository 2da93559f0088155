"""What a person hands in on a co-unit's part, and on arriving at the place."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from yiwang.contracts import Moment, Point

from .acts_base import Body, Key, Media, Text


class PartBody(Body, frozen=True, kw_only=True):
    """Which co-unit's part (协办); empty where only one fits."""

    assignment_id: Key = ""


class PartHandlerBody(PartBody, frozen=True, kw_only=True):
    """Who handles the part of this co-unit."""

    handler_ref: Key


class PartResultBody(PartBody, frozen=True, kw_only=True):
    """The result of the co-unit's part, with photos."""

    result_code: Key = "done"
    resolution_mode: Annotated[str, msgspec.Meta(pattern="^(|service|manage|enforce)$")] = ""
    media: Media = ()


class PartReturnBody(PartBody, frozen=True, kw_only=True):
    """Why the part isn't this unit's, or isn't good enough."""

    reason_code: Key = "other"


class AddUnitBody(Body, frozen=True, kw_only=True):
    """One more unit that shall help, with the case's own limit from now on."""

    unit_id: Key = ""


class ArriveBody(Body, frozen=True, kw_only=True):
    """Who is at the place says since when and shows it by a position, or says how it can be known."""

    arrived_at: Moment | None = None
    point: Point | None = None
    statement: Text = ""


class StepBody(Body, frozen=True, kw_only=True):
    """The step that is done; empty: the one whose time runs."""

    step: Key = ""
    media: Media = ()


SHARED_BODIES: Final[dict[str, type[Body]]] = {
    "add_co": AddUnitBody,
    "assign_co_handler": PartHandlerBody,
    "submit_co_result": PartResultBody,
    "confirm_co": PartBody,
    "return_co": PartReturnBody,
    "rework_co": PartReturnBody,
    "excuse_co": PartBody,
    "arrive": ArriveBody,
    "step_done": StepBody,
}
