"""Files of another maker's cases: told by their hash (``media_ref`` records), with the bytes attached where they are small.

A file that is only told of stays at its home: it is shown as being there, and nobody here can fetch it. An attached one
(``content``, Base64) is kept in this node's store once its SHA-256 is that of the record.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import re
from typing import Any, Final

from yiwang.contracts import MediaRef, Point
from yiwang.kit import Context, Problem

from .payloads import Payload
from .profile import Refused

MEDIA: Final = "media_ref"
CONTENT: Final = "content"
ATTACHED_MAX: Final = 5 * 2**20
"""Bytes of an attached photo: inspectors' photos have 0.3 to 3 MB; larger ones stay at their home"""
TOLD_MAX: Final = 4 * 2**30
"""Bytes that a file may say to have"""
STAGES: Final = ("report", "verify", "before", "after", "check", "evidence")
SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")
MIME: Final = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}\Z")


def read_media(payload: Payload) -> Payload:
    """*payload* as far as we keep it, its bytes decoded. Raises Refused with a sentence."""
    media_id = str(payload.get("hash") or payload.get("media_id") or "").lower()
    if not SHA256.match(media_id):
        raise Refused("hash 应为文件内容的 SHA-256（64 位十六进制），文件以它命名")
    size, mime, stage = (
        payload.get("size"),
        str(payload.get("mime") or "image/jpeg"),
        str(payload.get("stage") or "report"),
    )
    if not isinstance(size, int) or not 0 < size <= TOLD_MAX:
        raise Refused("size 应为文件的字节数")
    if not MIME.match(mime) or stage not in STAGES:
        raise Refused(f"mime 应形如 image/jpeg，stage 应为 {'、'.join(STAGES)} 之一")
    found = payload | {"media_id": media_id, "size": size, "mime": mime, "stage": stage}
    if CONTENT in payload:
        found[CONTENT] = _bytes_of(str(payload[CONTENT]), media_id, size)
    return found


def _bytes_of(text: str, media_id: str, size: int) -> bytes:
    if len(text) > ATTACHED_MAX * 4 // 3 + 4:
        raise Refused(f"附带的文件超过 {ATTACHED_MAX // 2**20} MiB：请只报 hash，原件留在贵方平台")
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Refused("content 应为文件内容的 Base64") from error
    if len(data) != size or hashlib.sha256(data).hexdigest() != media_id:
        raise Refused("附带的文件与 hash 或 size 不符：请核对后用新的 record_id 重发")
    return data


async def keep_attached(ctx: Context, payload: Payload, home: str) -> Payload:
    """Store the attached file, if there is one; *payload* without it. Raises Refused where it is no photo."""
    data: Any = payload.get(CONTENT)
    if data is not None:
        try:
            await ctx.app.media.put(data, max_bytes=ATTACHED_MAX, home=home)
        except Problem as problem:
            raise Refused(problem.detail) from problem
    return {name: value for name, value in payload.items() if name != CONTENT}


def reference(payload: Payload, home: str) -> MediaRef:
    """The file as our events name it."""
    lon, lat, shot = payload.get("lon"), payload.get("lat"), payload.get("shot_time")
    point = None
    if isinstance(lon, int | float) and isinstance(lat, int | float):
        point = Point(lon=lon, lat=lat, crs="cgcs2000", source="docked")
    named = {name: payload[name] for name in ("media_id", "size", "mime", "stage")}
    return MediaRef(
        **named, sha256=payload["media_id"], photo_type=str(payload.get("photo_type") or ""), point=point, home_node=home,
        shot_at=dt.datetime.fromisoformat(shot) if isinstance(shot, str) and shot else None,
    )  # fmt: skip
