"""POST /reports and its follow-up: decode, the same `receive` for every source, encode."""

# Litestar resolves these annotations at run time, so there is no `from __future__ import annotations` here.
import dataclasses
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, Operation, Reference, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import Parameter
from yiwang.contracts import Moment
from yiwang.kit import App, Caller, Problem, Role, allow, anonymous, answers
from yiwang.kit.http import ProblemBody

from . import photos, store, whereabouts
from .errors import (
    BAD_FORM,
    BATCH_LINES,
    BATCH_LOGIN,
    CHANNEL_LOGIN,
    CHANNEL_ROLE,
    CONFLICT,
    CONTROL_AREA,
    IMPORT_ROLE,
    MEDIA_SIZE,
    MEDIA_TYPE,
    NO_MEDIA,
    NOT_FOUND,
    NOT_JSON,
    NOT_SAFE,
    TEST_ROLE,
    TOO_LARGE,
)
from .http_lending import call_back
from .reading import BATCH_MAX, lines, one_report
from .receive import Desk, Handed, judge, receive
from .submission import Receipt, Submission

KEY: Final = "idempotency-key"


class LineResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one line of a batch."""

    line: int
    status: int
    """202 taken; 400, 403, 409, 503 … not taken, and `problem` says why"""
    report_id: str = ""
    case_id: str = ""
    token: str = ""
    duplicate: bool = False
    problem: ProblemBody | None = None


class BatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """Good lines were taken, bad ones say why; the whole batch may be sent again."""

    taken: int
    refused: int
    results: list[LineResult]


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """How a report would be taken; nothing was stored."""

    channel: str
    verify_policy: str
    nature: str
    is_case: bool
    lon: float | None = None
    lat: float | None = None


class MediaReceipt(msgspec.Struct, frozen=True, kw_only=True):
    media_id: str
    sha256: str
    size: int
    mime: str


class Uploaded(msgspec.Struct, frozen=True, kw_only=True):
    """Give the ids as `media_ids` in a report."""

    media: list[MediaReceipt]


class Erasure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a reporter's data is forgotten."""

    reason: Annotated[str, msgspec.Meta(min_length=2, max_length=500)]


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    report_id: str
    at: Moment


_REPORT: Final = Reference(ref="#/components/schemas/Submission")
_FILE: Final = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)


@dataclasses.dataclass
class TakesReports(Operation):
    """One path, three shapes of body."""

    def __post_init__(self) -> None:
        form = Schema(
            type=OpenAPIType.OBJECT,
            required=["report"],
            properties={"report": _REPORT, "photo": Schema(type=OpenAPIType.ARRAY, items=_FILE)},
        )
        self.request_body = RequestBody(
            required=True,
            content={
                "application/json": OpenAPIMediaType(schema=_REPORT),
                "application/x-ndjson": OpenAPIMediaType(
                    schema=Schema(type=OpenAPIType.STRING, description="One report a line, at most 1,000 lines")
                ),
                "multipart/form-data": OpenAPIMediaType(schema=form),
            },
        )


@dataclasses.dataclass
class TakesPhotos(Operation):
    """Files, or the bytes of one."""

    def __post_init__(self) -> None:
        form = Schema(type=OpenAPIType.OBJECT, properties={"photo": Schema(type=OpenAPIType.ARRAY, items=_FILE)})
        kinds = {mime: OpenAPIMediaType(schema=_FILE) for mime in ("image/jpeg", "image/png")}
        self.request_body = RequestBody(
            required=True, content={"multipart/form-data": OpenAPIMediaType(schema=form), **kinds}
        )


REFUSALS: Final = answers(
    NOT_JSON, BAD_FORM, CHANNEL_LOGIN, BATCH_LOGIN, CHANNEL_ROLE, IMPORT_ROLE, TEST_ROLE, CONFLICT, CONTROL_AREA, NO_MEDIA,
    TOO_LARGE, BATCH_LINES, MEDIA_TYPE, MEDIA_SIZE, NOT_SAFE,
)  # fmt: skip


@post(
    "/reports", status_code=202, guards=[anonymous], operation_class=TakesReports,
    request_max_body_size=photos.FORM_MAX,
    responses=REFUSALS | {
        200: ResponseSpec(BatchResult, description="Every line was taken", generate_examples=False),
        207: ResponseSpec(BatchResult, description="Some lines were refused", generate_examples=False),
    },
)  # fmt: skip
async def post_reports(request: Request[Any, Any, Any], app: App, caller: Caller) -> Response[Receipt]:
    """Take a report (JSON), up to 1,000 (NDJSON, a result per line), or one with photos (multipart: `report`, files).

    202 means that it is safe in the stream. With `source` (or `Idempotency-Key`) sending it again is safe.
    """
    kind = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if kind in ("application/x-ndjson", "application/jsonl"):
        return await _batch(app, caller, await request.body())  # type: ignore[return-value]
    if kind == "multipart/form-data":
        report, files = await photos.form(request)
        judge(report, app.get(Desk), caller, app.clock.now(), request.headers.get(KEY, ""))
        kept = await photos.keep(app, files)
        ids = (*report.media_ids, *(photo.media_id for photo in kept))
        report = msgspec.structs.replace(report, media_ids=tuple(dict.fromkeys(ids)))
    else:
        report = one_report(await request.body())
    [outcome] = await receive(app, [Handed(report, caller, request.headers.get(KEY, ""))])
    if isinstance(outcome, Problem):
        raise outcome
    return Response(outcome)


async def _batch(app: App, caller: Caller, body: bytes) -> Response[BatchResult]:
    if not caller.known:
        raise BATCH_LOGIN()
    if len(body) > BATCH_MAX:
        raise TOO_LARGE(size=len(body), most=BATCH_MAX)
    read = list(lines(body))
    good = [(n, report) for n, report in read if isinstance(report, Submission)]
    outcomes: dict[int, Receipt | Problem] = {n: report for n, report in read if isinstance(report, Problem)}
    if good:
        taken = await receive(app, [Handed(report, caller) for _, report in good])
        outcomes |= dict(zip((n for n, _ in good), taken, strict=True))
    results = [_line(n, outcomes[n]) for n, _ in read]
    refused = sum(result.problem is not None for result in results)
    body_out = BatchResult(taken=len(results) - refused, refused=refused, results=results)
    return Response(body_out, status_code=207 if refused else 200)


def _line(n: int, outcome: Receipt | Problem) -> LineResult:
    if isinstance(outcome, Problem):
        return LineResult(line=n, status=outcome.status, problem=outcome.body())
    return LineResult(line=n, status=202, **msgspec.structs.asdict(outcome))


@post("/reports/check", status_code=200, guards=[anonymous], responses=REFUSALS)
async def check_report(data: Submission, app: App, caller: Caller) -> Checked:
    """Say how a report would be taken, or all that is wrong with it; nothing is stored (forms, imports beforehand)."""
    judged = judge(data, app.get(Desk), caller, app.clock.now())
    ticket, point = judged.ticket, judged.point
    return Checked(
        channel=ticket.code.name or ticket.code.code,
        verify_policy=ticket.channel.verify_policy,
        nature=ticket.nature.code,
        is_case=ticket.nature.is_case,
        lon=point.lon if point else None,
        lat=point.lat if point else None,
    )


@post(
    "/reports/media", status_code=201, guards=[anonymous], operation_class=TakesPhotos, responses=answers(
        BAD_FORM, MEDIA_TYPE, MEDIA_SIZE, NOT_SAFE
    ), request_max_body_size=photos.FORM_MAX,
)  # fmt: skip
async def post_media(request: Request[Any, Any, Any], app: App) -> Uploaded:
    """Put photos or short videos into the object store; their kind is read from the bytes, not from the name."""
    await app.pressure()
    kept = await photos.keep(app, await photos.files(request))
    return Uploaded(media=[MediaReceipt(media_id=m.media_id, sha256=m.sha256, size=m.size, mime=m.mime) for m in kept])


_TOKEN: Final = Parameter(header="Follow-Up-Token", required=False, max_length=64, description="From the 202")


@get(
    "/reports/{report_id:str}", guards=[anonymous], responses=answers(NOT_FOUND),
    response_headers=[ResponseHeader(name="Cache-Control", value="no-store")],
)  # fmt: skip
async def get_report(
    report_id: Annotated[str, Parameter(max_length=64)],
    app: App,
    caller: Caller,
    follow_up_token: Annotated[str, _TOKEN] = "",
    token: Annotated[str, Parameter(query="token", max_length=64, required=False)] = "",
) -> whereabouts.Whereabouts:
    """Where the report stands, in plain words: for who holds its token, or staff of its area. No personal data."""
    return await whereabouts.tell(app, caller, report_id, follow_up_token or token)


@get("/reports/{report_id:str}/contact", guards=[allow(Role.ACCEPTOR)], responses=answers(NOT_FOUND))
async def get_contact(
    report_id: Annotated[str, Parameter(max_length=64)], app: App, caller: Caller
) -> whereabouts.OpenedContact:
    """The reporter and the exact text, for the acceptor who calls back; every look is kept in `looks`."""
    return await whereabouts.contact(app, caller, report_id)


@post(
    "/reports/{report_id:str}/erase", status_code=200, guards=[allow(Role.SECURITY_ADMIN, Role.ACCEPTOR)],
    responses=answers(NOT_FOUND),
)  # fmt: skip
async def erase_report(
    report_id: Annotated[str, Parameter(max_length=64)], data: Erasure, app: App, caller: Caller
) -> Erased:
    """Forget the reporter: the report's photos are deleted here, and its key is destroyed, so that every copy of the
    sealed data is unreadable. Events keep the photos' hashes.
    """
    standing = await whereabouts.staffed(app, caller, report_id, (Role.SECURITY_ADMIN, Role.ACCEPTOR))
    at = app.clock.now()
    await call_back(app, caller, standing.report_id)
    async with app.pool.acquire() as db, db.transaction():
        await store.erase(db, standing.report_id, caller.person_ref, data.reason, at)
        await photos.forget(app, await store.forget_photos(db, standing.report_id))
        await app.vault.erase(standing.report_id)  # last: what can fail has not failed
    return Erased(report_id=standing.report_id, at=at)


ROUTES: Final = [post_reports, check_report, post_media, get_report, get_contact, erase_report]
