"""Routes that every process has: health, metrics, the audit trail."""

from typing import Annotated

import msgspec
from litestar import MediaType, Response, get
from litestar.datastructures import State
from litestar.params import Parameter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from yiwang.contracts import Moment

from ._audit import AuditRow, TableTrail, read_trail
from ._identity import Role, allow, anonymous


class Readiness(msgspec.Struct, frozen=True):
    """`waiting`: what (service and part) → a sentence; empty when ready."""

    ready: bool
    waiting: dict[str, str]


class AuditPage(msgspec.Struct, frozen=True):
    """Newest first; give `next` as `before` for the page after this one."""

    records: list[AuditRow]
    next: Moment | None = None


@get("/livez", guards=[anonymous], media_type=MediaType.TEXT, include_in_schema=False, sync_to_thread=False)
def livez() -> str:
    """The process runs."""
    return "ok"


@get("/readyz", guards=[anonymous], include_in_schema=False)
async def readyz(state: State) -> Response[Readiness]:
    """Whether every service can work; 503 with sentences while one waits."""
    waiting: dict[str, str] = {}
    for site in state["yw_sites"]:
        waiting |= {f"{site.service}.{part}": why for part, why in (await site.app.health()).items()}
    return Response(Readiness(not waiting, waiting), status_code=503 if waiting else 200)


@get("/metrics", guards=[anonymous], include_in_schema=False, sync_to_thread=False)
def metrics_page() -> Response[bytes]:
    """Prometheus metrics of the process."""
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST}, media_type=MediaType.TEXT)


@get("/audit", guards=[allow(Role.AUDITOR)], tags=["audit"])
async def audit_page(
    state: State,
    before: Moment | None = None,
    person: Annotated[str, Parameter(max_length=200)] = "",
    route: Annotated[str, Parameter(max_length=200)] = "",
    limit: Annotated[int, Parameter(ge=1, le=500)] = 100,
) -> AuditPage:
    """Who did what from where: every mutating call, also refused ones, newest first."""
    rows: list[AuditRow] = []
    for site in state["yw_sites"]:
        if isinstance(site.trail, TableTrail):
            rows += await read_trail(
                site.app.pool, site.service, before=before, person_ref=person, route=route, limit=limit
            )
    rows.sort(key=lambda row: row.at, reverse=True)
    last = rows[limit - 1].at if len(rows) >= limit else None
    page = [row for row in rows if last is None or row.at >= last]
    return AuditPage(page, last)
