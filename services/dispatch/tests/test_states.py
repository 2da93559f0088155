"""The table of states: complete, consistent, and the same as the page in the docs."""

from __future__ import annotations

import itertools
from pathlib import Path

import msgspec
import pytest
from yiwang.contracts import Actor, registry
from yiwang.dispatch.acts import BODIES, Act
from yiwang.dispatch.domain import choose, step
from yiwang.dispatch.effects import EFFECTS
from yiwang.dispatch.guards import CONDITIONS, GUARDS
from yiwang.dispatch.refusals import REFUSALS, Refused
from yiwang.dispatch.states import ACTIONS, FINAL, RESULTS, ROLE_NAMES, STATES, TABLE, Row, rows_for, table_markdown
from yiwang.dispatch.testing import some_case, some_rules

PAGE = Path(__file__).parents[3] / "docs" / "case-states.md"


def test_the_page_in_the_docs_is_the_table() -> None:
    """`make docs` writes docs/case-states.md from the table; nobody edits it."""
    assert table_markdown() == PAGE.read_text("utf-8")


@pytest.mark.parametrize("row", TABLE, ids=lambda r: f"{r.state or 'new'}-{r.action}-{r.result}-{r.to}")
def test_every_row_speaks_the_vocabulary(row) -> None:
    """States, actions, roles, results, events, guards and conditions of a row all exist."""
    assert row.to in STATES
    assert row.state in STATES or row.action == "report"
    assert row.action in ACTIONS
    assert row.roles
    assert set(row.roles) <= set(ROLE_NAMES)
    assert not row.result or row.result in RESULTS
    assert all(f"{name}.v1" in registry() for name in row.emits)
    assert set(row.guards) <= set(GUARDS)
    assert not row.when or row.when in CONDITIONS


def test_every_action_has_a_body_and_an_effect() -> None:
    """What the table names can be handed in and done."""
    actions = {row.action for row in TABLE} - {"report"}
    assert actions == set(BODIES) == set(EFFECTS) == set(ACTIONS) - {"report"}


def test_a_finished_case_is_left_by_reopening_only() -> None:
    """Voided is the end; closed stays closed through an appeal, and a new round goes to the unit again."""
    assert {(row.state, row.action, row.to) for row in TABLE if row.state in FINAL} == {
        ("closed", "appeal", "closed"), ("closed", "decide_appeal", "closed"), ("closed", "reopen", "dispatched"),
        ("closed", "link", "closed"), ("closed", "appeal_withdraw", "closed"),
    }  # fmt: skip


def test_every_state_is_reached_and_left() -> None:
    """No state is a dead end, none is out of reach."""
    assert {row.to for row in TABLE} == set(STATES)
    assert {row.state for row in TABLE} - {""} == set(STATES) - {"voided"}


def test_a_condition_is_followed_by_the_row_for_otherwise() -> None:
    """Of rows that a condition tells apart, the last holds always."""
    for _, rows in itertools.groupby(TABLE, key=lambda r: (r.state, r.action, r.result)):
        *before, last = list(rows)
        assert all(row.when for row in before)
        assert not last.when


def _body(action: str, result: str):
    fields = {"opinion": "有理由"}
    if "result" in BODIES[action].__struct_fields__:
        fields["result"] = result
    required = [f for f in msgspec.structs.fields(BODIES[action]) if f.required and f.name != "result"]
    for field in required:
        fields[field.name] = "2026-12-01T00:00:00+08:00" if field.name == "resume_on" else "service"
    return msgspec.convert(fields, BODIES[action])


def _choice(case, act, rules) -> Row | Refused:
    try:
        return choose(case, act, rules)
    except Refused as refused:
        return refused


TRIPLES = [
    (state, action, role)
    for state in STATES
    for action in sorted(BODIES)
    for role in sorted(ROLE_NAMES)
]


@pytest.mark.parametrize("state", STATES)
def test_every_action_of_every_role_is_in_the_table_or_refused_with_a_sentence(state: str) -> None:
    """(state, action, role) outside the table is refused as such; inside it is never refused for the role."""
    rules = some_rules()
    for _, action, role in (t for t in TRIPLES if t[0] == state):
        rows = rows_for(state, action)
        for result in sorted({row.result for row in rows} or {""}):
            case = msgspec.structs.replace(some_case(), state=state)
            act = Act(action=action, role=role, at=case.created_at, body=_body(action, result), by=Actor(role=role))
            allowed = any(role in row.roles for row in rows if row.result == result)
            answer = _choice(case, act, rules)
            if allowed:
                assert isinstance(answer, Row), f"{role} may not {action} in {state}: {answer}"
                assert role in answer.roles
            else:
                assert isinstance(answer, Refused), f"{role} did {action} in {state}"
                assert answer.key in REFUSALS
                assert "{" not in str(answer)


def test_a_missing_opinion_is_refused() -> None:
    """Returns, voids and the like want words."""
    case = some_case()
    body = msgspec.convert({"reason_code": "x", "opinion": "  "}, BODIES["void"])
    with pytest.raises(Refused) as refused:
        step(case, Act(action="void", role="acceptor", at=case.created_at, body=body), some_rules())

    assert refused.value.key == "opinion_missing"


@pytest.mark.parametrize("action", sorted(BODIES))
def test_a_body_with_an_unknown_field_is_refused_rather_than_half_understood(action: str) -> None:
    """`opinon` instead of `opinion` must not pass silently."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"opinon": "x"}, BODIES[action])
