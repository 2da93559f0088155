"""What a person hands in with an action: one body per family of actions."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from yiwang.contracts import Actor, Moment, Place, Point, UnitRef

from .acts_base import Body as Body
from .acts_base import Key as Key
from .acts_base import Media as Media
from .acts_base import Text as Text
from .acts_shared import SHARED_BODIES


class CategoryChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A class chosen from the code set in force."""

    kind: Annotated[str, msgspec.Meta(pattern="^(part|event)$")]
    major: Annotated[str, msgspec.Meta(max_length=8)]
    minor: Annotated[str, msgspec.Meta(max_length=8)]


class CorrectBody(Body, frozen=True, kw_only=True):
    """A better class or place. Area codes: GB/T 2260 and GB/T 10114, 6, 9 or 12 digits."""

    category: CategoryChoice | None = None
    area: Annotated[str, msgspec.Meta(max_length=15)] = ""
    address_masked: Annotated[str, msgspec.Meta(max_length=200)] = ""
    condition_id: Key = ""
    """Of a filed case: the filing condition of the new class; empty where that has only one"""


class LocatedBody(CorrectBody, frozen=True, kw_only=True):
    """A place that the grid service's people resolved later; people hand in a code instead."""

    place: Place


class AcceptBody(Body, frozen=True, kw_only=True):
    category: CategoryChoice | None = None
    urgency: Annotated[str, msgspec.Meta(pattern="^(|normal|urgent)$")] = ""
    matter: Key = ""
    """Kind of matter (三事分流); empty: as the city's rules propose"""
    complained_unit: Key = ""
    """The unit whose people are complained of, which never handles the case; ``-``: none that is registered here"""


class TaskBody(Body, frozen=True, kw_only=True):
    """Whom to send; empty: the inspectors of the duty grid."""

    person_ref: Key = ""
    duty_grid_id: Key = ""
    unit_id: Key = ""
    """Whose people in the grid are asked; empty: those that the grid's teams name for the class"""


class ResultBody(Body, frozen=True, kw_only=True):
    """An inspector's answer (`result` as in the table) with photos."""

    result: Key
    media: Media = ()
    point: Point | None = None
    category: CategoryChoice | None = None


class DecisionBody(Body, frozen=True, kw_only=True):
    result: Key


class ReasonBody(Body, frozen=True, kw_only=True):
    reason_code: Key


class FileBody(Body, frozen=True, kw_only=True):
    """The filing condition (立案条件); empty where the class has only one or a default."""

    condition_id: Key = ""
    filing_basis: Text = ""


class DownBody(Body, frozen=True, kw_only=True):
    """The district that shall dispatch; empty: the one in which the place lies."""

    county: Annotated[str, msgspec.Meta(max_length=9)] = ""


class DispatchBody(Body, frozen=True, kw_only=True):
    """The responsible unit; empty: the matrix's answer. Another one than the matrix says wants a reason."""

    unit_id: Key = ""
    co_unit_ids: Annotated[tuple[str, ...], msgspec.Meta(max_length=20)] = ()
    overridden_reason: Text = ""


class ToldBody(DispatchBody, frozen=True, kw_only=True):
    """The unit that an imported record names; people can't hand this in."""

    told: UnitRef


class ReturnBody(Body, frozen=True, kw_only=True):
    reason_code: Key = "other"


class AssignBody(Body, frozen=True, kw_only=True):
    handler_ref: Key


class HandledBody(Body, frozen=True, kw_only=True):
    """The result of the work, how it was reached (721: service, manage, enforce), photos of afterwards."""

    result_code: Key = "done"
    resolution_mode: Annotated[str, msgspec.Meta(pattern="^(service|manage|enforce)$")]
    mode_reason: Text = ""
    """Why a step of service, manage, enforce was left out or gone back"""
    media: Media = ()
    cost: Annotated[int, msgspec.Meta(ge=0, le=10**15)] | None = None


class ReworkBody(Body, frozen=True, kw_only=True):
    """Why the work goes back; the opinion says it in words."""


class CloseBody(Body, frozen=True, kw_only=True):
    """The closing conditions (结案条件) that are met."""

    closing_condition_ids: Annotated[tuple[str, ...], msgspec.Meta(max_length=20)] = ()


class SuspendBody(Body, frozen=True, kw_only=True):
    resume_on: Moment


class ExtensionBody(Body, frozen=True, kw_only=True):
    """More time is asked for; `engineering`: the work needs building, so the strict path decides."""

    engineering: bool = False


class ReopenBody(Body, frozen=True, kw_only=True):
    """Why a closed case goes back: ``visit`` where its reporter isn't satisfied, else a word of the city's."""

    cause: Key = "other"


class MergeBody(Body, frozen=True, kw_only=True):
    """The case that goes on (主案), by its number or id; this one ends as its duplicate."""

    into: Key


class LinkBody(Body, frozen=True, kw_only=True):
    """The other case, by its number or id, and how the two are related."""

    other: Key
    relation: Annotated[str, msgspec.Meta(pattern="^(similar|recurrence|campaign)$")] = "similar"


class JoinedBody(Body, frozen=True, kw_only=True):
    """What a step needs to know of the other case; people name it only."""

    other_id: Key
    other_state: str = ""
    relation: str = ""
    distance_m: float | None = None
    report_ids: tuple[str, ...] = ()
    wants_reply: bool = False


class ReferBody(Body, frozen=True, kw_only=True):
    agency_id: Key
    item_code: Key
    media: Media = ()


class Act(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One action of somebody at a moment. `role` is the one acted in (or system, import)."""

    action: str
    role: str
    at: Moment
    body: Body = Body()
    by: Actor = Actor()
    number: str = ""
    """The case number taken for a filing"""

    @property
    def result(self) -> str:
        return getattr(self.body, "result", "")


BODIES: Final[dict[str, type[Body]]] = {
    "correct": CorrectBody,
    "send_verify": TaskBody,
    "verify_result": ResultBody,
    "accept": AcceptBody,
    "audit_self_disposed": DecisionBody,
    "void": ReasonBody,
    "file": FileBody,
    "dispatch_down": DownBody,
    "dispatch": DispatchBody,
    "return_to_city": ReturnBody,
    "return_to_acceptor": ReturnBody,
    "dept_return": ReturnBody,
    "assign_handler": AssignBody,
    "handler_return": ReturnBody,
    "submit_result": HandledBody,
    "dept_send_back": ReturnBody,
    "dept_confirm": Body,
    "dispatcher_reject": ReworkBody,
    "pass": TaskBody,
    "send_check": TaskBody,
    "check_result": ResultBody,
    "decide_check": DecisionBody,
    "close": CloseBody,
    "request_force_close": Body,
    "force_close": Body,
    "postpone_apply": ExtensionBody,
    "postpone_approve": DecisionBody,
    "hang_apply": SuspendBody,
    "hang_approve": DecisionBody,
    "postpone_withdraw": Body,
    "hang_withdraw": Body,
    "appeal_withdraw": Body,
    "force_withdraw": Body,
    "suspend": SuspendBody,
    "to_stock": Body,
    "appeal": Body,
    "decide_appeal": DecisionBody,
    "reopen": ReopenBody,
    "merge": MergeBody,
    "absorb": JoinedBody,
    "link": LinkBody,
    "resume": Body,
    "refer": ReferBody,
    **SHARED_BODIES,
}
"""Action → what it takes. `report` is intake's."""
