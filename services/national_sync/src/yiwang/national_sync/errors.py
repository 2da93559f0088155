"""What the exchange refuses, and who must do what about it."""

from __future__ import annotations

from yiwang.kit import ErrorCode

NO_PLATFORM = ErrorCode(
    "national_sync.platform_not_found",
    404,
    who="caller",
    say="没有名为 {platform} 的平台",
    do="核对名称；平台在配置目录的 sync/*.toml 中登记",
)
NO_RECORD = ErrorCode(
    "national_sync.record_not_refused",
    404,
    who="caller",
    say="没有编号 {n} 的被拒记录",
    do="在 GET /sync/refused 中核对编号；可能已经重发",
)
UNSIGNED = ErrorCode("national_sync.bad_signature", 401, who="upper", say="不接收：{why}", do="改正签名后原样重发")
BAD_BATCH = ErrorCode(
    "national_sync.bad_batch", 400, who="upper", say="这一批记录看不懂：{why}", do="对照接口文档改正后重发"
)
NOT_INBOUND = ErrorCode(
    "national_sync.not_inbound",
    403,
    who="admin",
    say="平台 {platform} 未登记为上报方",
    do="在 sync/{platform}.toml 中设置 direction 为 in 或 both，并登记共享密钥",
)
NOT_SERVED = ErrorCode(
    "national_sync.not_served",
    403,
    who="admin",
    say="平台 {platform} 未登记为自取方",
    do='在 sync/{platform}.toml 中设置 transport = "served"，并登记共享密钥',
)
UNREACHABLE = ErrorCode("national_sync.unreachable", 502, who="upper", say="{why}", do="恢复链路后重试")
NOT_COMPARABLE = ErrorCode(
    "national_sync.not_comparable",
    409,
    who="admin",
    say="平台 {platform} 目前不能对账：{why}",
    do="先完成该平台的连接设置；以目录交换的平台请人工核对",
)

NO_TASK = ErrorCode(
    "national_sync.task_not_found", 404, who="caller", say="本级没有任务 {task}", do="在 GET /sync/tasks 中核对编号"
)
TASK_STATE = ErrorCode(
    "national_sync.task_state",
    409,
    who="caller",
    say="任务目前是“{state}”，不能{action}",
    do="刷新任务页面，按目前的状态办理",
)
NOT_BELOW = ErrorCode(
    "national_sync.not_below", 400, who="caller", say="不能向 {area} 下达：{why}", do="改选本级的直接下级"
)
LATE_DEADLINE = ErrorCode(
    "national_sync.late_deadline", 400, who="caller", say="期限不可用：{why}", do="改正期限后重新提交"
)
TASK_PERSONAL = ErrorCode(
    "national_sync.task_has_personal_data",
    400,
    who="caller",
    say="内容里有手机号码或身份证号码，不能在上下级之间传送",
    do="删去个人信息后重新提交",
)
SHARES_OPEN = ErrorCode(
    "national_sync.shares_open",
    409,
    who="caller",
    say="下级 {nodes} 尚未反馈",
    do="催办下级；确需先行反馈的，以 although_open 提交",
)
FIGURES_MISSING = ErrorCode(
    "national_sync.figures_missing", 400, who="caller", say="缺少要求填报的数据：{codes}", do="补全数据后重新提交"
)
NO_MEDIA = ErrorCode(
    "national_sync.no_media", 400, who="caller", say="本级没有文件 {media}", do="先上传文件，再在任务中引用"
)
STATE_NAMES = {"open": "办理中", "answered": "已反馈", "returned": "退回重办", "closed": "已办结"}
ACTION_NAMES = {"pass_on": "转办", "feedback": "反馈", "return": "退回重办", "remind": "催办", "close": "办结"}

NO_SET = ErrorCode(
    "national_sync.set_not_known", 404, who="caller", say="没有名为 {name} 的数据集", do="改用以下名称之一：{known}"
)
VERSION_TAKEN = ErrorCode(
    "national_sync.version_taken", 409, who="caller", say="版本 {version} 已经发布过", do="内容有变时换一个版本号"
)
TOO_LONG_SET = ErrorCode("national_sync.set_too_long", 413, who="caller", say="{why}", do="拆分后重新发布")
NO_VERSION = ErrorCode(
    "national_sync.version_not_found",
    404,
    who="caller",
    say="本级没有发布过 {name} 的版本 {version}",
    do="在 GET /sync/config/sets 中核对",
)
NO_ANNOUNCEMENT = ErrorCode(
    "national_sync.announcement_not_found",
    404,
    who="caller",
    say="没有编号 {n} 的待定配置",
    do="在 GET /sync/config/received 中核对编号",
)
DECIDED = ErrorCode(
    "national_sync.already_decided", 409, who="caller", say="编号 {n} 的配置已经有了决定", do="刷新后查看结果"
)
REASON_MISSING = ErrorCode(
    "national_sync.reason_missing", 400, who="caller", say="拒绝时没有写明理由", do="写明理由，发布方会看到"
)
NO_HOLDER = ErrorCode(
    "national_sync.no_holder",
    409,
    who="caller",
    say="原件在 {home}，不是本级以下的在线平台，不能在线调取",
    do="联系 {home} 取得原件",
)
