"""Limits in several steps (分步时限): stop building in hours, fine in days, pull down in weeks; each in its turn."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from yiwang.contracts import Actor, CaseStepDone, MediaRef
from yiwang.dispatch.acts import BODIES, Act
from yiwang.dispatch.case import STEP, Case
from yiwang.dispatch.codes import Codes, Condition, LimitStep
from yiwang.dispatch.domain import Step, step
from yiwang.dispatch.profile import BadProfile, load_profile
from yiwang.dispatch.refusals import Refused
from yiwang.dispatch.replay import follow
from yiwang.dispatch.testing import BY_HAND, LITTER, MONDAY, some_case, some_rules
from yiwang.dispatch.views import detail

PHOTO = MediaRef(media_id="m", sha256="a" * 64, size=1, mime="image/jpeg", stage="after", home_node="440300")
PROFILES = Path(__file__).parents[3] / "deploy" / "profiles"
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
STEPS = (
    LimitStep(name="停工", limit=4, unit_kind="urgent_hour"),
    LimitStep(name="处罚", limit=7, unit_kind="natural_day"),
    LimitStep(name="拆除", limit=20, unit_kind="natural_day"),
)


def building_rules() -> Any:
    """A city where litter's only condition has three steps beside its whole limit of 31 days."""
    base = some_rules(auto=BY_HAND)
    one = Condition(
        condition_id="c1", version="1", code_set=LITTER.code_set, kind=LITTER.kind, major=LITTER.major, minor=LITTER.minor,
        text="私搭乱建", limit=31, unit_kind="natural_day", steps=STEPS,
    )  # fmt: skip
    codes = Codes([base.codes.sets["t"]], list(base.codes.categories.values()), [one])
    return some_rules(auto=BY_HAND, codes=codes)


def act(case: Case, rules: Any, role: str, action: str, at: dt.datetime = MONDAY, **fields: Any) -> Step:
    kind: Any = BODIES[action]
    given = {k: v for k, v in ({"opinion": "说明", "media": (PHOTO,)} | fields).items() if k in kind.__struct_fields__}
    by = Actor(person_ref=f"p-{role}", role=role, unit_id="sanitation")
    return step(case, Act(action=action, role=role, at=at, body=kind(**given), by=by, number="4403"), rules)


def given_to_its_unit(rules: Any) -> Case:
    """Accepted, filed and dispatched on Monday morning."""
    case = act(some_case(), rules, "acceptor", "accept").case
    case = act(case, rules, "acceptor", "file").case
    return act(case, rules, "dispatcher", "dispatch").case


def due(case: Case) -> tuple[str, dt.datetime]:
    clock = case.clock(STEP)
    assert clock is not None
    return clock.clock.step, clock.clock.due_at


def test_each_step_has_its_own_limit_and_begins_when_the_one_before_is_done() -> None:
    """A late step is told late, and the next one has its whole time; the case is judged by its whole limit."""
    rules = building_rules()
    case = given_to_its_unit(rules)
    assert due(case) == ("停工", MONDAY + 4 * HOUR)
    flow, told = list[Any](), list[CaseStepDone]()
    for at, role in ((MONDAY + 3 * HOUR, "handler"), (MONDAY + 10 * DAY, "dept_operator")):
        done = act(case, rules, role, "step_done", at)
        case, flow = done.case, [*flow, done.record]
        told += [event for event in done.events if isinstance(event, CaseStepDone)]
    assert [(one.step, one.timeliness, one.next_step) for one in told] == [
        ("停工", "on_time", "处罚"), ("处罚", "overdue", "拆除"),
    ]  # fmt: skip
    assert due(case) == ("拆除", MONDAY + 30 * DAY)

    shown = detail(case, flow, rules, MONDAY + 11 * DAY)
    assert [(one.name, one.state) for one in shown.steps] == [("停工", "done"), ("处罚", "done"), ("拆除", "running")]
    assert [clock.stage_name for clock in shown.clocks if clock.stage == STEP][-1] == "分步·拆除"

    last = act(case, rules, "handler", "step_done", MONDAY + 12 * DAY, step="拆除").case
    assert last.clock(STEP) is None
    with pytest.raises(Refused) as refused:
        act(last, rules, "handler", "step_done", MONDAY + 12 * DAY)
    assert refused.value.key == "no_step"


def test_nobody_skips_a_step_and_a_case_that_stands_lets_its_step_stand() -> None:
    rules = building_rules()
    case = given_to_its_unit(rules)
    with pytest.raises(Refused, match="停工"):
        act(case, rules, "handler", "step_done", step="拆除")
    hung = act(case, rules, "dispatcher", "suspend", resume_on=MONDAY + 2 * DAY).case
    standing = hung.clock(STEP)
    assert standing is not None
    assert not standing.running
    again = act(hung, rules, "dispatcher", "resume", MONDAY + DAY).case
    assert due(again) == ("停工", MONDAY + DAY + 4 * HOUR)


def test_the_work_done_ends_the_step_that_was_left_open() -> None:
    """When the unit's result is confirmed no step's time runs on."""
    rules = building_rules()
    case = act(given_to_its_unit(rules), rules, "dept_operator", "assign_handler", handler_ref="p-handler").case
    case = act(case, rules, "handler", "submit_result", MONDAY + HOUR, resolution_mode="manage").case
    case = act(case, rules, "dept_operator", "dept_confirm", MONDAY + HOUR).case
    assert case.clock(STEP) is None


def test_a_case_without_steps_is_as_before() -> None:
    case = given_to_its_unit(some_rules(auto=BY_HAND))
    assert case.clock(STEP) is None
    with pytest.raises(Refused) as refused:
        act(case, some_rules(auto=BY_HAND), "handler", "step_done")
    assert refused.value.key == "no_step"


def test_the_steps_are_told_again_by_the_events() -> None:
    """A case recovered from its events has the same running step as the one that was kept."""
    rules = building_rules()
    case = given_to_its_unit(rules)
    done = act(case, rules, "handler", "step_done", MONDAY + HOUR)
    replayed = case
    for event in done.events:
        replayed = follow(replayed, event, rules.two_commands)
    assert due(replayed) == due(done.case)


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ("停工 4 work_hour|处罚 7 work_day|拆除 20 work_day", ""),
        ("停工4小时", "is no step"),
        ("停工 0 work_hour", "is no step"),
        ("停工 4 fortnight", "is no step"),
        ("停工 4 work_hour|停工 7 work_day", "stands there twice"),
    ],
)
def test_steps_are_a_column_of_the_conditions(tmp_path: Path, steps: str, says: str) -> None:
    """The column may be left out; what can't be read is a mistake with its line."""
    city = tmp_path / "city"
    shutil.copytree(PROFILES / "shenzhen", city)
    file = city / "dispatch" / "conditions.csv"
    head, first, *rest = file.read_text("utf-8").splitlines()
    file.write_text("\n".join([f"{head},steps", f"{first},{steps}", *(f"{line}," for line in rest)]) + "\n", "utf-8")
    if says:
        with pytest.raises(BadProfile, match=says):
            load_profile(city)
        return
    rules = load_profile(city).rules
    condition = rules.codes.condition(first.split(",")[0])
    assert condition is not None
    kinds = ("work_hour", "work_day", "work_day")
    assert condition.steps == tuple(replace(one, unit_kind=kind) for one, kind in zip(STEPS, kinds, strict=True))
