"""For tests of a service's HTTP API: does it hold what its OpenAPI page promises, whatever is sent to it?"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from litestar import Litestar
from litestar.routes import HTTPRoute

from ._dev_people import dev_issuer
from ._http import http_server
from ._identity import Post, Role
from ._openapi import guard_of

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
)
"""schemathesis' checks. Not `positive_data_acceptance`: a schema cannot know that a category or an area exists;
not `ignored_auth`: it sends every request three times, `_strangers_stay_out` asks once a route."""
_CONFIG = """[phases.coverage]
unexpected-methods = ["PATCH"]
generate-duplicate-query-parameters = false
"""


def token_of_everybody(area: str = "440300", unit_id: str = "demo-unit") -> str:
    """A token of one person who holds every role over *area*, all of them in one unit."""
    posts = [Post(post_id=f"all-{role}", unit_id=unit_id, role=role, areas=(area,)) for role in Role]
    return dev_issuer().token("dev-everybody", posts)


async def assert_api_holds(
    app: Any,
    *,
    area: str = "",
    unit_id: str = "demo-unit",
    token: str = "",
    examples: int = 15,
    exclude_paths: Sequence[str] = (),
    known: Mapping[str, Mapping[str, str]] | None = None,
    checks: Sequence[str] = CHECKS,
    timeout_s: float = 110.0,
    phases: str = "examples,coverage,fuzzing",
) -> str:
    """Send wrong and right requests to every route of *app* (a test's running app, or the Litestar app itself).

    No 500, no answer that the OpenAPI page does not declare, no wrong body accepted, no guard that lets strangers in.
    *examples* bounds the requests per route and phase; the seed is fixed. *known* gives path parameters that exist
    (``{"/cases/{no}/close": {"no": "case-7"}}``), so that bodies are tried beyond the 404. Without the phase
    *coverage* the boundaries of each field aren't tried one by one: a tenth of the time. Returns schemathesis'
    report; raises AssertionError with it, and with the requests to repeat.
    """
    asgi: Litestar = app if isinstance(app, Litestar) else app._asgi
    sites = asgi.state["yw_sites"]
    strangers: list[tuple[dict[str, str], int]] = [({}, 401)]
    if not token:
        nobody = dev_issuer().token("dev-without-posts", [])
        strangers.append(({"Authorization": f"Bearer {nobody}"}, 403))
    await _strangers_stay_out(asgi, strangers, exclude_paths)
    token = token or token_of_everybody(area or (sites[0].app.node.jurisdiction if sites else "440300"), unit_id)
    async with http_server(without_lifespan(asgi), "127.0.0.1", 0) as port:
        excluded = [part for path in exclude_paths for part in ("--exclude-path", path)]
        code, report = await _schemathesis(
            f"http://127.0.0.1:{port}/schema/openapi.json", "--header", f"Authorization: Bearer {token}",
            "--checks", ",".join(checks), "--max-examples", str(examples), "--phases", phases,
            "--seed", "20261123", "--no-shrink", "--continue-on-failure", "--suppress-health-check", "all",
            "--warnings", "off", *excluded, config=_CONFIG + _operations(known or {}), timeout_s=timeout_s,
        )  # fmt: skip
    if code:
        raise AssertionError(f"the API does not hold what its page promises:\n{report}")
    return report


async def _strangers_stay_out(
    asgi: Litestar, strangers: Sequence[tuple[dict[str, str], int]], exclude_paths: Sequence[str]
) -> None:
    """Every guarded route answers 401 without a token, and 403 to a person without posts."""
    transport = httpx.ASGITransport(without_lifespan(asgi))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        for method, path in _guarded(asgi):
            if path in exclude_paths:
                continue
            for headers, expected in strangers:
                answer = await http.request(method, re.sub(r"\{(.+?)\}", _sample, path), headers=headers)
                assert answer.status_code == expected, f"{method} {path} answers a stranger {answer.status_code}"


def _guarded(asgi: Litestar) -> Iterator[tuple[str, str]]:
    for route in asgi.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                guard = guard_of(handler)
                if guard is not None and not guard.public:
                    yield str(method), route.path


def _sample(parameter: re.Match[str]) -> str:
    """A value that fits a path parameter's type, e.g. of ``{no:int}``."""
    kind = parameter[1].rpartition(":")[2]
    return {"uuid": str(uuid.UUID(int=0)), "date": "2026-11-23"}.get(kind, "0")


def without_lifespan(asgi: Any) -> Any:
    """The test has started the app already; a server finds its thin routes all the same."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await asgi(scope, receive, send)
            return
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    app.asgi_handler = getattr(asgi, "asgi_handler", None)  # type: ignore[attr-defined]
    return app


def _operations(known: Mapping[str, Mapping[str, str]]) -> str:
    """The part of the configuration that gives paths their parameters."""
    lines = []
    for path, values in known.items():
        given = ", ".join(f"{json.dumps('path.' + name)} = {json.dumps(value)}" for name, value in values.items())
        lines.append(f"[[operations]]\ninclude-path = {json.dumps(path)}\nparameters = {{ {given} }}\n")
    return "\n".join(lines)


@contextlib.contextmanager
def _folder(config: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="yiwang-api-") as name:
        Path(name, "schemathesis.toml").write_text(config)
        yield Path(name)


async def _schemathesis(*arguments: str, config: str, timeout_s: float) -> tuple[int, str]:
    with _folder(config) as folder:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "schemathesis.cli", "--no-color", "run", *arguments,
            cwd=folder, env=os.environ | {"NO_COLOR": "1", "COLUMNS": "160"},
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            async with asyncio.timeout(timeout_s):
                out, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise AssertionError(f"the API check did not end within {timeout_s} s: lower examples=") from None
    return process.returncode or 0, out.decode(errors="replace")
