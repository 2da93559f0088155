"""The API of ledgers (隐患台账、问题清单、满意清单): write down, give, rectify, accept, ask the residents, bring in, list."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter
from yiwang.contracts import MediaRef
from yiwang.kit import App, Caller, allow, answers
from yiwang.kit.files import EMPTY_FILE, FILE_TYPE, MEDIA_NOT_HERE

from . import ledger_acts, ledger_store
from .cursors import after, position
from .errors import BAD_CURSOR, NO_PHOTO, REFUSED
from .errors_ground import NO_CAMPAIGN, NO_ENTRY, NO_STATION
from .ground import JUDGES
from .http import START, seen_areas, seen_units
from .ledger import ACTIONS, HAZARD, KINDS, OPEN, PROBLEM, STATES, Entry, open_to
from .ledger_acts import (
    ASKERS,
    FINDERS,
    GIVERS,
    OF_UNIT,
    AssignBody,
    ConfirmBody,
    EntryBody,
    FixedBody,
    LinkBody,
    WordBody,
)
from .ledger_import import Report
from .ledger_importing import ImportBody, bring_in
from .photos import MediaId, Stage, TakesAPhoto, kept, shown
from .rules import Rules

EntryId = Annotated[str, Parameter(max_length=100)]
Short = Annotated[str, Parameter(max_length=100)]
WHO: Final = ("not_your_role", "outside_area", "area_malformed")
LISTS: Final = {
    "hazards": (HAZARD, (*OPEN, "rectified")),
    "problems": (PROBLEM, (*OPEN, "rectified", "accepted")),
    "satisfied": (PROBLEM, ("satisfied",)),
    "done": (HAZARD, ("accepted",)),
}
"""Name → kind and states: 隐患台账 (未销号), 问题清单, 满意清单, 已销号"""
LIST_NAMES: Final = {"hazards": "隐患台账", "problems": "问题清单", "satisfied": "满意清单", "done": "已销号"}


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a ledger as people see it."""

    entry: Entry
    kind_name: str
    state_name: str
    grade_name: str
    late: bool
    actions: tuple[str, ...]
    """What its state allows"""
    action_names: tuple[str, ...]


class EntryPage(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first; `cursor` gives the next page, empty at the end."""

    entries: tuple[EntryView, ...]
    cursor: str


class ListCount(msgspec.Struct, frozen=True, kw_only=True):
    """One of the four lists and how much stands in it."""

    name: str
    title: str
    n: int
    late: int


def view(one: Entry, rules: Rules, now: dt.datetime) -> EntryView:
    grade, actions = rules.practice.ground.grade(one.grade), open_to(one)
    end = "已销号" if one.kind == HAZARD else "待群众确认"
    return EntryView(
        entry=one, kind_name=KINDS[one.kind], state_name=end if one.state == "accepted" else STATES[one.state],
        grade_name=grade.name if grade else one.grade,
        late=one.state == "rectifying" and one.due_at is not None and now > one.due_at, actions=tuple(actions),
        action_names=tuple(ACTIONS[name][0] for name in actions),
    )  # fmt: skip


def _route(name: str, roles: tuple[str, ...], keys: tuple[str, ...]) -> Callable[[Callable[..., Any]], HTTPRouteHandler]:
    """How every action on one entry is declared."""
    return post(
        f"/ledgers/{{entry_id:str}}/{name}", guards=[allow(*roles)], status_code=200, opt={"idempotent": True},
        responses=answers(NO_ENTRY, *(REFUSED[key] for key in ("ledger_state", *keys))),
    )  # fmt: skip


def _shown(app: App, one: Entry) -> EntryView:
    return view(one, app.get(Rules), app.clock.now())


@post(
    "/ledgers", guards=[allow(*FINDERS)], opt={"idempotent": True},
    responses=answers(NO_CAMPAIGN, NO_STATION, *(REFUSED[k] for k in (*WHO, "ledger_summary", "ledger_grade", "category_unknown",
                                                                      "campaign_over"))),
)  # fmt: skip
async def enter_entry(data: EntryBody, app: App, caller: Caller) -> EntryView:
    """登记入账: a hazard found on patrol, or a problem that residents named."""
    return _shown(app, await ledger_acts.enter_one(app, caller, data))


@post(
    "/ledgers/import", guards=[allow(*GIVERS)], status_code=200, opt={"idempotent": True},
    responses=answers(NO_CAMPAIGN, *(REFUSED[k] for k in (*WHO, "ledger_import", "campaign_over"))),
)  # fmt: skip
async def import_ledger(data: ImportBody, app: App, caller: Caller) -> Report:
    """台账导入: with `check` a report of what would happen; without it all new lines are written, or none."""
    return await bring_in(app, caller, data)


@get("/ledgers", guards=[allow()], responses=answers(BAD_CURSOR))
async def list_entries(
    app: App,
    caller: Caller,
    which: Annotated[str, Parameter(query="list", pattern=f"^(|{'|'.join(LISTS)})$")] = "",
    entry_state: Annotated[str, Parameter(query="state", pattern=f"^(|{'|'.join(STATES)})$")] = "",
    campaign_id: Short = "",
    area: Annotated[str, Parameter(pattern=r"^[0-9A-Z]{0,15}$")] = "",
    unit_id: Short = "",
    station_id: Short = "",
    late: bool = False,
    cursor: Annotated[str, Parameter(max_length=300)] = "",
    limit: Annotated[int, Parameter(ge=1, le=200)] = 50,
) -> EntryPage:
    """Entries of the caller's areas, and those given to the caller's units, newest first."""
    kind, states = LISTS.get(which.strip(), ("", ()))
    asked = ledger_store.Asked(
        kind=kind, states=(entry_state,) if entry_state else states, campaign_id=campaign_id, area=area, unit_id=unit_id,
        station_id=station_id, late=late, areas=seen_areas(caller), units=seen_units(caller),
    )  # fmt: skip
    now, rules = app.clock.now(), app.get(Rules)
    found = await ledger_store.page(app.pool, asked, now, position(cursor, START), limit + 1)
    more = after(found[limit - 1].found_at, found[limit - 1].entry_id) if len(found) > limit else ""
    return EntryPage(entries=tuple(view(one, rules, now) for one in found[:limit]), cursor=more)


@get("/ledgers/lists", guards=[allow()])
async def count_lists(app: App, caller: Caller, campaign_id: Short = "") -> list[ListCount]:
    """How many entries of the caller's areas and units stand in each list, and how many are late."""
    counts = await ledger_store.counts(
        app.pool, seen_areas(caller), seen_units(caller), app.clock.now(), campaign_id
    )
    found = []
    for name, (kind, states) in LISTS.items():
        some = [c for c in counts if c.kind == kind and c.state in states]
        found.append(
            ListCount(name=name, title=LIST_NAMES[name], n=sum(c.n for c in some), late=sum(c.late for c in some))
        )
    return found


@get("/ledgers/{entry_id:str}", guards=[allow()], responses=answers(NO_ENTRY))
async def show_entry(entry_id: EntryId, app: App, caller: Caller) -> EntryView:
    """One entry with its history."""
    return _shown(app, await _visible(app, caller, entry_id))


@_route("assign", GIVERS, (*WHO, "unit_unknown", "ledger_measure", "ledger_due"))
async def assign_entry(entry_id: EntryId, data: AssignBody, app: App, caller: Caller) -> EntryView:
    """交办: responsible unit, measure, day."""
    return _shown(app, await ledger_acts.assign_one(app, caller, entry_id, data))


@_route("rectify", OF_UNIT, ("ledger_unit", "ledger_result"))
async def rectify_entry(entry_id: EntryId, data: FixedBody, app: App, caller: Caller) -> EntryView:
    """整改反馈, by the responsible unit."""
    return _shown(app, await ledger_acts.rectify_one(app, caller, entry_id, data))


@_route("accept", JUDGES, (*WHO, "ledger_accept_role", "ledger_own_unit", "ledger_own_work"))
async def accept_entry(entry_id: EntryId, data: WordBody, app: App, caller: Caller) -> EntryView:
    """验收: a hazard is struck off, a problem waits for the residents' word."""
    return _shown(app, await ledger_acts.judge_one(app, caller, entry_id, data, good=True))


@_route("refuse", JUDGES, (*WHO, "ledger_accept_role", "ledger_own_unit", "opinion_missing"))
async def refuse_entry(entry_id: EntryId, data: WordBody, app: App, caller: Caller) -> EntryView:
    """验收不合格: it is open again."""
    return _shown(app, await ledger_acts.judge_one(app, caller, entry_id, data, good=False))


@_route("confirm", ASKERS, (*WHO, "ledger_not_problem", "ledger_asked", "opinion_missing"))
async def confirm_entry(entry_id: EntryId, data: ConfirmBody, app: App, caller: Caller) -> EntryView:
    """群众确认: satisfied brings the problem to the list of satisfaction, else it is open again."""
    return _shown(app, await ledger_acts.confirm_one(app, caller, entry_id, data))


@_route("recur", FINDERS, (*WHO, "opinion_missing"))
async def recur_entry(entry_id: EntryId, data: WordBody, app: App, caller: Caller) -> EntryView:
    """反弹: it was gone and is back."""
    return _shown(app, await ledger_acts.recur_one(app, caller, entry_id, data))


@_route("withdraw", GIVERS, (*WHO, "opinion_missing"))
async def withdraw_entry(entry_id: EntryId, data: WordBody, app: App, caller: Caller) -> EntryView:
    """撤销登记: entered by mistake or twice."""
    return _shown(app, await ledger_acts.withdraw_one(app, caller, entry_id, data))


@_route("link", GIVERS, (*WHO, "campaign_case", "ledger_linked"))
async def link_entry(entry_id: EntryId, data: LinkBody, app: App, caller: Caller) -> EntryView:
    """关联案件: the case's closing rectifies the entry."""
    return _shown(app, await ledger_acts.link_one(app, caller, entry_id, data))


@post(
    "/ledgers/photos", guards=[allow(*FINDERS, *OF_UNIT)], operation_class=TakesAPhoto,
    responses=answers(EMPTY_FILE, FILE_TYPE),
)  # fmt: skip
async def add_ledger_photo(stage: Stage, request: Request[Any, Any, Any], app: App, caller: Caller) -> MediaRef:
    """Store a photo; the action that it belongs to then names it in its `media`."""
    return await kept(app, request, stage)


@get(
    "/ledgers/{entry_id:str}/photos/{media_id:str}", guards=[allow()], media_type="image/*",
    responses=answers(NO_ENTRY, NO_PHOTO, MEDIA_NOT_HERE),
)  # fmt: skip
async def show_ledger_photo(entry_id: EntryId, media_id: MediaId, app: App, caller: Caller) -> Response[bytes]:
    """A photo that the entry or its history names."""
    one = await _visible(app, caller, entry_id)
    return await shown(app, media_id, (*one.media, *(m for line in one.history for m in line.media)))


async def _visible(app: App, caller: Caller, entry_id: str) -> Entry:
    """The entry, if the caller may read it. Raises NO_ENTRY, which doesn't tell whether it exists."""
    one = await ledger_store.find(app.pool, entry_id)
    if one is None or not (one.unit_id in seen_units(caller) or _covers(caller, one.area)):
        raise NO_ENTRY(entry=entry_id)
    return one


def _covers(caller: Caller, area: str) -> bool:
    return any(post.covers(area) for post in caller.posts if post.role not in OF_UNIT)


LEDGERS: Final[Sequence[Any]] = (
    enter_entry, import_ledger, list_entries, count_lists, show_entry, assign_entry, rectify_entry, accept_entry,
    refuse_entry, confirm_entry, recur_entry, withdraw_entry, link_entry, add_ledger_photo, show_ledger_photo,
)  # fmt: skip
