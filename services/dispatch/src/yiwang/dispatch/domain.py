"""The transition function: a case, an action and the city's rules give the next case, its events and its record.

Pure: time comes in with the act, ids derive from the case and its version. The table of `states` decides what is
possible, `guards` refuse, `effects` do; this module only puts them together.
"""

from __future__ import annotations

from .acts import Act
from .case import Case
from .draft import Draft, Record, Step, record_of
from .effects import EFFECTS
from .guards import CONDITIONS, GUARDS
from .refusals import Refused
from .requests import lapse
from .rules import Rules
from .states import ACTIONS, BY_MOVE, RESULTS, STATES, Row, role_names, rows_for

__all__ = ["Draft", "Record", "Step", "check", "choose", "finish", "step"]


def check(case: Case, act: Act, rules: Rules) -> Draft:
    """Whether *act* may be done to *case* by somebody in its role: the draft to go on with.

    Raises Refused with the reason when the table has no such possibility for the role, when a guard says no, or when
    the opinion is missing. Whether the person's area and unit fit is `authority`'s question.
    """
    draft = Draft(case, act, rules, row := choose(case, act, rules))
    if row.opinion and not act.body.opinion.strip():
        raise Refused("opinion_missing", action=ACTIONS[act.action])
    for name in row.guards:
        GUARDS[name](draft)
    return draft


def step(case: Case, act: Act, rules: Rules) -> Step:
    """What *act* does to *case* under *rules*. Raises Refused as `check` does."""
    return finish(check(case, act, rules))


def finish(draft: Draft) -> Step:
    """What follows from a *draft* that `check` let pass."""
    act = draft.act
    EFFECTS[act.action](draft, act.body)
    lapse(draft.case)
    return Step(draft.case, tuple(draft.events), record_of(draft))


def choose(case: Case, act: Act, rules: Rules) -> Row:
    """The row of the table that *act* follows. Raises Refused."""
    rows = BY_MOVE.get((case.state, act.action, act.result))
    if rows is None:
        raise _impossible(case, act)
    for row in rows:
        if row.when and not CONDITIONS[row.when](case, act, rules):
            continue
        if act.role not in row.roles:
            raise Refused("not_your_role", action=ACTIONS[act.action], roles=role_names(row.roles))
        return row
    raise _impossible(case, act)


def _impossible(case: Case, act: Act) -> Refused:
    known = [RESULTS[row.result] + f"（{row.result}）" for row in rows_for(case.state, act.action) if row.result]
    if known:
        return Refused(
            "result_unknown", action=ACTIONS[act.action], result=act.result, known="、".join(dict.fromkeys(known))
        )
    return Refused("not_now", state=STATES[case.state], action=ACTIONS.get(act.action, act.action))
