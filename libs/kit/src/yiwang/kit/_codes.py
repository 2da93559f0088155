"""The refusals that the kit itself gives, at every service."""

from __future__ import annotations

from ._problems import ErrorCode

UNAUTHENTICATED = ErrorCode(
    "kit.unauthenticated", 401, who="caller", say="没有登录，或登录已经过期", do="重新登录后再试"
)
BAD_TOKEN = ErrorCode("kit.bad_token", 401, who="caller", say="登录凭证无效：{why}", do="重新登录取得新的凭证")
FORBIDDEN = ErrorCode(
    "kit.forbidden",
    403,
    who="caller",
    say="办理此事需要岗位：{needed}",
    do="由具备该岗位的人员办理，或申请管理员授予岗位",
)
OUT_OF_AREA = ErrorCode(
    "kit.out_of_area", 403, who="caller", say="您的岗位不管辖区域 {area}", do="由管辖该区域的人员办理"
)
VALIDATION = ErrorCode(
    "kit.validation",
    400,
    who="caller",
    say="请求内容有 {count} 处不符合要求",
    do="按 errors 中列出的字段逐项改正后重新提交",
)
BAD_REQUEST = ErrorCode(
    "kit.bad_request", 400, who="caller", say="无法理解请求：{why}", do="对照接口文档 /schema 改正后重新提交"
)
NO_SUCH_PATH = ErrorCode("kit.no_such_path", 404, who="caller", say="没有这个地址", do="对照接口文档 /schema 核对地址")
NO_SUCH_METHOD = ErrorCode(
    "kit.method_not_allowed", 405, who="caller", say="这个地址不支持 {method}", do="对照接口文档 /schema 核对方法"
)
PAYLOAD_TOO_LARGE = ErrorCode(
    "kit.payload_too_large", 413, who="caller", say="提交的内容超过 {limit} 字节", do="缩小后重新提交，或分多次提交"
)
UNSUPPORTED_TYPE = ErrorCode(
    "kit.unsupported_type", 415, who="caller", say="不接收这种内容格式", do="对照接口文档 /schema 选用内容格式"
)
IDEMPOTENCY_CONFLICT = ErrorCode(
    "kit.idempotency_conflict",
    422,
    who="caller",
    say="Idempotency-Key 已用于另一份内容",
    do="为新的内容换一个新的 Idempotency-Key",
)
COMMAND_DONE = ErrorCode(
    "kit.command_done",
    409,
    who="caller",
    say="带此 Idempotency-Key 的操作已经生效，但当时的答复没有留下来",
    do="查询结果，不要再次提交",
)
TOO_MANY = ErrorCode("kit.too_many", 429, who="time", say="请求过于频繁", do="{seconds} 秒后再试")
TOO_BUSY = ErrorCode(
    "kit.too_busy", 503, who="time", say="系统繁忙：{why}", do="按 Retry-After 的秒数稍后重发，内容不变"
)
SEALED = ErrorCode(
    "kit.sealed",
    503,
    who="time",
    say="本平台已封存，正在迁往新的服务器：可以查看，暂时不能办理",
    do="等迁移完成后在新平台重新提交，内容不变",
)
DEPENDENCY_DOWN = ErrorCode(
    "kit.dependency_down",
    503,
    who="admin",
    say="暂时连不上{what}",
    do="检查{what}是否在运行；恢复后服务自动继续，无需重启",
)
INTERNAL = ErrorCode(
    "kit.internal",
    500,
    who="us",
    say="系统内部出错，本次操作没有生效",
    do="凭 trace_id 查日志并修复；请把 trace_id 告知管理员",
)
EMPTY_FILE = ErrorCode("kit.empty_file", 400, who="caller", say="文件是空的", do="重新拍摄或选择文件后提交")
FILE_TYPE = ErrorCode(
    "kit.file_type",
    415,
    who="caller",
    say="文件内容是 {found}，这里只接收 {allowed}",
    do="转换为允许的格式后重新提交",
)
MEDIA_NOT_HERE = ErrorCode(
    "kit.media_not_here",
    404,
    who="caller",
    say="本级没有文件 {media_id}{where}",
    do="在 POST /sync/media/{media_id}/request 向保存原件的平台调取，到达后重新打开",
)
