"""The worklist page: its files, the choices that its forms offer, and a case's photos.

The page is plain HTML, CSS and ES modules from this package; it asks nothing of any other host.
"""

# Litestar resolves these annotations at run time, so there is no `from __future__ import annotations` here.
from collections.abc import Sequence
from importlib.resources import files
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import Parameter
from litestar.response import Redirect
from yiwang.contracts import MediaRef, areas
from yiwang.contracts.codes import builtin
from yiwang.kit import App, Caller, allow, anonymous, answers
from yiwang.kit.files import EMPTY_FILE, FILE_TYPE, MEDIA_NOT_HERE

from . import experience_store, store
from .acts import CategoryChoice
from .area_names import names_of
from .calendar import SHANGHAI
from .case import Case
from .codes import Condition
from .errors import NO_PHOTO, NOT_FOUND
from .experience import Suggestion
from .explain import UNITS
from .http import visible
from .photos import MediaId, Stage, TakesAPhoto, kept, shown
from .rules import Rules
from .triage import proposed

PAGE: Final = "worklist_page"
TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
POLICY: Final = "default-src 'self'; img-src 'self' blob:; style-src 'self'; frame-ancestors 'none'; form-action 'self'"


class CategoryOption(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    major: str
    minor: str
    major_name: str
    minor_name: str


class ConditionOption(msgspec.Struct, frozen=True, kw_only=True):
    condition_id: str
    text: str
    limit: int
    unit_name: str
    urgency: str


class UnitOption(msgspec.Struct, frozen=True, kw_only=True):
    """A unit to dispatch to; `rule_id` says by which rule of the matrix it is suggested, empty: not suggested."""

    unit_id: str
    name: str
    level: int
    rule_id: str = ""


class SuggestedUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit that handled such cases before; `confidence` from 0 to 1, `reason` in words."""

    unit_id: str
    name: str
    confidence: float
    reason: str


class ReasonOption(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    name: str
    used_by: str
    """The event in which the reason is told"""


class MatterOption(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    name: str


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What the forms of a case may offer now; the matrix's own answer is the first unit."""

    categories: tuple[CategoryOption, ...]
    conditions: tuple[ConditionOption, ...]
    units: tuple[UnitOption, ...]
    reasons: tuple[ReasonOption, ...]
    matters: tuple[MatterOption, ...] = ()
    """Kinds of matters (三事分流)"""
    proposed_matter: str = ""
    """What the city's rules say that it is"""
    proposed_urgency: str = ""
    suggestions: tuple[SuggestedUnit, ...] = ()
    """Learnt from a year of finished cases, the likeliest first; the matrix may say otherwise"""


@get("/", guards=[anonymous], include_in_schema=False)
async def home() -> Redirect:
    return Redirect("/worklist")


@get(["/worklist", "/worklist/{name:str}"], guards=[anonymous], include_in_schema=False, sync_to_thread=False)
def page(name: str = "index.html") -> Response[bytes]:
    """One file of the page."""
    suffix = name[name.rfind(".") :]
    file = files(__package__).joinpath(PAGE, name)
    if suffix not in TYPES or "/" in name or not file.is_file():
        raise NotFoundException
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
    return Response(file.read_bytes(), media_type=TYPES[suffix], headers=headers)


@get("/cases/areas", guards=[allow()])
async def name_areas(
    app: App,
    caller: Caller,
    codes: Annotated[str, Parameter(pattern=r"^[0-9A-Z]{2,15}(,[0-9A-Z]{2,15}){0,99}$")],
) -> dict[str, str]:
    """Code → what people call the area, for up to a hundred codes with commas between."""
    return await names_of(app.pool, app.get(Rules), codes.split(","))


@get("/cases/{no:str}/choices", guards=[allow()], responses=answers(NOT_FOUND))
async def show_choices(
    no: str,
    app: App,
    caller: Caller,
    category: Annotated[str, Parameter(pattern=r"^((part|event)/[0-9A-Za-z]{1,8}/[0-9A-Za-z]{1,8})?$")] = "",
) -> Choices:
    """Classes, filing conditions, units and reasons among which a person may choose for this case.

    `category` (``event/04/10``) shows the conditions and units as they would be for another class.
    """
    case = await visible(app, caller, no)
    rules = app.get(Rules).of(case)
    if category:
        kind, major, minor = category.split("/")
        other = CategoryChoice(kind=kind, major=major, minor=minor)
        case = msgspec.structs.replace(case, category=rules.category(other), condition_id="")
    at = app.clock.now()
    learnt = await experience_store.suggest(app.pool, case, rules, at)
    proposal = proposed(case, rules)
    classes = [row for row in rules.codes.categories.values() if row.code_set == rules.code_set]
    return Choices(
        categories=tuple(
            CategoryOption(kind=c.kind, major=c.major, minor=c.minor, major_name=c.major_name, minor_name=c.minor_name)
            for c in classes
        ),
        conditions=tuple(condition_option(one) for one in rules.conditions(case, at)),
        units=units_for(case, rules, at),
        reasons=tuple(
            ReasonOption(code=e.code, name=e.name, used_by=e.attributes.get("used_by", ""))
            for e in builtin("reason").entries.values()
        ),
        suggestions=tuple(suggested(one, rules) for one in learnt),
        matters=tuple(MatterOption(code=m.code, name=m.name) for m in rules.practice.matters),
        proposed_matter=proposal.matter,
        proposed_urgency=proposal.urgency,
    )


def suggested(one: Suggestion, rules: Rules) -> SuggestedUnit:
    name = rules.unit(one.unit_id).name
    return SuggestedUnit(unit_id=one.unit_id, name=name, confidence=one.confidence, reason=one.reason(name))


def condition_option(one: Condition) -> ConditionOption:
    unit = UNITS.get(one.unit_kind, one.unit_kind)
    return ConditionOption(
        condition_id=one.condition_id, text=one.text, limit=one.limit, unit_name=unit, urgency=one.urgency
    )


def units_for(case: Case, rules: Rules, at: Any) -> tuple[UnitOption, ...]:
    """The matrix's candidates in its order, then every other unit that works in the case's district or city."""
    day = at.astimezone(SHANGHAI).date()
    found: dict[str, UnitOption] = {}
    if case.category is not None:
        for advice in rules.matrix.candidates(case.category, case.condition_id, case.place, day):
            lead = advice.lead
            found[lead.unit_id] = UnitOption(
                unit_id=lead.unit_id, name=lead.name, level=lead.level, rule_id=advice.rule_id
            )
    around = case.county or case.custody.jurisdiction
    for unit in rules.units:
        near = any(areas.contains(around, area) or areas.contains(area, around) for area in unit.areas)
        if unit.kind == "handling" and near:
            found.setdefault(unit.unit_id, UnitOption(unit_id=unit.unit_id, name=unit.name, level=unit.level))
    return tuple(found.values())


@post(
    "/cases/{no:str}/photos",
    guards=[allow("collector", "handler", "dept_operator")],
    operation_class=TakesAPhoto,
    responses=answers(NOT_FOUND, EMPTY_FILE, FILE_TYPE),
)
async def add_photo(no: str, stage: Stage, request: Request[Any, Any, Any], app: App, caller: Caller) -> MediaRef:
    """Store a photo of the case; the action that it belongs to then names it in its `media`."""
    await visible(app, caller, no)
    return await kept(app, request, stage)


@get(
    "/cases/{no:str}/photos/{media_id:str}", guards=[allow()], responses=answers(NOT_FOUND, NO_PHOTO, MEDIA_NOT_HERE),
    media_type="image/*",
)  # fmt: skip
async def show_photo(no: str, media_id: MediaId, app: App, caller: Caller) -> Response[bytes]:
    """A photo that the case or its history names, for those who may see the case."""
    case = await visible(app, caller, no)
    flow = await store.history(app.pool, case.case_id)
    return await shown(app, media_id, (*case.media, *(media for line in flow for media in line.media)))


WORKLIST: Final[Sequence[Any]] = (home, page, name_areas, show_choices, add_photo, show_photo)
