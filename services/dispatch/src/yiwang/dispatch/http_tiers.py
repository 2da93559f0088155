"""The API of what concerns several tiers: hand-over of cases, and offers that wait for an answer."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from litestar import get, post
from litestar.params import Parameter
from yiwang.kit import App, Caller, allow, answers

from . import contacts, custody_actions, directive_actions, tier_store, visits
from .actions import Done
from .asking import VISITORS, Visit
from .contacts import Wanted, WantedBody
from .custody_actions import RECEIVERS, SENDERS, AnswerBody, Answered, HandOverBody, WithdrawBody
from .directive_actions import REPLIERS, DirectiveBody, Issued, ReplyBody
from .errors import NO_OFFER, NO_VISIT, NOT_FOUND, REFUSED, STALE, VISIT_NOT_ELSEWHERE
from .http import seen_areas, visible
from .rules import Rules
from .views_tiers import DirectiveView, IncomingView, directive_view, incoming_view
from .visits import VisitBody, Visited

Short = Annotated[str, Parameter(max_length=100)]
MOST: Final = 200
DIRECTING: Final = (
    "not_your_role", "outside_area", "opinion_missing", "directive_not_below", "directive_own", "directive_finished",
    "directive_dates",
)  # fmt: skip
AWAY: Final = ("not_your_role", "outside_area", "moved_away", "not_custodian", "opinion_missing")


@get("/cases/offers", guards=[allow()])
async def list_offers(app: App, caller: Caller) -> list[IncomingView]:
    """Cases that other nodes offer to this one and that wait, oldest first."""
    found = await tier_store.open_offers(app.pool, seen_areas(caller), MOST)
    return [incoming_view(one, app.get(Rules)) for one in found]


@post(
    "/cases/{no:str}/hand_over",
    guards=[allow(*SENDERS)],
    status_code=200,
    opt={"idempotent": True},
    responses=answers(
        NOT_FOUND, STALE,
        *(REFUSED[k] for k in (*AWAY, "offer_open", "handover_finished", "handover_nowhere", "area_malformed")),
    ),
)  # fmt: skip
async def hand_over(no: Short, data: HandOverBody, app: App, caller: Caller) -> Done:
    """移交: offer the case to another node; it stays here until that node takes it."""
    return await custody_actions.hand_over(app, caller, no, data)


@post(
    "/cases/{no:str}/withdraw_offer",
    guards=[allow(*SENDERS)],
    status_code=200,
    opt={"idempotent": True},
    responses=answers(NOT_FOUND, STALE, *(REFUSED[k] for k in (*AWAY, "offer_missing"))),
)
async def withdraw_offer(no: Short, data: WithdrawBody, app: App, caller: Caller) -> Done:
    """撤回移交: take the offer back; who goes on with the case does it too."""
    return await custody_actions.withdraw(app, caller, no, data)


@get("/cases/visits", guards=[allow(*VISITORS)])
async def list_visits(app: App, caller: Caller) -> list[Visit]:
    """Reporters of closed cases who are to be asked here, oldest first."""
    return await tier_store.open_visits(app.pool, seen_areas(caller), MOST)


@post(
    "/cases/{no:str}/visit",
    guards=[allow(*VISITORS)],
    status_code=200,
    opt={"idempotent": True},
    responses=answers(NO_VISIT),
)
async def note_visit(no: Short, data: VisitBody, app: App, caller: Caller) -> Visited:
    """回访: note what the reporter said; whoever has the case is told."""
    return await visits.visit(app, caller, no, data)


@post(
    "/cases/{no:str}/visit_here",
    guards=[allow(*VISITORS)],
    status_code=200,
    opt={"idempotent": True},
    responses=answers(VISIT_NOT_ELSEWHERE),
)
async def visit_here(no: Short, data: WantedBody, app: App, caller: Caller) -> Wanted:
    """申请联系方式: this node would ask the reporter itself; the tier that took the report is asked for the contact."""
    return await contacts.visit_here(app, caller, no, data)


def _answer_route(decision: str, words: str) -> Any:
    async def do(offer_id: str, data: AnswerBody, app: App, caller: Caller) -> Answered:
        return await custody_actions.answer(app, caller, offer_id, decision, data)

    do.__annotations__["offer_id"] = Annotated[str, Parameter(query="offer_id", max_length=200)]
    do.__name__ = do.__qualname__ = f"{decision}_offer"
    do.__doc__ = words
    return post(
        f"/cases/offers/{decision}",
        guards=[allow(*RECEIVERS)],
        status_code=200,
        opt={"idempotent": True},
        responses=answers(
            NO_OFFER, *(REFUSED[k] for k in ("not_your_role", "outside_area", "offer_not_open", "opinion_missing"))
        ),
    )(do)


@post(
    "/cases/{no:str}/directives",
    guards=[allow("supervisor", "leader")],
    status_code=200,
    opt={"idempotent": True},
    responses=answers(NOT_FOUND, STALE, *(REFUSED[k] for k in DIRECTING)),
)
async def give_directive(no: Short, data: DirectiveBody, app: App, caller: Caller) -> Issued:
    """督办、收回、指定办理: tell the node that has the case what to do; it applies or refuses it."""
    return await directive_actions.direct(app, caller, no, data)


@get("/cases/{no:str}/directives", guards=[allow()], responses=answers(NOT_FOUND))
async def list_directives(no: Short, app: App, caller: Caller) -> list[DirectiveView]:
    """The directives about a case that this node gave or was given, newest first."""
    case = await visible(app, caller, no)
    return [directive_view(one, app.get(Rules)) for one in await tier_store.directives_of(app.pool, case.case_id)]


@get("/cases/directives", guards=[allow("supervisor", "leader", "shift_leader")])
async def list_open_directives(app: App, caller: Caller) -> list[DirectiveView]:
    """Directives of this node that nobody has answered yet, oldest first."""
    return [directive_view(one, app.get(Rules)) for one in await tier_store.open_directives(app.pool, MOST)]


@post(
    "/cases/{no:str}/supervision_reply",
    guards=[allow(*REPLIERS)],
    status_code=200,
    opt={"idempotent": True},
    responses=answers(NOT_FOUND, STALE, *(REFUSED[k] for k in (*AWAY, "outside_unit", "supervision_missing"))),
)
async def reply_supervision(no: Short, data: ReplyBody, app: App, caller: Caller) -> Done:
    """督办回复: answer who presses the case."""
    return await directive_actions.reply(app, caller, no, data)


TIERS: Final[Sequence[Any]] = (
    list_offers,
    hand_over,
    withdraw_offer,
    list_open_directives,
    give_directive,
    list_directives,
    reply_supervision,
    list_visits,
    note_visit,
    visit_here,
    _answer_route("accept", "接收移交: the case is ours as soon as the sender lets it go."),
    _answer_route("refuse", "拒收移交: the case stays with the sender, who is told why."),
)
