"""Photos by HTTP: kept as they come, and shown to who may see what names them."""

# Litestar resolves these annotations at run time, so there is no `from __future__ import annotations` here.
import dataclasses
from collections.abc import Iterable
from typing import Annotated, Any

from litestar import Request, Response
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import Parameter
from yiwang.contracts import MediaRef
from yiwang.kit import App
from yiwang.kit.files import NotHere

from .errors import NO_PHOTO

Stage = Annotated[str, Parameter(pattern="^(verify|before|after|check)$")]
MediaId = Annotated[str, Parameter(pattern="^[0-9a-f]{64}$")]


@dataclasses.dataclass
class TakesAPhoto(Operation):
    """The bytes of one photo."""

    def __post_init__(self) -> None:
        photo = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY))
        self.request_body = RequestBody(required=True, content={"image/jpeg": photo, "image/png": photo})


async def kept(app: App, request: Request[Any, Any, Any], stage: str) -> MediaRef:
    """The body, stored: what the action that it belongs to names in its `media`. Raises EMPTY_FILE, FILE_TYPE."""
    stored = await app.media.put(request.stream())
    ref: MediaRef = stored.ref(stage)
    return ref


async def shown(app: App, media_id: str, named: Iterable[MediaRef]) -> Response[bytes]:
    """The photo *media_id* (sha256), one of those *named*. Raises NO_PHOTO; NotHere with the node that has it."""
    ref = next((one for one in named if one.sha256 == media_id), None)
    if ref is None:
        raise NO_PHOTO(media=media_id)
    try:
        data = await app.media.read(media_id)
    except NotHere:
        raise NotHere(media_id, ref.home_node) from None
    return Response(data, media_type=ref.mime, headers={"Cache-Control": "private, max-age=86400, immutable"})
