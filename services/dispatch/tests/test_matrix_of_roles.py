"""What each role may do in each state and area: every combination, told by the table and by how the city governs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from yiwang.contracts import Actor, Assignment, Clock, areas
from yiwang.dispatch.authority import actor_for, may_do
from yiwang.dispatch.case import Case
from yiwang.dispatch.refusals import REFUSALS, Refused
from yiwang.dispatch.rules import Rules
from yiwang.dispatch.shared import BY_CO_UNIT
from yiwang.dispatch.states import BY_PEOPLE, ROLE_NAMES, STATES, TABLE, rows_for
from yiwang.dispatch.testing import MONDAY, some_case, some_rules
from yiwang.kit import Caller, Post

CITY, HERE, THERE, PROVINCE, COMMUNITY = "440300", "440303", "440304", "440000", "440303001001"
AREAS = (PROVINCE, CITY, HERE, THERE, "440303001", COMMUNITY, "440303002", "440600")
UNITS = {"sanitation": True, "bureau": True, "patrol": False, "": False}
"""Unit → whether it, or one below it, has the case"""
ROLES = sorted((set(ROLE_NAMES) | {"evaluator", "admin", "auditor", "enforcement_officer"}) - {"system", "import"})
SUPERVISE = ("acceptor", "shift_leader", "leader")
CLOCK = Clock(clock_id="k", stage="disposal", unit_kind="work_hour", limit=4, started_at=MONDAY, due_at=MONDAY)
LEAD = Assignment(assignment_id="a", unit_id="sanitation", unit_name="环卫所", clock=CLOCK)
GOVERNED = [("city", False, ""), ("city", True, "city"), ("city", True, "district"), ("district", True, "district")]
"""Who supervises, whether two command, and who must dispatch now."""


def a_case(state: str, command: str) -> Case:
    return msgspec.structs.replace(some_case(), state=state, command=command, assignments=(LEAD,))


def covers(role: str, area: str, unit: str, how: tuple[str, bool, str]) -> bool:
    """As the domain says it: supervisors by who supervises, dispatchers by who commands, units by who has the case."""
    supervise, two, command = how
    if role in ("dept_operator", "handler"):
        return UNITS[unit]
    needed = COMMUNITY
    if role in SUPERVISE:
        needed = CITY if supervise == "city" else HERE
    elif role == "dispatcher":
        needed = CITY if not two or command == "city" else HERE
    return areas.contains(area, needed)


def caller(role: str, area: str, unit: str) -> Caller:
    return Caller(person_ref="p", posts=(Post(post_id="post", unit_id=unit, role=role, areas=(area,)),))


def answer(who: Caller, case: Case, action: str, rules: Rules) -> Actor | Refused:
    try:
        return actor_for(who, case, action, "", rules)
    except Refused as refused:
        return refused


@pytest.mark.parametrize("how", GOVERNED, ids=lambda how: f"{how[0]}-{'two' if how[1] else 'one'}-{how[2] or 'single'}")
@pytest.mark.parametrize("state", STATES)
def test_every_role_in_every_area_may_just_what_the_table_gives_it(state: str, how: tuple[str, bool, str]) -> None:
    """(state, action, role, area, unit): allowed exactly where the table names the role and the post covers the case."""
    rules, case = some_rules(supervise=how[0], two_commands=how[1]), a_case(state, how[2])
    offered: dict[str, set[str]] = {
        role: {row.action for row in TABLE if row.state == state and role in row.roles} - BY_CO_UNIT for role in ROLES
    }
    for role in ROLES:
        for area, unit in [(a, u) for a in AREAS for u in UNITS]:
            who = caller(role, area, unit)
            fits = covers(role, area, unit, how)
            seen = {row.action for row, _ in may_do(who, case, rules)} - BY_CO_UNIT
            assert seen == (offered[role] if fits else set()), (role, area, unit)
    for action in sorted(BY_PEOPLE - BY_CO_UNIT):
        for role in ROLES:
            _tried(action, role, state, how, case, rules)


def _tried(action: str, role: str, state: str, how: tuple[str, bool, str], case: Case, rules: Rules) -> None:
    rows: tuple[Any, ...] = rows_for(state, action) or tuple(row for row in TABLE if row.action == action)
    for area, unit in [(CITY, "sanitation"), (HERE, "patrol"), (THERE, "sanitation"), (COMMUNITY, "bureau"), (PROVINCE, "")]:
        got = answer(caller(role, area, unit), case, action, rules)
        allowed = any(role in row.roles for row in rows) and covers(role, area, unit, how)
        if allowed:
            assert isinstance(got, Actor), (action, role, area, unit, got)
            assert got.role == role
        else:
            assert isinstance(got, Refused), (action, role, area, unit)
            assert got.key in ("not_your_role", "outside_area", "outside_unit")
            assert REFUSALS[got.key].status == 403
            assert "{" not in str(got)


def test_no_role_beside_those_of_the_table_may_do_anything() -> None:
    """Evaluators, administrators, auditors and officers read; the table gives them no step."""
    named = {role for row in TABLE for role in row.roles}

    assert not named & {"evaluator", "admin", "auditor", "enforcement_officer"}


def test_a_case_of_another_node_offers_nothing() -> None:
    """Handed over, it is only looked at."""
    case = msgspec.structs.replace(a_case("handling", "district"), away="440303")
    everybody = Caller(
        person_ref="p", posts=tuple(Post(post_id=r, unit_id="sanitation", role=r, areas=(CITY,)) for r in ROLES)
    )  # fmt: skip

    assert may_do(everybody, case, some_rules()) == []
