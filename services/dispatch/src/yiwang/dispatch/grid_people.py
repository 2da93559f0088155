"""Several departments' people in one grid (惠州, 多部门入格): whose of them a task is for, and who is one of them. Pure.

A grid's teams are data (`ground.Team`): posts of units, never names of people; who holds a post is the identity's matter.
A grid without teams is as before: its inspectors share every task.
"""

from __future__ import annotations

from yiwang.contracts import Person
from yiwang.kit import Caller

from .calendar import SHANGHAI
from .case import CHECK
from .draft import Draft
from .rules import Rules


def department(d: Draft, duty_grid_id: str, task: str) -> str:
    """The unit whose people in the grid shall verify or check the case; empty: any inspector.

    Nobody checks what their own unit did (case-management 1.4: checker's unit is not the handling unit).
    """
    case, rules = d.case, d.rules
    if not duty_grid_id or not rules.practice.ground.teams:
        return ""
    never: set[str] = set()
    if task == CHECK:
        never = {unit for one in case.assignments for unit in rules.line_of(one.unit_id)}
    category = case.category.key if case.category else ""
    return rules.practice.ground.pick(duty_grid_id, task, category, d.at.astimezone(SHANGHAI).date(), never)


def asked_of(assignee: Person, caller: Caller, rules: Rules) -> bool:
    """Whether *caller* is of the department that is asked, or of a unit above it; a named person always is."""
    if not assignee.unit_id or (assignee.person_ref and assignee.person_ref == caller.person_ref):
        return True
    line = rules.line_of(assignee.unit_id)
    return any(post.role == "collector" and post.unit_id in line for post in caller.posts)
