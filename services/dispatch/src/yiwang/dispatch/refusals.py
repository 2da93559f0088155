"""Why the state machine says no: every refusal as data (status, what is so, what to do). `errors.py` publishes them."""

from __future__ import annotations

from typing import Final, NamedTuple

from .refusals_ground import GROUND


class Refusal(NamedTuple):
    status: int
    say: str
    do: str


class Refused(Exception):
    """The action may not be done now, or not by this person, or lacks something. `key` is one of `REFUSALS`."""

    def __init__(self, key: str, **facts: object) -> None:
        self.key, self.facts = key, facts
        super().__init__(REFUSALS[key].say.format(**facts))


REFUSALS: Final[dict[str, Refusal]] = {
    # the moment and the person
    "not_now": Refusal(409, "案件处于“{state}”，不能{action}", "刷新案件，按其当前可办事项办理"),
    "not_your_role": Refusal(403, "{action}须由{roles}办理", "请具备该岗位的人员办理"),
    "outside_area": Refusal(403, "此案由 {area} 管辖，您的岗位不管辖该区域", "请管辖该区域的人员办理"),
    "outside_unit": Refusal(403, "此案派给了“{unit}”，不是您所在的单位", "请该单位办理；派错的由该单位回退"),
    "not_the_handler": Refusal(403, "此案已指派给另一位处置人员", "请该处置人员办理，或由部门重新指派"),
    "not_the_assignee": Refusal(403, "此任务已交给另一位采集员", "请该采集员反馈，或由受理员改派"),
    # what every action needs
    "result_unknown": Refusal(422, "{action}没有“{result}”这种结果", "结果请填：{known}"),
    "opinion_missing": Refusal(422, "{action}须写明意见", "在 opinion 中写明意见后重新提交"),
    "photo_missing": Refusal(422, "{action}须附至少一张照片", "先上传照片，再在 media 中引用"),
    "reason_missing": Refusal(422, "作废须选择原因代码", "在 reason_code 中填写原因代码"),
    # place and class
    "not_located": Refusal(409, "案件尚未定位，不能{action}", "先在网格服务中人工定位，或更正位置"),
    "county_unknown": Refusal(409, "不知道案件所在的区县，不能派遣到区", "先更正案件位置，或指明区县"),
    "area_malformed": Refusal(422, "{area} 不是本辖区内的区划代码", "填写本辖区内 6、9 或 12 位区划代码"),
    "not_categorised": Refusal(422, "还没有确定案件类别", "在 category 中选择大类和小类"),
    "category_unknown": Refusal(422, "现行分类标准中没有类别 {category}", "从现行分类标准中选择类别"),
    "nothing_changed": Refusal(422, "没有任何更正内容", "填写要更正的类别或位置"),
    # verification
    "not_verified": Refusal(409, "该来源的上报须先核实属实才能受理", "先送核实"),
    "task_missing": Refusal(409, "没有等待反馈的任务", "刷新案件；任务可能已改派或已完成"),
    "is_self_disposed": Refusal(409, "采集员已自行处置，须先审核", "办理“自处置审核”"),
    "not_self_disposed": Refusal(409, "此案不是采集员自行处置的", "按普通案件受理"),
    "not_trivial": Refusal(409, "“{category}”不在可自行处置的事项清单内", "审核为不合格，再按普通案件受理"),
    # filing and dispatching
    "condition_unknown": Refusal(422, "类别 {category} 没有立案条件“{condition}”", "从该类别的立案条件中选择"),
    "condition_choice": Refusal(
        422, "类别 {category} 有 {count} 个立案条件，须选定一个",
        "在 condition_id 中填写立案条件",
    ),
    "not_at_city": Refusal(409, "此案不在市级派遣环节", "由区级派遣员派遣到责任单位"),
    "not_at_district": Refusal(409, "此案不在区级派遣环节", "由市级派遣员办理"),
    "not_at_last_command": Refusal(409, "此案须先由市派遣到区", "先办理“派遣到区”"),
    "unit_unknown": Refusal(422, "单位库中没有在用的单位“{unit}”", "从单位库中选择责任单位"),
    "unit_choice": Refusal(422, "责任清单没有给出唯一的责任单位", "在 unit_id 中指明责任单位"),
    "override_reason_missing": Refusal(
        422, "责任清单给出的是“{unit}”，改派须说明理由",
        "在 overridden_reason 中写明理由",
    ),
    # handling
    "handler_missing": Refusal(422, "没有写明处置人员", "在 handler_ref 中填写处置人员"),
    "mode_missing": Refusal(422, "没有写明解决方式", "resolution_mode 填 service、manage 或 enforce"),
    "already_confirmed": Refusal(409, "部门已经确认处置结果", "等待派遣员审核"),
    "not_confirmed": Refusal(409, "部门还没有确认处置结果", "请责任单位先确认"),
    "resume_out_of_range": Refusal(422, "恢复日期须在今后 {days} 天之内", "在 resume_on 中另选日期"),
    "already_suspended_once": Refusal(409, "此案已经挂账过一次，不能再次挂账", "继续处置，或申请强制结案"),
    "extension_too_late": Refusal(409, "处置时限已过或未在计时，不能再延期", "继续处置；结案后可对超时提出申诉"),
    "extensions_used_up": Refusal(409, "此案已延期 {most} 次，不能再延期", "继续处置，或申请挂账"),
    "request_already_open": Refusal(409, "已有一份同类申请等待审批，不能再次提出{action}", "等待审批结果"),
    "request_missing": Refusal(409, "没有等待审批的申请", "刷新案件；申请可能已经审批，或随案件离开处置环节而失效"),
    "not_your_turn": Refusal(403, "此申请现由{role}审批", "请该岗位的人员审批"),
    "complained_unclear": Refusal(
        422, "上报人投诉的是“{unit}”，单位库中没有唯一的这个单位",
        "在 complained_unit 中填写单位库中的单位；不涉及库内单位的填“-”",
    ),
    "not_the_asker": Refusal(403, "申请由他人提出，只有申请人能撤回", "请申请人撤回，或由审批人审批"),
    "approver_is_asker": Refusal(403, "审批人不能是申请人", "请另一位有权人员审批"),
    "hang_by_request": Refusal(409, "本地挂账须由责任单位先提出申请", "请责任单位办理“挂账申请”"),
    "resume_passed": Refusal(409, "申请的恢复日期已过，不能再同意", "不同意此申请，由责任单位重新申请"),
    "stock_not_due": Refusal(409, "此案还没有到转为积存的日期", "等待到期，系统自动转为积存"),
    "already_referred": Refusal(409, "此案已转执法，尚无结果", "等待执法机关反馈结果"),
    "agency_missing": Refusal(422, "没有写明执法机关", "在 agency_id 中填写执法机关"),
    # shared work, arrival, what a city asks of the work
    "part_missing": Refusal(409, "没有可以这样办理的协办事项", "刷新案件，查看各协办单位的进展"),
    "part_choice": Refusal(422, "有多个协办事项：{units}", "在 assignment_id 中指明是哪一个"),
    "parts_missing": Refusal(409, "协办单位尚未完成：{units}", "等待其确认，或由主办单位说明缺席原因"),
    "part_never_missing": Refusal(409, "本地规定协办单位不得缺席", "催促协办单位办理，或请派遣员改派"),
    "unit_at_work": Refusal(409, "“{unit}”已在办理此案", "另选单位"),
    "unit_complained_of": Refusal(
        403, "此案投诉的正是“{unit}”或其上级，不得由其办理", "请派给{instead}",
    ),
    "mode_skipped": Refusal(422, "按“721”工作法，采用“{mode}”之前应先“{wanted}”", "在 mode_reason 中说明越级理由"),
    "mode_back": Refusal(422, "此前已采用“{before}”，不应退回“{mode}”", "在 mode_reason 中说明理由"),
    "matter_unknown": Refusal(422, "没有“{matter}”这一类事项", "matter 请填：{known}"),
    "already_arrived": Refusal(409, "已经登记到场", "继续处置"),
    "no_step": Refusal(409, "此案没有分步时限，或各步均已办结", "继续处置，完成后反馈"),
    "other_step": Refusal(422, "现在进行的是“{step}”这一步", "刷新案件，按顺序办理"),
    "arrival_time": Refusal(422, "到场时间须在派遣之后、此刻之前", "在 arrived_at 中改填时间"),
    "arrival_not_shown": Refusal(422, "没有到场位置", "在 point 中提供位置，或在 statement 中说明情况"),
    "point_datum": Refusal(422, "位置的坐标系 {crs} 不能与案件位置比较", "改用 cgcs2000 或 wgs84 坐标"),
    "too_far": Refusal(422, "所报位置距案件 {metres} 米，超过 {within} 米", "到达现场后再登记，或先更正案件位置"),
    # whistles
    "whistle_kind": Refusal(422, "没有“{kind}”这种哨", "kind 请填：{known}"),
    "whistle_no_units": Refusal(422, "没有指明被吹哨的单位", "在 units 中列出单位，第一个为牵头单位"),
    "whistle_state": Refusal(409, "此哨{state}，不能这样办理", "刷新后按其当前状态办理"),
    "whistle_not_called": Refusal(403, "此哨没有召集“{unit}”", "请被召集的单位办理"),
    "whistle_answered": Refusal(409, "该单位已经响应", "到场后办理“报到”"),
    "whistle_lead_absent": Refusal(409, "牵头单位尚未报到", "牵头单位到场后再办结"),
    "whistle_result_missing": Refusal(422, "没有写明处理结果", "在 result_masked 中写明结果"),
    "whistle_absent_reason": Refusal(422, "这些单位始终没有报到：{units}", "在 absent_reason 中说明原因"),
    # checking and closing
    "checker_is_handler": Refusal(403, "核查人员与处置单位是同一单位，不能自查", "请其他单位的采集员核查"),
    "task_still_open": Refusal(409, "核查任务尚未反馈，不能由值班长裁定", "等待采集员反馈，或改派核查"),
    "closing_condition_missing": Refusal(
        422, "结案须逐项确认结案条件：{missing}",
        "在 closing_condition_ids 中列出已满足的结案条件；无法满足的申请强制结案",
    ),
    "force_not_requested": Refusal(409, "还没有人申请强制结案", "先由受理员或派遣员申请"),
    "approver_is_requester": Refusal(403, "强制结案的审批人不能是申请人", "请另一位值班长或领导审批"),
    # appeals
    "appeal_not_overdue": Refusal(409, "此案没有被判定超时，不能申诉", "无须申诉"),
    "appeal_too_late": Refusal(409, "结案已超过 {days} 天，不能申诉", "无法再申诉"),
    "already_appealed": Refusal(409, "此案已经申诉过一次", "等待或查看审核结果"),
    "appeal_missing": Refusal(409, "没有等待审核的申诉", "刷新案件；申诉可能已经审核"),
    # queues
    "claimed": Refusal(
        409, "此案已由{role} {person} 认领，{until} 前由其办理", "等待其办理或释放；急需办理的，请值班长接管"
    ),
    "not_in_queue": Refusal(409, "此案不在“{queue}”队列中", "刷新队列"),
    "nothing_waits": Refusal(409, "此案没有待办事项，无须认领", "刷新队列"),
    # other cases
    "other_missing": Refusal(404, "没有案件“{no}”，或您无权查看", "核对另一案件的编号"),
    "other_itself": Refusal(422, "不能与案件自身并案或关联", "填写另一案件的编号"),
    "main_finished": Refusal(409, "另一案件已经办结或作废", "并入在办案件；已办结的可以关联为反弹"),
    "other_reporters": Refusal(409, "两案由不同平台受理，上报人无法一并回访", "改用关联"),
    "has_merged": Refusal(409, "已有案件并入此案，此案不能再并入其他案件", "把另一案件并入此案"),
    "already_linked": Refusal(409, "两案已经关联", "无须再次关联"),
    # reopening
    "never_handled": Refusal(409, "此案没有经责任单位处置，不能重新办理", "问题仍在的，请重新上报"),
    # custody
    "moved_away": Refusal(409, "此案已移交 {node} 办理，本级只能查看", "请 {node} 办理；需要催办的，下达督办指令"),
    "not_custodian": Refusal(409, "此案由 {node} 主办，本级只能查看", "请 {node} 办理；需要催办的，下达督办指令"),
    "offer_open": Refusal(409, "此案正在移交 {node}，对方尚未接收", "等待对方接收，或先撤回移交"),
    "offer_missing": Refusal(409, "此案没有等待接收的移交", "刷新案件"),
    "offer_not_open": Refusal(409, "这次移交{state}，不能再答复", "刷新移交列表"),
    "directive_not_above": Refusal(403, "{issuer} 不是上级，不能对本级案件下达指令", "由上级平台下达"),
    "directive_not_below": Refusal(409, "此案由 {node} 主办，不在本级之下，不能下达指令", "请共同的上级下达指令"),
    "directive_own": Refusal(409, "此案就在本级，不用下达指令", "直接办理，或使用移交"),
    "directive_unknown": Refusal(422, "本级不认识指令“{action}”", "升级本级平台，或改用督办"),
    "directive_role": Refusal(403, "{action}指令须由督查员或领导下达", "由有权的人员重新下达"),
    "directive_expired": Refusal(409, "指令已于 {at} 到期", "需要时重新下达"),
    "directive_no_case": Refusal(404, "{node} 没有这个案件", "核对案件后向其主办平台下达"),
    "directive_moved": Refusal(409, "此案已移交 {node}", "向 {node} 下达"),
    "directive_finished": Refusal(409, "案件已经办结", "需要重新办理的，由回访或申诉程序处理"),
    "directive_stale": Refusal(409, "案件已有新进展：现为第 {now} 版，指令依据第 {seen} 版", "查看最新情况后重新下达"),
    "directive_dates": Refusal(422, "指令的到期时间和回复期限须在今后", "在 expires_at 和 reply_due 中另选时间"),
    "supervision_missing": Refusal(409, "没有等待回复的督办", "刷新案件；督办可能已经回复"),
    "handover_finished": Refusal(409, "案件已经办结，不能移交", "需要重新办理的，由回访或申诉程序处理"),
    "handover_nowhere": Refusal(409, "{area} 没有可以接收案件的平台，或就在本级", "由本级继续办理，或另选移交区域"),
    # campaigns, ledgers, stations, the grid's teams
    **{key: Refusal(*answer) for key, answer in GROUND.items()},
}  # fmt: skip
