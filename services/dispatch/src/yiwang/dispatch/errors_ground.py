"""What campaigns, ledgers and stations answer beside the refusals of `refusals_ground`."""

from __future__ import annotations

from yiwang.kit import ErrorCode

NO_CAMPAIGN = ErrorCode(
    "dispatch.campaign_not_found", 404, who="caller", say="没有编号为 {campaign} 的专项，或您无权查看", do="刷新专项列表"
)
NO_ENTRY = ErrorCode(
    "dispatch.ledger_entry_not_found", 404, who="caller", say="没有编号为 {entry} 的台账，或您无权查看", do="刷新台账列表"
)
NO_STATION = ErrorCode(
    "dispatch.station_not_found", 404, who="caller", say="没有编号为 {station} 的驿站", do="在 GET /stations 中核对编号"
)
