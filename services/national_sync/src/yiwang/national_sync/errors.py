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
UNREACHABLE = ErrorCode("national_sync.unreachable", 502, who="upper", say="{why}", do="恢复链路后重试")
NOT_COMPARABLE = ErrorCode(
    "national_sync.not_comparable",
    409,
    who="admin",
    say="平台 {platform} 目前不能对账：{why}",
    do="先完成该平台的连接设置；以目录交换的平台请人工核对",
)
