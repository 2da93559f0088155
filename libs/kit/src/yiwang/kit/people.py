"""The development issuer as a service: choose an invented person, get a token. Embedded runs only.

Its keys lie beside the file that YIWANG_JWKS names, so that all services of the run believe it.
"""

from typing import Annotated

import msgspec
from litestar import get, post
from yiwang.contracts import areas

from ._app import App
from ._dev_people import PEOPLE, REFUSAL, DevIssuer, DevPerson, dev_issuer
from ._identity import anonymous
from ._problems import ErrorCode, answers
from ._service import Service

NO_PERSON = ErrorCode(
    "people.no_person", 404, who="caller", say="没有演示人员 {ref}", do="从 GET /identity/people 中选一位"
)
BAD_AREA = ErrorCode("people.bad_area", 400, who="caller", say="{area} 不是区划代码", do="改用 6、9、12 位区划代码")

Text = Annotated[str, msgspec.Meta(max_length=64)]


class Choice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to be; area and unit are the person's own if left out."""

    person_ref: Text
    area: Text = ""
    unit_id: Text = ""


class DevToken(msgspec.Struct, frozen=True):
    access_token: str
    token_type: str = "Bearer"


service = Service("people")


@service.on_start
async def load(app: App) -> None:
    """Raises PermissionError with a sentence outside an embedded run."""
    if not (app.kit.embedded and app.kit.dev_people):
        raise PermissionError(REFUSAL)
    app.resources[DevIssuer] = dev_issuer(app.kit.jwks.rpartition("/")[0])


@get("/identity/people", guards=[anonymous])
async def people() -> list[DevPerson]:
    """The invented people, one for every role."""
    return list(PEOPLE)


@post("/identity/dev-token", guards=[anonymous], status_code=200, responses=answers(NO_PERSON, BAD_AREA))
async def dev_token(app: App, data: Choice) -> DevToken:
    """A token of an invented person."""
    person = next((p for p in PEOPLE if p.person_ref == data.person_ref), None)
    if person is None:
        raise NO_PERSON(ref=data.person_ref)
    area = data.area or app.node.jurisdiction
    try:
        areas.level_of(area)
    except ValueError:
        raise BAD_AREA(area=area) from None
    issuer = app.get(DevIssuer)
    return DevToken(issuer.token_of(person.role, area=area, unit_id=data.unit_id, person_ref=person.person_ref))


service.api(people, dev_token)
