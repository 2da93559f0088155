"""三事分流、急缓分流: what kind of matter a report is and how urgent, proposed by rules and put right by the acceptor. Pure.

Kinds as Jiangmen sorts them: 大事政府快办, 小事多方协商, 私事自己办 (domain notes 9); codes and rules are data.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from . import complaints
from .acts import AcceptBody, Body
from .case import Case
from .draft import Draft
from .practice import Triage
from .refusals import Refused
from .rules import Rules

URGENT = "urgent"
NO_UNIT: Final = "-"
"""What the acceptor writes where somebody is complained of who belongs to no registered unit"""


class Proposal(NamedTuple):
    """What the rules say; empty where none speaks."""

    matter: str = ""
    urgency: str = ""
    rule_id: str = ""


NOTHING: Final = Proposal()


def proposed(case: Case, rules: Rules) -> Proposal:
    """The first rule that names a kind gives it, the first that names an urgency gives that."""
    kind: Triage | None = None
    pace: Triage | None = None
    for rule in _covering(case, rules):
        first_kind, first_pace = kind is None and rule.matter, pace is None and rule.urgency
        if (first_kind or first_pace) and _speaks(rule, case.description_masked):
            kind, pace = rule if first_kind else kind, rule if first_pace else pace
    if kind is None and pace is None:
        return NOTHING
    ids = dict.fromkeys(r.rule_id for r in (kind, pace) if r is not None)
    return Proposal(kind.matter if kind else "", pace.urgency if pace else "", "、".join(ids))


def _speaks(rule: Triage, text: str) -> bool:
    return not rule.keywords or any(word in text for word in rule.keywords)


def _covering(case: Case, rules: Rules) -> tuple[Triage, ...]:
    """The rules whose channels, classes, areas and natures have *case*, in their order."""
    every = rules.practice.triage
    if not every:
        return ()
    where = (case.channel.code, case.category.key if case.category else "", case.area, case.nature)
    return rules.once(("triage", *where), lambda: tuple(rule for rule in every if rule.scope.covers(*where)))


def by_hand(case: Case, rules: Rules) -> bool:
    """Whether a person must look at this kind of matter, whatever the automatic steps say."""
    if complaints.unclear(case, rules):
        return True
    if not any(one.by_hand for one in rules.practice.matters):
        return False
    matter = rules.practice.matter(case.matter or proposed(case, rules).matter)
    return matter is not None and matter.by_hand


def decide(d: Draft, body: Body) -> dict[str, Any]:
    """Put kind, urgency and the unit complained of on the case; what the event says about that."""
    case = d.case
    rule = proposed(case, d.rules)
    own = body if isinstance(body, AcceptBody) else AcceptBody()
    case.matter = own.matter or rule.matter
    case.urgency = own.urgency or rule.urgency or case.urgency
    case.complained_unit = "" if own.complained_unit == NO_UNIT else own.complained_unit or case.complained_unit
    otherwise = (own.matter, own.urgency) != ("", "") and (
        own.matter not in ("", rule.matter) or (rule.urgency != "" and own.urgency not in ("", rule.urgency))
    )
    return {
        "matter": case.matter,
        "triage_rule": rule.rule_id,
        "triage_corrected": otherwise and bool(rule.rule_id),
        "complained_unit": case.complained_unit,
    }


def matter_known(d: Draft) -> None:
    """The acceptor's words are the city's own."""
    body = d.act.body
    if not isinstance(body, AcceptBody):
        return
    if body.matter and d.rules.practice.matter(body.matter) is None:
        known = "、".join(f"{m.code}（{m.name}）" for m in d.rules.practice.matters) or "（未设置）"
        raise Refused("matter_unknown", matter=body.matter, known=known)
    if body.complained_unit:
        if body.complained_unit != NO_UNIT:
            d.rules.unit(body.complained_unit)
    elif complaints.unclear(d.case, d.rules):
        raise Refused("complained_unclear", unit=d.case.complained_unit)
