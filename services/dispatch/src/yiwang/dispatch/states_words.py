"""The words of the table of states: states, actions, results and roles with their Chinese names."""

from __future__ import annotations

from typing import Final

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
    "force_withdraw": "撤回强制结案申请",
    "postpone_apply": "延期申请",
    "postpone_approve": "延期审批",
    "hang_apply": "挂账申请",
    "hang_approve": "挂账审批",
    "postpone_withdraw": "撤回延期申请",
    "hang_withdraw": "撤回挂账申请",
    "suspend": "挂账",
    "to_stock": "转积存",
    "resume": "恢复",
    "appeal": "申诉",
    "decide_appeal": "申诉审核",
    "appeal_withdraw": "撤回申诉",
    "reopen": "重新办理",
    "merge": "并案",
    "absorb": "接收并案",
    "link": "关联",
    "refer": "转执法",
    "add_co": "增派协办",
    "assign_co_handler": "协办指派",
    "submit_co_result": "协办反馈",
    "confirm_co": "协办确认",
    "return_co": "协办退回",
    "rework_co": "协办返工",
    "excuse_co": "协办缺席说明",
    "arrive": "到场",
    "step_done": "分步办结",
}

RESULTS: Final[dict[str, str]] = {
    "exist": "属实",
    "not_exist": "不属实",
    "unable": "无法判定",
    "pass": "通过",
    "not_pass": "不通过",
    "ok": "合格",
    "not_ok": "不合格",
    "approved": "同意",
    "rejected": "不同意",
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
    "evaluator": "考核员",
    "community_worker": "社区网格员",
    "system": "系统",
    "import": "历史导入",
}
