"""The life of a case as one table that can be printed: state, action, who, what follows, and why where it is odd.

Built from the state machine of the digital city-management practice (domain notes, case management, 1.4 and 1.5).
Each row is one possibility. Rows of the same (state, action, result) are told apart by `when`; the first that fits is
taken. `guards` refuse with a sentence; `opinion` means that the actor must write one.
"""

from __future__ import annotations

from typing import Final, NamedTuple

COLLECTOR, ACCEPTOR, SHIFT_LEADER, DISPATCHER = "collector", "acceptor", "shift_leader", "dispatcher"
DEPT, HANDLER, LEADER = "dept_operator", "handler", "leader"
SYSTEM: Final = "system"
"""The service itself: a rule of the profile, or a timer."""
IMPORT: Final = "import"
"""Brings in what another system already recorded: history is told, nobody acts on it again."""

STATES: Final[dict[str, str]] = {
    "reported": "待受理",
    "verifying": "核实中",
    "accepted": "待立案",
    "filed": "待派遣",
    "dispatched": "待处置",
    "handling": "处置中",
    "feedback": "处置反馈",
    "checking": "核查中",
    "closing": "待结案",
    "closed": "已结案",
    "voided": "已作废",
    "suspended": "挂账",
}
FINAL: Final = frozenset({"closed", "voided"})

ACTIONS: Final[dict[str, str]] = {
    "report": "上报",
    "correct": "更正",
    "send_verify": "送核实",
    "verify_result": "核实反馈",
    "accept": "受理",
    "audit_self_disposed": "自处置审核",
    "void": "作废",
    "file": "立案",
    "dispatch_down": "派遣到区",
    "dispatch": "派遣",
    "return_to_city": "区退回市",
    "return_to_acceptor": "退回受理",
    "dept_return": "部门回退",
    "assign_handler": "指派处置人员",
    "handler_return": "处置人员退回",
    "submit_result": "提交处置结果",
    "dept_send_back": "部门退回补办",
    "dept_confirm": "部门确认",
    "dispatcher_reject": "返工",
    "pass": "反馈通过",
    "send_check": "改派核查",
    "check_result": "核查反馈",
    "decide_check": "值班长裁定核查",
    "close": "结案",
    "request_force_close": "申请强制结案",
    "force_close": "强制结案",
    "suspend": "挂账",
    "resume": "恢复",
    "refer": "转执法",
}

RESULTS: Final[dict[str, str]] = {
    "exist": "属实",
    "not_exist": "不属实",
    "unable": "无法判定",
    "pass": "通过",
    "not_pass": "不通过",
    "ok": "合格",
    "not_ok": "不合格",
}


ROLE_NAMES: Final[dict[str, str]] = {
    "collector": "信息采集员",
    "acceptor": "受理员",
    "shift_leader": "值班长",
    "dispatcher": "派遣员",
    "dept_operator": "专业部门",
    "handler": "处置人员",
    "leader": "领导",
    "supervisor": "督查员",
    "system": "系统",
    "import": "历史导入",
}


class Row(NamedTuple):
    """One possibility in the life of a case."""

    state: str
    action: str
    roles: tuple[str, ...]
    to: str
    emits: tuple[str, ...]
    """Wire names without the version, in order; each is one version of the case"""
    result: str = ""
    when: str = ""
    guards: tuple[str, ...] = ()
    opinion: bool = False
    why: str = ""


def _suspend(state: str) -> Row:
    return Row(
        state, "suspend", (DISPATCHER, LEADER), "suspended", ("case.suspended",), opinion=True,
        guards=("resume_within_limit", "first_suspension"), why="engineering or season: granted once, to a date",
    )  # fmt: skip


def _void(state: str, who: tuple[str, ...], why: str = "") -> Row:
    return Row(state, "void", who, "voided", ("case.voided",), opinion=True, guards=("reason_given",), why=why)


def _correct(state: str, who: tuple[str, ...], why: str = "") -> Row:
    return Row(state, "correct", who, state, ("case.corrected",), guards=("something_changed",), why=why)


def _not_pass(action: str, role: str, guards: tuple[str, ...]) -> Row:
    return Row(
        "checking", action, (role,), "dispatched", ("case.checked", "case.reworked"), result="not_pass", opinion=True,
        guards=guards, why="rework by the same unit, all material kept",
    )  # fmt: skip


_CHECK: Final = ("task_open", "checker_not_handler")

TABLE: Final[tuple[Row, ...]] = (
    Row("", "report", (COLLECTOR, SYSTEM, IMPORT), "reported", ("case.reported",), why="version 1 is intake's"),
    # 受理
    _correct("reported", (ACCEPTOR, SHIFT_LEADER, SYSTEM), "the system: a person resolved the place in the grid"),
    Row("reported", "send_verify", (ACCEPTOR, SYSTEM), "verifying", ("case.verify_requested",), guards=("located",)),
    Row(
        "reported", "accept", (ACCEPTOR, SYSTEM, IMPORT), "accepted", ("case.accepted",),
        guards=("located", "categorised", "verified_if_must", "not_self_disposed"),
    ),
    _void("reported", (ACCEPTOR, SHIFT_LEADER)),
    Row(
        "reported", "audit_self_disposed", (ACCEPTOR,), "closed", ("case.closed",), result="ok",
        guards=("self_disposed", "trivial"), why="a trivial matter mended on the spot; counted apart from all other indicators",
    ),
    Row(
        "reported", "audit_self_disposed", (ACCEPTOR,), "reported", ("case.corrected",), result="not_ok", opinion=True,
        guards=("self_disposed",), why="not mended: it goes the ordinary way",
    ),
    # 核实
    Row(
        "verifying", "send_verify", (ACCEPTOR,), "verifying", ("case.verify_requested",),
        why="another inspector; the earlier task ends",
    ),
    Row(
        "verifying", "verify_result", (COLLECTOR,), "accepted", ("case.verified", "case.accepted"), result="exist",
        when="categorised", guards=("task_open", "photo"),
    ),
    Row(
        "verifying", "verify_result", (COLLECTOR,), "reported", ("case.verified",), result="exist",
        guards=("task_open", "photo"), why="it exists, but the acceptor must first say what it is",
    ),
    Row(
        "verifying", "verify_result", (COLLECTOR,), "voided", ("case.verified", "case.voided"), result="not_exist",
        when="void_by_rule", guards=("task_open",), opinion=True, why="the city lets an unfounded report end here",
    ),
    Row(
        "verifying", "verify_result", (COLLECTOR,), "reported", ("case.verified",), result="not_exist",
        guards=("task_open",), opinion=True, why="the acceptor decides whether it is void",
    ),
    Row(
        "verifying", "verify_result", (COLLECTOR,), "reported", ("case.verified",), result="unable",
        guards=("task_open",), opinion=True, why="back to the acceptor's queue",
    ),
    # 立案
    _correct("accepted", (ACCEPTOR, SHIFT_LEADER)),
    _void("accepted", (ACCEPTOR, SHIFT_LEADER)),
    Row(
        "accepted", "file", (ACCEPTOR, SHIFT_LEADER, SYSTEM, IMPORT), "filed", ("case.filed",),
        guards=("condition_known",), why="the number is given here; filed again, a case keeps it",
    ),
    # 派遣
    Row(
        "filed", "dispatch_down", (DISPATCHER, SYSTEM), "filed", ("case.dispatched",),
        guards=("at_city", "county_known"),
        why="two commands: the city sends to the district, the district to the unit",
    ),
    Row(
        "filed", "dispatch", (DISPATCHER, SYSTEM, IMPORT), "dispatched", ("case.dispatched",),
        guards=("at_last_command", "unit_known"),
    ),
    Row(
        "filed", "return_to_city", (DISPATCHER,), "filed", ("case.returned",), opinion=True, guards=("at_district",),
        why="the district says that it isn't its matter",
    ),
    Row(
        "filed", "return_to_acceptor", (DISPATCHER,), "accepted", ("case.returned",), opinion=True,
        why="not a matter of city management, or filed wrongly",
    ),
    _void("filed", (SHIFT_LEADER,), "a number once given stays used"),
    # 处置
    Row(
        "dispatched", "dept_return", (DEPT,), "filed", ("case.returned",), opinion=True,
        why="wrong unit: the dispatcher may dispatch again or return to the acceptor, not push on to closing",
    ),
    Row("dispatched", "assign_handler", (DEPT,), "handling", ("case.handling_started",), guards=("handler_named",)),
    _suspend("dispatched"),
    Row(
        "dispatched", "dept_confirm", (IMPORT,), "feedback", ("case.handling_confirmed",),
        why="history doesn't name the handler; nobody is invented",
    ),
    Row(
        "handling", "assign_handler", (DEPT,), "handling", ("case.handling_started",), guards=("handler_named",),
        why="another handler takes over",
    ),
    Row(
        "handling", "handler_return", (HANDLER,), "dispatched", ("case.returned",), opinion=True,
        why="before the result only",
    ),
    Row(
        "handling", "submit_result", (HANDLER, DEPT), "feedback", ("case.handled",), guards=("photo", "mode_given"),
        why="the clock still runs",
    ),
    Row(
        "handling", "refer", (DEPT, DISPATCHER), "handling", ("case.referred_to_enforcement",), opinion=True,
        guards=("not_referred", "agency_named"), why="a clue for enforcement; the case stays, its clock runs",
    ),
    _suspend("handling"),
    # 反馈
    Row("feedback", "dept_send_back", (DEPT,), "handling", ("case.returned",), opinion=True, guards=("not_confirmed",)),
    Row(
        "feedback", "dept_confirm", (DEPT,), "feedback", ("case.handling_confirmed",), guards=("not_confirmed",),
        why="this instant ends the disposal clock; an end at the very deadline is on time",
    ),
    Row(
        "feedback", "dispatcher_reject", (DISPATCHER,), "dispatched", ("case.reworked",), opinion=True,
        guards=("confirmed",), why="rework by the same unit, all material kept",
    ),
    Row("feedback", "pass", (DISPATCHER,), "checking", ("case.check_requested",), guards=("confirmed",)),
    Row(
        "feedback", "close", (IMPORT,), "closed", ("case.closed",),
        why="history doesn't tell the check; nobody is invented",
    ),
    # 核查
    Row(
        "checking", "send_check", (ACCEPTOR, SHIFT_LEADER), "checking", ("case.check_requested",),
        why="another inspector; the earlier task ends",
    ),
    Row(
        "checking", "check_result", (COLLECTOR,), "closing", ("case.checked",), result="pass",
        guards=(*_CHECK, "photo"),
    ),
    _not_pass("check_result", COLLECTOR, _CHECK),
    Row(
        "checking", "check_result", (COLLECTOR,), "checking", ("case.checked", "case.check_requested"), result="unable",
        when="may_check_again", guards=_CHECK, opinion=True, why="a new task for another look",
    ),
    Row(
        "checking", "check_result", (COLLECTOR,), "checking", ("case.checked",), result="unable", guards=_CHECK,
        opinion=True, why="looked often enough: the shift leader decides",
    ),
    Row(
        "checking", "decide_check", (SHIFT_LEADER,), "closing", ("case.checked",), result="pass",
        guards=("no_task_left",), opinion=True, why="the inspectors couldn't tell",
    ),
    _not_pass("decide_check", SHIFT_LEADER, ("no_task_left",)),
    # 结案
    Row("closing", "close", (ACCEPTOR, SHIFT_LEADER), "closed", ("case.closed",), guards=("closing_condition_met",)),
    Row(
        "closing", "request_force_close", (ACCEPTOR, DISPATCHER), "closing", (), opinion=True,
        why="a request changes nothing by itself, so it is no event; it stands in the history",
    ),
    Row(
        "closing", "force_close", (SHIFT_LEADER, LEADER), "closed", ("case.closed",), opinion=True,
        guards=("force_requested", "approver_not_requester"), why="archived as special (archive type 4)",
    ),
    # 挂账
    Row(
        "suspended", "resume", (DISPATCHER, LEADER, SYSTEM), "dispatched", ("case.resumed",),
        when="came_from_dispatched",
        why="the system: the date has come",
    ),
    Row(
        "suspended", "resume", (DISPATCHER, LEADER, SYSTEM), "handling", ("case.resumed",),
        why="the system: the date has come",
    ),
)  # fmt: skip

BY_MOVE: Final[dict[tuple[str, str, str], tuple[Row, ...]]] = {}
for _row in TABLE:
    _key = (_row.state, _row.action, _row.result)
    BY_MOVE[_key] = (*BY_MOVE.get(_key, ()), _row)


def role_names(roles: tuple[str, ...]) -> str:
    """The roles in Chinese, people before machines."""
    return "、".join(ROLE_NAMES[role] for role in roles if role not in ("system", "import")) or "系统"


def rows_for(state: str, action: str) -> tuple[Row, ...]:
    """Every row of *action* in *state*, in the table's order."""
    return tuple(row for row in TABLE if row.state == state and row.action == action)


def table_markdown() -> str:
    """The table as the page `docs/case-states.md` shows it."""
    lines = [
        "# The states of a case",
        "",
        "Generated from `yiwang.dispatch.states`; a test compares. Each row is one possibility; of rows with the same",
        "state, action and result the first whose condition holds is taken. `*` at the opinion: it must be written.",
        "Beside the table stand two alarms, `case.deadline_warned` and `case.overdue`, that change no state.",
        "",
        "| state | action | result | condition | who | next | events | guards | opinion | why |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in TABLE:
        cells = (
            f"{row.state} {STATES[row.state]}" if row.state else "–",
            f"{row.action} {ACTIONS[row.action]}",
            f"{row.result} {RESULTS[row.result]}" if row.result else "",
            row.when,
            ", ".join(row.roles),
            f"{row.to} {STATES[row.to]}",
            ", ".join(row.emits),
            ", ".join(row.guards),
            "*" if row.opinion else "",
            row.why,
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
