"""POST /reports for one JSON report without the framework's share of the time (decision: mesh-measured.md, 2).

It leaves everything else (NDJSON, multipart, compressed or chunked bodies) to the documented route and calls the same
`receive`.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from yiwang.kit import App, Caller, Problem

from .errors import TOO_LARGE
from .reading import JSON_MAX, one_report
from .receive import receive

_JSON: Final = b"application/json"
_encode: Final = msgspec.json.Encoder().encode


async def post_report(app: App, scope: Any, receive_body: Any, send: Any) -> bool:
    """Take one report; False, having read nothing, for what the documented route must do."""
    size, plain, key = 0, False, ""
    for name, value in scope["headers"]:
        if name == b"content-type":
            plain = value == _JSON or value.replace(b" ", b"").lower() == _JSON + b";charset=utf-8"
        elif name == b"content-length":
            size = int(value) if value.isdigit() else 0
        elif name == b"idempotency-key":
            key = value.decode("latin-1")
        elif name == b"content-encoding":
            return False
    if not plain or not size:
        return False
    if size > JSON_MAX:
        raise TOO_LARGE(size=size, most=JSON_MAX)
    caller: Caller = scope["user"]
    body = await _body(receive_body)
    if body is None:  # the reporter hung up; nothing was taken and nobody is there to be told
        return True
    report = one_report(body)
    [outcome] = await receive(app, caller, (report,), key=key)
    if isinstance(outcome, Problem):
        raise outcome
    answer = _encode(outcome)
    headers = [(b"content-type", _JSON), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
    return True


async def _body(receive_body: Any) -> bytes | None:
    message = await receive_body()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive_body()
        body += message.get("body", b"")
    return None if message["type"] == "http.disconnect" else body
