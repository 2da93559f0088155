"""Refusals of campaigns, ledgers, stations and the grid's teams: status, what is so, what to do."""

from __future__ import annotations

from typing import Final

GROUND: Final[dict[str, tuple[int, str, str]]] = {
    "not_the_department": (403, "此任务交给了网格内“{unit}”的人员", "请该单位在本网格的人员反馈，或由受理员改派"),
    # campaigns
    "campaign_dates": (422, "专项的起止日期不对：{why}", "begins_on 不晚于 ends_on，且不超过 {years} 年"),
    "campaign_scope": (422, "纳入范围不对：{why}", "类别写作 event/04/10 或 event/04/*，区域在本辖区内"),
    "campaign_target": (422, "第 {n} 项目标不对：{why}", "改正该项目标后重新提交"),
    "campaign_over": (409, "专项“{title}”已结束", "需要继续的，另立专项"),
    "campaign_not_yours": (403, "专项“{title}”由 {issuer} 牵头，本级只参与", "请牵头单位调整或结束"),
    "campaign_case": (409, "案件 {no} {why}，不能纳入专项", "核对案件"),
    # ledgers
    "ledger_summary": (422, "没有写明是什么隐患或问题", "在 summary_masked 中写明，不含个人信息"),
    "ledger_grade": (422, "没有“{grade}”这一等级", "grade 请填：{known}"),
    "ledger_measure": (422, "没有写明整改措施", "在 measure_masked 中写明整改措施"),
    "ledger_due": (422, "整改期限须在今后十年之内", "在 due_at 中另选时间"),
    "ledger_state": (409, "此条台账处于“{state}”，不能{action}", "刷新后按其当前状态办理"),
    "ledger_result": (422, "整改反馈须写明结果并附照片", "填写 result_masked，先上传照片再在 media 中引用"),
    "ledger_own_work": (403, "整改人不能验收自己的整改", "请另一位有权人员验收"),
    "ledger_own_unit": (403, "责任单位不能验收本单位的整改", "请其他单位的人员验收"),
    "ledger_accept_role": (403, "“{grade}”须由{roles}验收", "请具备该岗位的人员验收"),
    "ledger_not_problem": (409, "隐患经验收即销号，不需群众确认", "无须办理"),
    "ledger_asked": (422, "群众确认至少须询问 {least} 人，满意人数不超过询问人数", "改正 asked 和 content"),
    "ledger_linked": (409, "此条台账已关联案件 {no}", "无须再次关联"),
    "ledger_unit": (403, "此条台账交办给“{unit}”", "请该单位的人员反馈"),
    "ledger_import": (422, "导入的台账有 {n} 处错误，没有写入任何一行", "先用 check=true 查看检查报告，改正后重新导入"),
    # stations
    "station_mechanism": (422, "没有“{mechanism}”这一机制", "mechanism 请填：{known}"),
    "station_day": (422, "工作日期不对：{why}", "held_on 填写今天或以前的日期"),
}
"""Key → what is answered"""
