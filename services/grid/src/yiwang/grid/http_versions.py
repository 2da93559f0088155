"""Versions of the grid over HTTP: bring one in, look at its report, activate it."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get, post
from litestar.datastructures import UploadFile
from litestar.exceptions import HTTPException
from litestar.params import Parameter
from litestar.status_codes import HTTP_400_BAD_REQUEST
from yiwang.contracts import ConfigApplied
from yiwang.kit import App, Caller, Context, FieldError, Role, allow, answers

from . import errors
from .findings import Report
from .importing import build
from .layers import LAYERS
from .service import Grids
from .store import Version, load, save, sql

UPLOAD_MAX: Final = 64 * 1024 * 1024
"""Bytes of one upload; a bigger city brings its layers in one after the other."""
Name = Annotated[str, Parameter(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$", description="Name of the version")]


class VersionView(msgspec.Struct, frozen=True, kw_only=True):
    """A version with the report of its import."""

    version: str
    state: str
    created_at: dt.datetime
    valid_from: dt.datetime | None
    valid_to: dt.datetime | None
    digest: str
    report: Report


def version_view(row: Version) -> VersionView:
    return VersionView(
        version=row.version,
        state=row.state,
        created_at=row.created_at,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        digest=row.digest,
        report=msgspec.json.decode(row.report, type=Report),
    )


@get("/grid/versions", guards=[allow()])
async def versions(app: App) -> list[VersionView]:
    """All versions, newest first: draft, active, superseded."""
    return [version_view(row) for row in await sql.rows(app.pool, "versions", Version)]


@post(
    "/grid/versions",
    guards=[allow(Role.ADMIN)],
    request_max_body_size=UPLOAD_MAX,
    responses=answers(errors.NOT_EMPTY_FORM, errors.VERSION_EXISTS, errors.IMPORT_REFUSED),
)
async def bring_in(
    request: Request[Any, Any, Any],
    app: App,
    caller: Caller,
    version: Name,
    crs: Annotated[str, Parameter(max_length=60)] = "",
    accept: Annotated[list[str] | None, Parameter(description="Rules whose errors become warnings")] = None,
) -> VersionView:
    """Check a new version and store it as a draft, or say everything that is wrong and store nothing.

    Multipart files by layer: `areas` (CSV or GeoJSON), `cells` (GeoJSON), `duty_grids` (CSV or GeoJSON), `addresses`
    (CSV). A layer that isn't given is taken from the active version. *crs* counts for all files without their own.
    """
    files = await _files(request)
    if await sql.row(app.pool, "version_by_name", Version, version) is not None:
        raise errors.VERSION_EXISTS(version=version)
    base = await load(app.pool, app.get(Grids).current.version)
    data, report = await asyncio.to_thread(build, version, files, base, crs=crs, accept=tuple(accept or ()))
    if report.failed:
        found = [FieldError(f"{f.layer}.{f.rule}", f.say) for f in report.errors]
        raise errors.IMPORT_REFUSED(count=report.failed, errors=found)

    async def act(ctx: Context) -> None:
        if not await save(ctx.tx, data, report, state="draft", at=ctx.now(), by=caller.person_ref):
            raise errors.VERSION_EXISTS(version=version)

    await app.act(caller, act, role=Role.ADMIN)
    return await _view(app, version)


async def _files(request: Request[Any, Any, Any]) -> dict[str, bytes]:
    try:
        parts = list((await request.form()).multi_items())
    except HTTPException as exc:
        if exc.status_code != HTTP_400_BAD_REQUEST:
            raise
        raise errors.NOT_EMPTY_FORM(why="不是合格的 multipart/form-data") from None
    except (UnicodeDecodeError, LookupError):
        raise errors.NOT_EMPTY_FORM(why="字段的字符编码不对，请用 UTF-8") from None
    files: dict[str, bytes] = {}
    for name, value in parts:
        if name not in LAYERS:
            raise errors.NOT_EMPTY_FORM(why=f"没有名为“{name[:40]}”的图层")
        if name in files:
            raise errors.NOT_EMPTY_FORM(why=f"图层 {name} 出现两次")
        files[name] = await value.read() if isinstance(value, UploadFile) else str(value).encode()
    if not files:
        raise errors.NOT_EMPTY_FORM(why="没有文件")
    return files


@post(
    "/grid/versions/{version:str}/activate",
    guards=[allow(Role.ADMIN)],
    status_code=200,
    opt={"idempotent": True},
    responses=answers(errors.NO_VERSION, errors.ALREADY_ACTIVE, errors.RETIRED),
)
async def activate(app: App, caller: Caller, version: Name) -> VersionView:
    """From now on this version counts, at every replica; the one before stays for questions about its days."""

    async def act(ctx: Context) -> None:
        await sql.run(ctx.tx, "lock_versions")
        row = await sql.row(ctx.tx, "version_by_name", Version, version)
        if row is None:
            raise errors.NO_VERSION(version=version)
        if row.state != "draft":
            raise (errors.ALREADY_ACTIVE if row.state == "active" else errors.RETIRED)(version=version)
        now = ctx.now()
        before = await sql.value(ctx.tx, "active_version")
        await sql.run(ctx.tx, "supersede", now)
        await sql.run(ctx.tx, "activate", version, now if before else None)
        await sql.run(ctx.tx, "announce", version)
        ctx.emit(ConfigApplied(set_name="grid", version=version, digest=row.digest))

    await app.act(caller, act, role=Role.ADMIN)
    await app.get(Grids).refresh(app)
    return await _view(app, version)


async def _view(app: App, version: str) -> VersionView:
    row = await sql.row(app.pool, "version_by_name", Version, version)
    if row is None:
        raise errors.NO_VERSION(version=version)
    return version_view(row)


VERSIONS: Final = (versions, bring_in, activate)
