"""Photos, recordings and documents of an act: hashed when they come in, named by that hash in the record."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any, Final

from litestar import Request, post
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from yiwang.contracts import MediaRef
from yiwang.kit import App, Caller, FieldError, Role, allow, answers
from yiwang.kit.files import DOCUMENTS, EMPTY_FILE, FILE_TYPE, PHOTOS, SOUNDS, VIDEOS, NotHere

from . import errors
from .access import found_file, require_agency
from .domain import Draft

EVIDENCE: Final = PHOTOS | VIDEOS | SOUNDS | DOCUMENTS
MOST_BYTES: Final = 512 * 1024 * 1024
"""A recorder's clip of about ten minutes at 1080p"""


@dataclasses.dataclass
class TakesAFile(Operation):
    """The bytes of one file."""

    def __post_init__(self) -> None:
        file = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY))
        self.request_body = RequestBody(required=True, content=dict.fromkeys(sorted(EVIDENCE), file))


@post(
    "/enforcement/files/{file_id:uuid}/media",
    guards=[allow(Role.ENFORCEMENT_OFFICER)],
    operation_class=TakesAFile,
    request_max_body_size=MOST_BYTES,
    responses=answers(errors.NO_FILE, errors.OTHER_AGENCY, EMPTY_FILE, FILE_TYPE),
)
async def take_media(app: App, caller: Caller, file_id: uuid.UUID, request: Request[Any, Any, Any]) -> MediaRef:
    """Store a file of an act; name the answer in the record's `media`. It is evidence only once a record seals it."""
    file = await found_file(app, file_id)
    require_agency(caller, (Role.ENFORCEMENT_OFFICER,), file.agency_id, file.area)
    stored = await app.media.put(request.stream(), max_bytes=MOST_BYTES, types=EVIDENCE)
    ref: MediaRef = stored.ref("evidence", evidence_status="candidate")
    return ref


async def refuse_absent_media(app: App, draft: Draft) -> None:
    """A record may only seal files of this node that are there and are as long as it says; those of others by hash.

    Raises the Problem enforcement.record_refused.
    """
    found = []
    for n, media in enumerate(draft.media):
        if media.home_node != app.node.node_id:
            continue
        try:
            held = await app.media.hold(media.sha256)
        except NotHere:
            found.append(FieldError(f"$.media[{n}]", "本节点没有这个文件，请先上传再登记"))
        else:
            if held.size != media.size:
                found.append(FieldError(f"$.media[{n}].size", f"文件实际为 {held.size} 字节，与登记的不同"))
    if found:
        raise errors.RECORD_REFUSED(count=len(found), errors=found)
