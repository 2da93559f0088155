"""What the mesh service refuses, and who must do what about it."""

from __future__ import annotations

from yiwang.kit import ErrorCode

ALONE = ErrorCode(
    "mesh.no_page",
    409,
    who="admin",
    say="本节点没有网络页，独立运行",
    do="用 yiwang topology render 生成并设置 YIWANG_MESH",
)
NOTHING_UNSEEN = ErrorCode(
    "mesh.nothing_unseen", 404, who="caller", say="{child} 没有待确认的隔离事件", do="核对下级编码"
)
