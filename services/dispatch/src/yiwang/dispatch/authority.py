"""Which area's and which unit's people may take a step of a case: how the city governs, as data.

`supervise` is who accepts, checks and closes; `command` who dispatches (监督, 指挥: domain notes 1.1 and 9). A post
over a larger area may do what one over a smaller area in it may.
"""

from __future__ import annotations

from typing import Final

from yiwang.contracts import Actor
from yiwang.kit import Caller, Post

from .case import Case
from .grid_people import asked_of
from .refusals import Refused
from .requests import turn
from .rules import Rules
from .shared import BY_CO_UNIT, assignments_for
from .states import ACTIONS, TABLE, Row, role_names, rows_for

SUPERVISING: Final = frozenset({"acceptor", "shift_leader", "leader"})


def area_of(role: str, case: Case, rules: Rules) -> str:
    """The area that a post of *role* must cover to act on *case*."""
    whole = case.custody.jurisdiction
    if role in SUPERVISING:
        return whole if rules.supervise == "city" else case.county or whole
    if role == "dispatcher":
        return whole if case.command == "city" or not rules.two_commands else case.county or whole
    return case.area


def post_for(caller: Caller, role: str, case: Case, rules: Rules, action: str = "") -> Post:
    """The post by which *caller* acts on *case* in *role*; a co-unit's people on its own part alone.

    Raises Refused: not the unit that the case was sent to, another area's, another handler's, another inspector's.
    """
    posts = [post for post in caller.posts if post.role == role]
    if role in ("dept_operator", "handler"):
        return _of_unit(caller, posts, role, case, rules, action)
    area = area_of(role, case, rules)
    fitting = next((post for post in posts if post.covers(area)), None)
    if fitting is None:
        raise Refused("outside_area", area=area)
    if role == "collector" and case.task and case.task.assignee.person_ref not in ("", caller.person_ref):
        raise Refused("not_the_assignee")
    if role == "collector" and case.task and not asked_of(case.task.assignee, caller, rules):
        unit = rules.units.get(case.task.assignee.unit_id)
        raise Refused("not_the_department", unit=unit.name if unit else case.task.assignee.unit_id)
    return fitting


def _of_unit(caller: Caller, posts: list[Post], role: str, case: Case, rules: Rules, action: str) -> Post:
    given = assignments_for(case, action)
    wanted = {unit for one in given for unit in rules.line_of(one.unit_id)}
    fitting = next((post for post in posts if post.unit_id in wanted), None)
    if fitting is None:
        raise Refused("outside_unit", unit="、".join(one.unit_name or one.unit_id for one in given))
    if role == "handler" and action not in BY_CO_UNIT and case.handler_ref not in ("", caller.person_ref):
        raise Refused("not_the_handler")
    return fitting


def actor_for(caller: Caller, case: Case, action: str, wanted_role: str, rules: Rules) -> Actor:
    """*caller* as the one who does *action*, in *wanted_role* or in whichever role of theirs the table allows.

    Raises Refused when none of their posts may.
    """
    rows = rows_for(case.state, action) or tuple(row for row in TABLE if row.action == action)
    roles = tuple(dict.fromkeys(role for row in rows for role in row.roles))
    due = turn(case, action)
    roles = tuple(sorted(roles, key=lambda role: role != due))  # whose turn it is comes first
    return actor_among(caller, case, ACTIONS[action], roles, wanted_role, rules, action)


def actor_among(
    caller: Caller, case: Case, name: str, roles: tuple[str, ...], wanted_role: str, rules: Rules, action: str = ""
) -> Actor:
    """*caller* in one of *roles* over *case*, for what people call *name*. Raises Refused."""
    held = [r for r in roles if r in caller.roles and wanted_role in ("", r)]
    if not held:
        raise Refused("not_your_role", action=name, roles=role_names(roles))
    refused: Refused | None = None
    for role in held:
        try:
            post = post_for(caller, role, case, rules, action)
        except Refused as reason:
            refused = refused or reason
        else:
            return caller.acting_by(post)
    assert refused is not None  # the loop above either returned or refused
    raise refused


def may_do(caller: Caller, case: Case, rules: Rules) -> list[tuple[Row, str]]:
    """The rows of the table that *caller* could follow now, each with the role; guards may still ask for more."""
    found = []
    for row in TABLE:
        if row.state != case.state or case.away:
            continue
        due = turn(case, row.action)
        for role in row.roles:
            if role not in caller.roles or due not in ("", role):
                continue
            try:
                post_for(caller, role, case, rules, row.action)
            except Refused:
                continue
            found.append((row, role))
            break
    return found
