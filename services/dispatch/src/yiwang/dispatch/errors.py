"""Every refusal of this service, as the kit's error codes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from yiwang.kit import ErrorCode, Problem

from .refusals import REFUSALS, Refused

NOT_FOUND = ErrorCode(
    "dispatch.case_not_found", 404, who="caller", say="没有案件 {no}，或您无权查看", do="核对案件编号"
)
NO_PHOTO = ErrorCode(
    "dispatch.photo_not_found", 404, who="caller", say="这里没有照片 {media}", do="刷新后从列出的照片中选择"
)
NO_OFFER = ErrorCode(
    "dispatch.offer_not_found", 404, who="caller", say="没有编号为 {offer} 的移交", do="刷新移交列表"
)
VISIT_NOT_ELSEWHERE = ErrorCode(
    "dispatch.visit_not_elsewhere",
    409,
    who="caller",
    say="案件 {no} 不能申请联系方式：未在本单位结案，或报告就由本单位受理，或已申请、已回访",
    do="由本单位受理的直接回访；已申请的等待对方答复",
)
NO_VISIT = ErrorCode(
    "dispatch.visit_not_found", 404, who="caller", say="没有等待回访的案件 {no}", do="刷新回访列表"
)
NO_WHISTLE = ErrorCode(
    "dispatch.whistle_not_found", 404, who="caller", say="没有编号为 {whistle} 的吹哨", do="刷新吹哨列表"
)
STALE = ErrorCode(
    "dispatch.stale_version",
    409,
    who="caller",
    say="案件已被他人更新：现为第 {current} 版，您看到的是第 {seen} 版",
    do="刷新案件后再办理",
)
NO_PATROL = ErrorCode(
    "dispatch.patrol_not_found", 404, who="caller", say="没有巡查任务 {task}", do="刷新任务列表"
)
PATROL_BAD = ErrorCode(
    "dispatch.patrol_bad", 422, who="caller", say="巡查任务不能这样下达：{why}", do="改正后重新下达"
)
PATROL_NOT_YOURS = ErrorCode(
    "dispatch.patrol_not_yours", 403, who="caller", say="此巡查任务交给了另一位采集员或另一区域", do="请该采集员反馈"
)
PATROL_OVER = ErrorCode(
    "dispatch.patrol_over", 409, who="caller", say="此巡查任务{state}", do="刷新任务列表；需要时由下达人重新下达"
)
BAD_CURSOR = ErrorCode(
    "dispatch.bad_cursor", 400, who="caller", say="翻页标记 cursor 无法识别", do="去掉 cursor 从第一页开始"
)
NUMBERS_EXHAUSTED = ErrorCode(
    "dispatch.numbers_exhausted",
    503,
    who="admin",
    say="{jurisdiction} 在 {day} 已用完当日 {limit} 个案号",
    do="次日再立案；若为批量导入，请按立案日期分批",
)
NOT_RECONCILED = ErrorCode(
    "dispatch.not_reconciled",
    503,
    who="admin",
    say="本节点从备份恢复后，案号尚未与已发布的事件核对，暂不发号",
    do="保持消息服务可用，核对会自动完成；持续不成时检查上级平台与消息服务",
)
REFUSED: Final = {
    key: ErrorCode(f"dispatch.{key}", refusal.status, who="caller", say=refusal.say, do=refusal.do)
    for key, refusal in REFUSALS.items()
}
"""The state machine's refusals by key."""


def problem(refused: Refused) -> Problem:
    """The HTTP answer (or the reason on a parked event) for a refusal of the state machine."""
    error = REFUSED[refused.key]
    return Problem(error, error.say.format(**refused.facts), error.do.format(**refused.facts))


@contextmanager
def refusals_answered() -> Iterator[None]:
    """What is refused inside is answered by its Problem."""
    try:
        yield
    except Refused as refused:
        raise problem(refused) from None
