"""Who may act on which file."""

from __future__ import annotations

import uuid

from yiwang.contracts import areas
from yiwang.kit import App, Caller, Role

from . import errors
from .store import File, sql


def require_agency(caller: Caller, roles: tuple[Role, ...], agency_id: str, area: str) -> None:
    """Raises the Problems kit.forbidden, kit.out_of_area or enforcement.other_agency."""
    caller.require(roles, area)
    for one in caller.posts:
        if one.role in roles and one.covers(area) and one.unit_id in ("", agency_id):
            return
    raise errors.OTHER_AGENCY(agency=agency_id)


async def found_file(app: App, file_id: uuid.UUID) -> File:
    """The file. Raises the Problem enforcement.file_not_found."""
    file = await sql.row(app.pool, "file", File, str(file_id))
    if file is None:
        raise errors.NO_FILE(file=file_id)
    return file


def in_whose_name(app: App, area: str) -> str:
    """The county for which this node's agency acts in *area*; empty where it acts in the node's own name."""
    hosted = [code for code in app.acts_for[1:] if areas.contains(code, area)]
    return max(hosted, key=len, default="")
