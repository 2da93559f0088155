"""The mesh over HTTP: the state of the subtree, and what was refused at the door."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import get, post
from litestar.params import Parameter
from yiwang.kit import App, Caller, Context, Role, allow, answers

from . import errors
from .service import Page
from .status import MeshState, mesh_state
from .store import Kept, sql
from .watch import wall

READERS: Final = (Role.LEADER, Role.ADMIN, Role.TENANT_ADMIN, Role.AUDITOR)
Child = Annotated[str, Parameter(max_length=15, pattern=r"^[0-9A-Z]*$")]


@get("/mesh", guards=[allow(*READERS)], responses=answers(errors.ALONE))
async def show_mesh(app: App) -> MeshState:
    """This node and all below it: who has sent what until when, what waits, what is wrong."""
    found = await mesh_state(app)
    if found is None:
        raise errors.ALONE()
    return found


@get("/mesh/quarantine", guards=[allow(*READERS)])
async def list_quarantine(app: App, child: Child = "", seen: bool = False) -> list[Kept]:
    """Events that children sent for areas that aren't theirs, newest first; with *seen* also those looked at before."""
    return await sql.rows(app.pool, "quarantine", Kept, child, seen)


@post(
    "/mesh/quarantine/{child:str}/seen",
    guards=[allow(Role.ADMIN, Role.TENANT_ADMIN)],
    status_code=200,
    responses=answers(errors.NOTHING_UNSEEN),
    opt={"idempotent": True},
)
async def confirm_quarantine(app: App, caller: Caller, child: Child) -> dict[str, str]:
    """Somebody has looked into what *child* sent: the alarm ends."""

    async def act(ctx: Context) -> None:
        if await sql.run(ctx.tx, "forget_unseen", child) == "UPDATE 0":
            raise errors.NOTHING_UNSEEN(child=child)
        await sql.run(ctx.tx, "mark_seen", child, caller.person_ref, wall())

    await app.act(caller, act)
    app.get(Page).touched.set()
    return {"child": child, "state": "seen"}


ROUTES: Final = (show_mesh, list_quarantine, confirm_quarantine)
