"""What the evaluation refuses, and who must do what about it."""

from __future__ import annotations

from yiwang.kit import ErrorCode

BAD_PERIOD = ErrorCode(
    "evaluation.bad_period", 400, who="caller", say="周期不能用：{why}",
    do="改用 2026、2026-H1、2026-Q4、2026-11、2026-W48 或 2026-11-23 这样的写法",
)  # fmt: skip
BAD_OBJECT = ErrorCode(
    "evaluation.bad_object", 400, who="caller", say="考核对象不能用：{why}",
    do="核对对象类别（area、grid、unit、post、person）、编码、分类和分段",
)  # fmt: skip
NO_COUNTER = ErrorCode(
    "evaluation.no_counter", 404, who="caller", say="没有计数 {name}", do="查看 GET /evaluation/counters"
)
NO_INDICATOR = ErrorCode(
    "evaluation.no_indicator", 404, who="caller", say="没有指标 {name}", do="查看 GET /evaluation/indicators"
)
NO_SCHEME = ErrorCode(
    "evaluation.no_scheme", 404, who="caller", say="没有评分办法 {name}", do="查看 GET /evaluation/schemes"
)
BAD_FORMULA = ErrorCode("evaluation.bad_formula", 400, who="caller", say="{why}", do="改正公式后重试")
NOT_YOURS = ErrorCode(
    "evaluation.not_yours", 403, who="caller", say="{object} 不在您的考核范围内", do="选择本人管辖的区域或本单位，或请考核员查询"
)
BAD_INPUT = ErrorCode("evaluation.bad_input", 400, who="caller", say="录入内容不能用：{why}", do="改正后重新提交")
NO_REPORT = ErrorCode(
    "evaluation.no_report", 404, who="caller", say="没有考核通报 {report}", do="查看 GET /evaluation/reports"
)
NOTHING_CHANGED = ErrorCode(
    "evaluation.nothing_changed", 409, who="caller", say="{report} 的数字与最近一版完全相同", do="不必重新发布"
)
KEY_UNUSABLE = ErrorCode(
    "evaluation.key_unusable", 503, who="admin", say="签名密钥不能用：{why}", do="恢复密钥文件后重试"
)
