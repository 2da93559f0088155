"""The OpenAPI document tells the truth: every refusal is declared, closed structs are closed, assets are local."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec
from litestar import Litestar, MediaType, Response, get
from litestar._openapi.schema_generation.plugins.struct import StructSchemaPlugin
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.routes import HTTPRoute

from ._identity import Guard
from ._problems import PROBLEM_JSON, ProblemBody

if TYPE_CHECKING:
    from litestar._openapi.schema_generation import SchemaCreator
    from litestar.connection import Request
    from litestar.openapi.spec import Schema
    from litestar.router import Router
    from litestar.typing import FieldDefinition

KIT_SAYS: Final = {
    400: "Bad Request: `kit.validation` with the field paths in `errors`, or `kit.bad_request`",
    401: "Unauthorized: `kit.unauthenticated` or `kit.bad_token`",
    403: "Forbidden: `kit.forbidden` or `kit.out_of_area`",
    404: "Not Found: `kit.no_such_path`",
    409: "Conflict: `kit.command_done`",
    413: "Content Too Large: `kit.payload_too_large`",
    422: "Unprocessable Content: `kit.idempotency_conflict`",
    500: "Internal Server Error: `kit.internal`, with the trace id",
    503: "Service Unavailable: `kit.too_busy` or `kit.dependency_down`, with Retry-After",
}
MUTATING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
ASSETS: Final = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "swagger-ui-standalone-preset.js": "text/javascript",
}
_PAGE: Final = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{title}</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/schema/assets/swagger-ui.css"></head>
<body><div id="ui"></div><script src="/schema/assets/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({{url:"/schema/openapi.json",dom_id:"#ui",deepLinking:true,validatorUrl:null}})</script>
</body></html>"""


class ClosedStructs(StructSchemaPlugin):
    """A Struct with forbid_unknown_fields says `additionalProperties: false`."""

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: SchemaCreator) -> Schema:
        schema = super().to_openapi_schema(field_definition, schema_creator)
        if field_definition.type_.__struct_config__.forbid_unknown_fields:
            schema.additional_properties = False
        return schema


def guard_of(handler: HTTPRouteHandler) -> Guard | None:
    """The route's guard; None when it has none or several."""
    found = [guard for layer in handler.ownership_layers for guard in layer.guards or () if isinstance(guard, Guard)]
    return found[0] if len(found) == 1 else None


def routes_of(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    """(method, path format, handler) of every HTTP route, without the automatic OPTIONS."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if method != "OPTIONS":
                    yield str(method), route.path_format or "/", handler


def kit_statuses(method: str, path: str, handler: HTTPRouteHandler) -> frozenset[int]:
    """The statuses that the kit itself may answer on a route."""
    found = {400, 500, 503}
    guard = guard_of(handler)
    if guard is not None and not guard.public:
        found |= {401, 403}
    if "{" in path:
        found.add(404)
    if method in MUTATING:
        found.add(413)
    if handler.opt.get("idempotent"):
        found |= {409, 422}
    return frozenset(found)


def declared_statuses(method: str, path: str, handler: HTTPRouteHandler) -> frozenset[int]:
    """All refusals that a route declares: its own and the kit's."""
    return kit_statuses(method, path, handler) | {int(status) for status in handler.responses or ()}


def true_schema(app: Litestar) -> dict[str, Any]:
    """The OpenAPI 3.1 document of *app*, completed."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(app.openapi_schema.to_schema(), enc_hook=str))
    _mend_tuples(document)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    _, components = msgspec.json.schema_components([ProblemBody], ref_template="#/components/schemas/{name}")
    schemas |= components
    document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    for method, path, handler in routes_of(app):
        operation = document.get("paths", {}).get(path, {}).get(method.lower())
        if operation is not None:
            _complete(operation, method, path, handler)
    return document


def _mend_tuples(node: Any) -> None:
    """Litestar writes the items of `tuple[X, ...]` as one of X or anything, which nothing satisfies; they are X."""
    if isinstance(node, list):
        for child in node:
            _mend_tuples(child)
    elif isinstance(node, dict):
        items = node.get("items")
        if isinstance(items, dict) and {} in items.get("oneOf", ()):
            kinds = [kind for kind in items["oneOf"] if kind]
            node["items"] = kinds[0] if len(kinds) == 1 else {"oneOf": kinds}
        for child in node.values():
            _mend_tuples(child)


def _complete(operation: dict[str, Any], method: str, path: str, handler: HTTPRouteHandler) -> None:
    problem = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
    responses = operation.setdefault("responses", {})
    own = {str(status): spec.description for status, spec in (handler.responses or {}).items()}
    for status in sorted(kit_statuses(method, path, handler)):
        said = [text for text in (own.get(str(status)), KIT_SAYS[status]) if text]
        responses[str(status)] = {"description": "; ".join(said), "content": problem}
    if method in MUTATING and handler.opt.get("idempotent"):
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query":
            parameter["schema"] = _also_unix_time(parameter["schema"])
    guard = guard_of(handler)
    if guard is not None and not guard.public:
        operation["security"] = [{"bearer": []}]
        operation["x-roles"] = sorted(guard.roles)


def _also_unix_time(schema: dict[str, Any]) -> dict[str, Any]:
    """In a query a moment may also be written as Unix seconds (that is how msgspec reads it)."""
    kinds = schema.get("oneOf") or schema.get("anyOf") or [schema]
    if not any(kind.get("format") == "date-time" for kind in kinds):
        return schema
    return {"anyOf": [*kinds, {"type": "number", "description": "Unix seconds"}]}


_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[A-Za-z0-9._:-]+$"},
    "description": "The same key with the same content has one effect and one answer, for 7 days.",
}


class TrueJson(JsonRenderPlugin):
    """/schema/openapi.json, completed once."""

    def __init__(self) -> None:
        super().__init__(path="/openapi.json")
        self._rendered = b""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        self._rendered = self._rendered or msgspec.json.encode(true_schema(request.app))
        return self._rendered


class LocalSwagger(OpenAPIRenderPlugin):
    """/schema: Swagger UI from the wheel that carries it; nothing is fetched from elsewhere."""

    def __init__(self, title: str) -> None:
        super().__init__(path="/", media_type=MediaType.HTML)
        self._page = _PAGE.format(title=title).encode()

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return self._page

    def receive_router(self, router: Router) -> None:
        router.register(asset)


@get("/assets/{name:str}", include_in_schema=False, sync_to_thread=False)
def asset(name: str) -> Response[bytes]:
    """One file of Swagger UI."""
    if name not in ASSETS:
        raise NotFoundException
    folder = importlib.resources.files("swagger_ui_bundle").joinpath("vendor")
    [release] = [item for item in folder.iterdir() if item.name.startswith("swagger-ui-")]
    return Response(
        release.joinpath(name).read_bytes(), media_type=ASSETS[name], headers={"Cache-Control": "public, max-age=86400"}
    )
