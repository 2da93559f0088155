"""The counters of a case: their names, their meaning, to whom each is attributed and at which step it happens. Data.

The names and the exact meaning are those of a production system as read from its code (domain notes, case management,
5.1). Each counter is a number of one case, mostly 0 or 1; everything else (rates, scores) is recomputed from sums.
"""

from __future__ import annotations

from typing import Final, NamedTuple

REPORTED, DISPOSAL, CLOSING = "reported", "disposal", "closing"
"""Groups of counters, for attribution: by default the place's, the unit's and the custodian's."""
REPORT, VERIFY, ACCEPT, FILE, DISPATCH, DISPOSE, CHECK, CLOSE, VISIT, SHARE, CALL = (
    "report", "verify", "accept", "file", "dispatch", "dispose", "check", "close", "visit", "share", "call",
)  # fmt: skip
"""Steps: who took the step answers for the counter as a person and a post, and its moment may give the period."""


class CounterDef(NamedTuple):
    """One counter."""

    name: str
    title: str
    group: str
    step: str
    when: str
    """When a case counts 1 (or how much), in Chinese: shown beside every figure"""


def _rows(group: str, step: str, text: str) -> list[CounterDef]:
    rows = []
    for line in text.strip().splitlines():
        name, title, when = (cell.strip() for cell in line.split("|"))
        rows.append(CounterDef(name, title, group, step, when))
    return rows


COUNTERS: Final[tuple[CounterDef, ...]] = (
    *_rows(REPORTED, REPORT, """
        report_num | 上报数 | 每个案件（自处置除外）
        patrol_report | 采集上报数 | 来源为采集类渠道
        public_report | 公众举报数 | 来源不是采集类渠道
        duplicate_num | 重复案件数 | 已并入其他案件
        recurrence_num | 反弹案件数 | 是已结案件的再次发生
        patrol_deal_report | 自处置上报数 | 采集员自处置；此类案件不进入其他任何计数
        patrol_deal_archive | 自处置结案数 | 自处置经审核结案
        patrol_deal_cancel | 自处置作废数 | 自处置被作废
    """),
    *_rows(REPORTED, VERIFY, """
        need_send_verify | 应送核实数 | 来源不是采集类，或已派核实任务
        send_verify | 送核实数 | 已派核实任务
        need_verify | 应核实数 | 有核实任务
        verify_num | 核实数 | 核实任务已反馈
        intime_verify | 按时核实数 | 核实反馈不晚于任务时限
    """),
    *_rows(REPORTED, ACCEPT, """
        operate_num | 受理数 | 已受理
        not_operate | 不予受理数 | 在受理环节作废
        to_operate | 待受理数 | 尚未受理，也未作废
    """),
    *_rows(REPORTED, FILE, """
        valid_report_num | 有效上报数 | 已过立案且未作废
        inst_num | 立案数 | 已立案
        intime_inst | 按时立案数 | 立案不晚于受理时限
        not_inst | 不予立案数 | 在立案环节作废
        active_inst | 主动发现立案数 | 已立案，来源为采集类或视频
    """),
    *_rows(REPORTED, DISPATCH, """
        need_dispatch | 应派遣数 | 等于立案
        city_dispatch_num | 市级派遣数 | 由市级派遣到区
        dispatch_num | 派遣数 | 已派遣到处置单位且未被退回
        intime_dispatch | 按时派遣数 | 派遣不晚于派遣时限
        accur_dispatch | 准确派遣数 | 首次与末次派遣的单位相同
        wrong_dispatch | 错误派遣数 | 首次与末次派遣的单位不同
    """),
    *_rows(DISPOSAL, DISPOSE, """
        need_dispose | 应处置数 | 等于已派遣
        dispose_num | 处置数 | 处置单位已确认
        intime_dispose | 按期处置数 | 确认不晚于（捆绑）时限，或超期经申诉豁免
        overtime_dispose | 超期处置数 | 确认晚于（捆绑）时限，且未经申诉豁免
        to_dispose | 待处置数 | 已派遣、未处置、未结束
        intime_to_dispose | 未超期待处置数 | 待处置且未超期
        overtime_to_dispose | 超期待处置数 | 待处置且已超期
        rework_num | 返工数 | 同一单位再次处置
        multi_rework_num | 多次返工数 | 返工两次及以上
        rework_times | 返工次数 | 返工的次数
        return_num | 回退数 | 曾被回退
        postpone_num | 延期数 | 获准延期
        multi_postpone_num | 多次延期数 | 获准延期两次及以上
        postpone_hours | 延期小时 | 获准延期的小时合计
        hang_num | 挂账数 | 当前挂账
        his_hang_num | 曾挂账数 | 曾经挂账
        hang_need_archive | 应结案中挂账数 | 当前挂账且计入应结案
        stock_num | 积存数 | 当前为积存
        escape_stock | 脱积数 | 曾为积存，现已不是
        supervise_num | 督办数 | 被督办
        exempt_num | 申诉豁免数 | 超期申诉通过，事实不变，统计豁免
        mode_service | 服务解决数 | 以服务方式处置
        mode_manage | 管理解决数 | 以管理方式处置
        mode_enforce | 执法解决数 | 以执法方式处置
        dispose_seconds | 处置用时秒 | 处置时钟所用的秒数
    """),
    *_rows(CLOSING, CHECK, """
        need_check | 应核查数 | 有核查任务
        check_num | 核查数 | 最近的核查任务已有结论
        intime_check | 按时核查数 | 核查结论不晚于任务时限
        invalid_check | 无效核查数 | 曾无法判定
        fail_check | 核查不通过数 | 曾核查不通过
        multi_fail_check | 三次核查不通过数 | 核查不通过三次及以上
    """),
    *_rows(CLOSING, CLOSE, """
        need_archive | 应结案数 | 已处置，或未处置且已超期
        archive_num | 结案数 | 已结案
        intime_archive | 按期结案数 | 已结案且按期处置
        force_archive | 强制结案数 | 强制结案
        reopen_num | 重新办理数 | 结案后重新办理
    """),
    *_rows(CLOSING, VISIT, """
        need_reply | 应回复数 | 举报人要求回复
        reply_num | 回复数 | 应回复且已回访答复
        omit_reply | 漏回复数 | 应回复，案件已结束而未答复
        to_visit | 待回访数 | 已结案、应回复、结案后尚未回访
        visit_num | 回访数 | 已回访
        satisfied_num | 满意数 | 最近一次回访满意
        satisfaction | 满意度得分 | 最近一次回访按分值表折算
    """),
    *_rows(REPORTED, REPORT, """
        complained_num | 被投诉件数 | 投诉对象是某单位的人员，计入该单位
    """),
    *_rows(REPORTED, ACCEPT, """
        matter_government | 大事数 | 三事分流：政府快办
        matter_community | 小事数 | 三事分流：多方协商
        matter_private | 私事数 | 三事分流：自己办
    """),
    *_rows(REPORTED, DISPATCH, """
        intime_city_dispatch | 按时市级派遣数 | 市级派遣不晚于派遣时限
        second_dispatch_num | 二次派遣数 | 市级派遣后由区级派遣到处置单位
        intime_second_dispatch | 按时二次派遣数 | 二次派遣不晚于派遣时限
    """),
    *_rows(DISPOSAL, DISPOSE, """
        need_arrive | 应到场数 | 有到场时限
        intime_arrive | 按时到场数 | 到场不晚于时限
        overtime_arrive | 超时到场数 | 到场晚于时限，或时限已过而未到场
    """),
    *_rows(DISPOSAL, SHARE, """
        co_num | 应协办数 | 协办任务（退回的除外），计入协办单位
        co_done | 协办办结数 | 协办单位已确认
        intime_co | 按期协办数 | 协办确认不晚于本单位时限
        overtime_co | 超期协办数 | 协办确认晚于本单位时限，或时限已过而未确认
        co_return | 协办退回数 | 协办单位退回，非本单位职责
        co_rework | 协办返工数 | 协办任务曾被退回重做
        co_excused | 协办缺席数 | 主办单位说明后不再等待
    """),
    *_rows(CLOSING, CLOSE, """
        visit_reopen_num | 不满意重新办理数 | 因回访不满意重新办理
    """),
    *_rows(REPORTED, CALL, """
        whistle_num | 吹哨数 | 社区吹哨（撤哨除外）；单位只计其牵头的
        whistle_called | 应报到数 | 被呼叫的单位各计 1
        whistle_responded | 按时响应数 | 响应不晚于时限
        whistle_arrived | 按时报到数 | 到场不晚于时限
        whistle_late | 超时报到数 | 到场晚于时限，或时限已过而未到
        whistle_resolved | 吹哨办结数 | 牵头单位已办结
        intime_whistle | 按时办结吹哨数 | 办结不晚于时限
        whistle_scored | 吹哨评价数 | 社区已评价
        whistle_satisfied | 吹哨满意数 | 社区评价满意
    """),
)  # fmt: skip

NAMES: Final[tuple[str, ...]] = tuple(one.name for one in COUNTERS)
NUMBER: Final[dict[str, int]] = {name: n for n, name in enumerate(NAMES)}
"""Counter → its number as stored. It keeps it for ever: a new counter is a new row at the end of `COUNTERS`."""
BY_NAME: Final[dict[str, CounterDef]] = {one.name: one for one in COUNTERS}

SEGMENTS: Final[dict[str, str]] = {
    "@patrol": "采集发现",
    "@video": "视频发现",
    "@public": "公众举报",
    "@urgent": "紧急案件",
    "@leader": "领导交办",
}
"""Cuts through the cases beside their class; a class is written ``event/01`` or ``event/01/10``."""
KINDS: Final[dict[str, str]] = {
    "area": "区域",
    "grid": "责任网格",
    "unit": "单位",
    "post": "岗位",
    "person": "人员",
}
"""Kinds of objects that are evaluated."""
