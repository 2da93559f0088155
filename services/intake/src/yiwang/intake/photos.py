"""Photos and short videos: out of a form or a body, into the object store before any event speaks of them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.datastructures import UploadFile
from litestar.exceptions import HTTPException
from litestar.status_codes import HTTP_400_BAD_REQUEST
from yiwang.contracts import MediaRef
from yiwang.kit import App
from yiwang.kit.files import HEAD, PHOTOS, VIDEOS, NotHere, sniff

from .errors import BAD_FORM, MEDIA_SIZE, MEDIA_TYPE, NO_MEDIA
from .reading import one_report
from .submission import MEDIA_MAX, Submission

FILE_MAX: Final = 20 * 1024 * 1024
"""Bytes of one photo or video"""
FORM_MAX: Final = 64 * 1024 * 1024
"""Bytes of a form with all its files"""
KINDS: Final = PHOTOS | VIDEOS


class Upload(msgspec.Struct, frozen=True):
    """One file as it came; its name and declared type decide nothing."""

    name: str
    data: bytes


async def form(request: Request[Any, Any, Any]) -> tuple[Submission, list[Upload]]:
    """The report and the files of a multipart form. Raises the Problem that refuses it."""
    parts = await _parts(request)
    reports = [value for name, value in parts if name == "report"]
    if len(reports) != 1:
        raise BAD_FORM(why="缺少 report 字段" if not reports else "report 字段多于一个")
    [report] = reports
    body = await report.read() if isinstance(report, UploadFile) else str(report).encode()
    return one_report(body), await _uploads([value for name, value in parts if name != "report"])


async def files(request: Request[Any, Any, Any]) -> list[Upload]:
    """The files of a multipart form, or the whole body as one file. Raises the Problem that refuses it."""
    kind = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        return [_checked(Upload("上传的文件", await request.body()))]
    uploads = await _uploads([value for _, value in await _parts(request)])
    if not uploads:
        raise BAD_FORM(why="没有文件")
    return uploads


async def _parts(request: Request[Any, Any, Any]) -> list[tuple[str, Any]]:
    try:
        return list((await request.form()).multi_items())
    except HTTPException as error:
        if error.status_code != HTTP_400_BAD_REQUEST:
            raise
        raise BAD_FORM(why="不是合格的 multipart/form-data") from None
    except (UnicodeDecodeError, LookupError):  # a part in an encoding that isn't one
        raise BAD_FORM(why="字段的字符编码不对，请用 UTF-8") from None


async def _uploads(values: Sequence[Any]) -> list[Upload]:
    if any(not isinstance(value, UploadFile) for value in values):
        raise BAD_FORM(why="除 report 以外的字段都应是文件")
    if len(values) > MEDIA_MAX:
        raise BAD_FORM(why=f"文件多于 {MEDIA_MAX} 个")
    return [_checked(Upload(value.filename or "未命名", await value.read())) for value in values]


def _checked(upload: Upload) -> Upload:
    if len(upload.data) > FILE_MAX:
        raise MEDIA_SIZE(name=upload.name[:80], most=FILE_MAX)
    if sniff(upload.data[:HEAD]) not in KINDS:
        raise MEDIA_TYPE(name=upload.name[:80])
    return upload


async def keep(app: App, uploads: Sequence[Upload]) -> list[MediaRef]:
    """Put files into the object store, the same bytes once; what no report comes to name is swept (`sweeping`)."""
    return [(await app.media.put(upload.data, types=KINDS, loose=True)).ref("report") for upload in uploads]


async def refs(app: App, media_ids: Sequence[str], *, named: bool) -> tuple[MediaRef, ...]:
    """What is known about files that were uploaded before. Raises intake.no_media.

    *named*: an event is about to name them, so from now on nothing sweeps them away.
    """
    found = []
    for media_id in media_ids:
        try:
            stored = await (app.media.hold(media_id) if named else app.media.info(media_id))
            found.append(stored.ref("report"))
        except NotHere:
            raise NO_MEDIA(media_id=media_id[:64]) from None
    return tuple(found)


async def forget(app: App, media_ids: Sequence[str]) -> None:
    """Delete files from this node's store; those that are gone already are no harm."""
    for media_id in media_ids:
        with contextlib.suppress(NotHere):
            await app.media.delete(media_id)
