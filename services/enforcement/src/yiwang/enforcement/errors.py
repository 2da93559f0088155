"""What enforcement refuses, and who must do what about it."""

from __future__ import annotations

from yiwang.kit import ErrorCode

NO_FILE = ErrorCode("enforcement.file_not_found", 404, who="caller", say="没有执法案源 {file}", do="核对案源编号")
NO_LOG = ErrorCode("enforcement.log_not_found", 404, who="caller", say="没有存证日志 {log}", do="核对执法机关编号")
NO_LEAF = ErrorCode(
    "enforcement.leaf_not_found",
    404,
    who="caller",
    say="存证日志 {log} 没有第 {leaf} 条记录",
    do="在 0 到 {last} 之间选择",
)
BAD_RANGE = ErrorCode("enforcement.bad_range", 400, who="caller", say="无法给出证明：{why}", do="改正查询参数后重试")
RECORD_REFUSED = ErrorCode(
    "enforcement.record_refused",
    400,
    who="caller",
    say="执法记录有 {count} 处不符合要求",
    do="按 errors 逐项改正后重新提交",
)
OTHER_AGENCY = ErrorCode(
    "enforcement.other_agency",
    403,
    who="caller",
    say="该案源属于执法机关 {agency}，您不在该机关任职",
    do="由该机关的执法人员办理，或先办理移送",
)
FILE_CLOSED = ErrorCode(
    "enforcement.file_closed",
    409,
    who="caller",
    say="案源 {file} 已办结（{outcome}），不再接收记录",
    do="如有新情况，请登记新的案源",
)
NO_OUTCOME = ErrorCode(
    "enforcement.unknown_outcome", 400, who="caller", say="没有办结方式“{outcome}”", do="从以下选择：{known}"
)
ALREADY_ERASED = ErrorCode(
    "enforcement.already_erased", 409, who="caller", say="该记录的内容已经清除", do="无需重复办理"
)
NOT_ERASABLE = ErrorCode(
    "enforcement.not_erasable", 409, who="caller", say="清除登记本身不能清除", do="请选择要清除的原始记录"
)
NOT_SIGNED_YET = ErrorCode(
    "enforcement.not_signed_yet",
    409,
    who="time",
    say="第 {leaf} 条记录尚未进入签名的日志头",
    do="等待下一次签名（至多 {minutes} 分钟）后再取证明",
)
BAD_AGENCY = ErrorCode(
    "enforcement.bad_agency",
    400,
    who="caller",
    say="执法机关编号“{agency}”不合规",
    do="使用字母、数字、汉字和 . _ - : 组成的编号，至多 64 个字符",
)
