"""What is asked for over HTTP: which objects, which days, which class, and whether the caller may know it."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar.params import Parameter
from yiwang.contracts import areas
from yiwang.kit import App, Caller, Role

from . import errors, periods
from .figures import What
from .profile import Book
from .vocabulary import KINDS, SEGMENTS

READERS: Final = (Role.EVALUATOR, Role.LEADER, Role.ADMIN, Role.SHIFT_LEADER, Role.SUPERVISOR, Role.DEPT_OPERATOR)
"""Who may see figures: of their areas, and people of a unit those of their own unit and the units below."""
OVERSEERS: Final = (Role.EVALUATOR, Role.LEADER, Role.ADMIN, Role.SHIFT_LEADER, Role.SUPERVISOR)
PURPOSES: Final = ("live", "historical", "demo", "drill", "test")

Kind = Annotated[str, Parameter(pattern=r"^(area|grid|unit|post|person)$", description="类别：" + "、".join(KINDS.values()))]
Code = Annotated[str, Parameter(max_length=64, pattern=r"^[^%\\\x00-\x1f]*$", description="对象编码；区域为空即本节点辖区")]
Class = Annotated[
    str, Parameter(max_length=32, pattern=r"^$|^(part|event)/[0-9A-Za-z]{1,8}(/[0-9A-Za-z]{1,8})?$|^@[a-z]{1,12}$",
                   description="分类 event/01、event/01/10，或分段 @patrol、@public、@urgent；空为全部"),
]  # fmt: skip
PeriodName = Annotated[str, Parameter(max_length=10, pattern=r"^\d{4}[0-9A-Z-]*$", description="2026-11、2026-Q4、2026-W48 …")]
Purposes = Annotated[str, Parameter(max_length=48, pattern=r"^[a-z,]*$", description="live（正式），或 live,historical 等")]
Name = Annotated[str, Parameter(max_length=64, pattern=r"^[a-z0-9_]+$")]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question that was understood."""

    what: What
    code: str
    period: periods.Period


def ask(app: App, caller: Caller, kind: str, code: str, cls: str, name: str, purpose: str) -> Asked:
    """The question, if the caller may ask it. Raises the Problems of `errors`."""
    found = period_of(name)
    if cls.startswith("@") and cls not in SEGMENTS:
        raise errors.BAD_OBJECT(why=f"没有分段 {cls}，只有 {'、'.join(SEGMENTS)}")
    if kind == "area":
        code = area_of(app, code)
    elif not code:
        raise errors.BAD_OBJECT(why=f"{KINDS[kind]}的编码不能为空")
    if kind == "unit":
        code = app.get(Book).rules.unit_id(code)
    require(app, caller, kind, code)
    what = What(kind=kind, cls=cls, first=found.first, last=found.last, purposes=purposes_of(purpose))
    return Asked(what=what, code=code, period=found)


def period_of(name: str) -> periods.Period:
    """Raises evaluation.bad_period."""
    try:
        return periods.period(name)
    except ValueError as error:
        raise errors.BAD_PERIOD(why=str(error)) from None


def area_of(app: App, code: str) -> str:
    """An area code, this node's own if empty. Raises evaluation.bad_object."""
    code = code or app.node.jurisdiction
    try:
        areas.level_of(code)
    except ValueError:
        raise errors.BAD_OBJECT(why=f"{code} 不是区划代码") from None
    return code


def purposes_of(text: str) -> tuple[str, ...]:
    """Raises evaluation.bad_object."""
    found = tuple(dict.fromkeys(word for word in text.split(",") if word)) or ("live",)
    if unknown := [word for word in found if word not in PURPOSES]:
        raise errors.BAD_OBJECT(why=f"没有用途 {'、'.join(unknown)}，只有 {'、'.join(PURPOSES)}")
    return found


def require(app: App, caller: Caller, kind: str, code: str) -> None:
    """Raises evaluation.not_yours unless the caller may see figures of the object.

    Areas: whoever oversees them. Units: their own people and those above them in the tree of units, and overseers of
    this node's whole area. Grids, posts and persons: overseers of the area that the code begins with, or of all.
    """
    if any(caller.may(role, app.node.jurisdiction) for role in OVERSEERS):
        return
    if kind == "unit":
        chain = app.get(Book).rules.unit_chain(code)
        if caller.units & set(chain):
            return
    elif kind in ("area", "grid"):
        area = code if kind == "area" else code[:6]
        if any(caller.may(role, area) for role in OVERSEERS):
            return
    raise errors.NOT_YOURS(object=code or app.node.jurisdiction)
