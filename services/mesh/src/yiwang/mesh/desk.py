"""The desk of `yiwang mesh status`: a request over the node's own account, so that it works without a login."""

from __future__ import annotations

from typing import Any

import msgspec
from yiwang.kit import App

from .service import service
from .status import mesh_state

SUBJECT = "yw-mesh.status"


@service.on_start
async def open_desk(app: App) -> None:
    """Answer requests; every replica may."""

    async def reply(msg: Any) -> None:
        if app.stopping:
            return
        try:
            state = await mesh_state(app)
        except Exception as error:  # noqa: BLE001 - whoever asks gets to know why there is no answer
            body: Any = {"error": f"mesh 服务暂时说不出状态：{type(error).__name__}"}
        else:
            body = state if state is not None else {"error": "本节点没有网络页（YIWANG_MESH），独立运行"}
        await msg.respond(msgspec.json.encode(body))

    await app.nc.subscribe(SUBJECT, queue="yw-mesh", cb=reply)
