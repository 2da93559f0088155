"""Complaints about officers: never to the unit complained of, nor to one below it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from .case import Case
from .matrix import Assigned
from .refusals import Refused
from .units import Ambiguous, Unit

if TYPE_CHECKING:
    from .rules import Rules

RULE: str = "complaint"
"""What the dispatch event names instead of a rule of the matrix"""


def complained(case: Case, rules: Rules) -> Unit | None:
    """The registered unit that is complained of, which reporters name in their own words; None where nobody knows it."""
    try:
        return rules.units.resolve(case.complained_unit, case.complained_unit) if case.complained_unit else None
    except Ambiguous:
        return None


def unclear(case: Case, rules: Rules) -> bool:
    """Whether somebody is complained of and a person must say which unit that is."""
    return bool(case.complained_unit) and complained(case, rules) is None


def barred(case: Case, unit_id: str, rules: Rules) -> bool:
    """Whether that unit is the one complained of, or works below it."""
    unit = complained(case, rules)
    return unit is not None and unit.unit_id in rules.line_of(unit_id)


def supervisor(case: Case, rules: Rules) -> Unit | None:
    """Who handles it instead: as the profile says for the unit or one above it, else the unit above, else the general one."""
    named, about = rules.practice.complaints, complained(case, rules)
    line = rules.line_of(about.unit_id if about else case.complained_unit)
    wanted = (*(named.supervisory.get(unit, "") for unit in line), *line[1:], named.otherwise)
    return next((unit for one in wanted if one and (unit := rules.units.get(one)) and not barred(case, one, rules)), None)


def never_its_own(case: Case, unit: Unit, rules: Rules) -> None:
    """Raises Refused where *unit* would handle a complaint about itself."""
    if barred(case, unit.unit_id, rules):
        instead = supervisor(case, rules)
        raise Refused("unit_complained_of", unit=unit.name, instead=instead.name if instead else "其上级监督单位")


def advice(case: Case, found: Assigned | None, rules: Rules) -> Assigned | None:
    """The matrix's answer, with the supervising unit instead of the one complained of."""
    if not case.complained_unit:
        return found
    if unclear(case, rules):
        return None  # no rule may send it to a unit that might be the one: a dispatcher chooses
    if found is not None and not barred(case, found.lead.unit_id, rules):
        return replace_co(case, found, rules)
    instead = supervisor(case, rules)
    if instead is None:
        return None
    version = found.matrix_version if found else ""
    level = found.level if found else ""
    return Assigned(lead=instead, level=level, rule_id=RULE, matrix_version=version)


def replace_co(case: Case, found: Assigned, rules: Rules) -> Assigned:
    return replace(found, co=tuple(unit for unit in found.co if not barred(case, unit.unit_id, rules)))
