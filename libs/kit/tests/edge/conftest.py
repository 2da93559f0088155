"""A small real service behind the real HTTP edge, on a real PostgreSQL and NATS."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Annotated, Any

import asyncpg
import httpx
import msgspec
import pytest
import pytest_asyncio
import structlog
from litestar import Litestar, Request, get, post
from structlog.testing import capture_logs
from yiwang.kit import App, Caller, ErrorCode, Problem, Role, Service, allow, anonymous, answers
from yiwang.kit._dev_people import dev_token
from yiwang.kit._http import build_http, close_http
from yiwang.kit.http import Asked
from yiwang.stack.testing import TestNode, TestServers

NO_THING = ErrorCode("desk.no_thing", 404, who="caller", say="没有物品 {no}", do="核对物品编号")
SOLD = ErrorCode("desk.sold", 409, who="caller", say="物品 {no} 已售出", do="另选一件")


class Thing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the desk keeps."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    price: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0


class Kept(msgspec.Struct, frozen=True):
    no: int
    thing: Thing
    by: str


class Hooks:
    """What a test wants to happen inside the command, before it commits."""

    def __init__(self) -> None:
        self.inside: Callable[[Kept], Awaitable[None]] | None = None

    async def __call__(self, kept: Kept) -> None:
        if self.inside is not None:
            await self.inside(kept)


class Things(dict[int, Kept]):
    """The desk's shelf."""


@post("/things", guards=[allow(Role.ACCEPTOR)], opt={"idempotent": True})
async def keep(app: App, caller: Caller, data: Thing) -> Kept:
    """Keep a thing."""
    async with app.command(caller) as ctx:
        await ctx.tx.execute("create table if not exists thing (no int generated always as identity, name text)")
        no = await ctx.tx.fetchval("insert into thing (name) values ($1) returning no", data.name)
        kept = Kept(no, data, caller.actor("acceptor").post_id)
        await app.get(Hooks)(kept)
    app.get(Things)[no] = kept
    return kept


class Noted(msgspec.Struct, frozen=True):
    by: str
    size: int
    key: str
    beside: int
    """How many came through the thin route together; 0: it was the documented one"""


def noted_by(one: Asked, beside: int) -> Noted:
    return Noted(one.caller.person_ref, len(one.body), one.key, beside)


class Batches(list[int]):
    """How many notes came together, each time."""


@post("/notes", guards=[allow(Role.ACCEPTOR)], status_code=202, responses=answers(NO_THING))
async def note(request: Request[Any, Any, Any], caller: Caller) -> Noted:
    """Take a note; plain JSON comes through the thin route instead."""
    return Noted(caller.person_ref, len(await request.body()), "", 0)


@get("/things/{no:int}", guards=[anonymous], responses=answers(NO_THING))
async def look(app: App, no: int) -> Kept:
    """Look at a thing."""
    kept = app.get(Things).get(no)
    if kept is None:
        raise NO_THING(no=no)
    return kept


@post("/things/{no:int}/sell/{secret:str}", guards=[allow(Role.ACCEPTOR, Role.ADMIN)],
      responses=answers(NO_THING, SOLD), opt={"private": ("secret",)})  # fmt: skip
async def sell(app: App, no: int, secret: str) -> Kept:
    """Sell a thing."""
    kept = app.get(Things).pop(no, None)
    if kept is None:
        raise NO_THING(no=no)
    return kept


@get("/lies", guards=[anonymous], include_in_schema=False)
async def lie() -> str:
    """Answers what it does not declare."""
    raise SOLD(no=1)


@get("/breaks", guards=[anonymous], include_in_schema=False)
async def breaks() -> str:
    """A bug whose message quotes personal data."""
    raise RuntimeError("张三 13800000000")


@get("/database-gone", guards=[anonymous], include_in_schema=False)
async def database_gone() -> str:
    """What asyncpg raises while PostgreSQL is away."""
    raise asyncpg.CannotConnectNowError("the database system is starting up")


def desk_service() -> Service:
    """The service whose routes the tests call."""
    service = Service("desk", database=True)

    async def load(app: App) -> None:
        app.resources[Things] = Things()
        app.resources[Hooks] = Hooks()
        app.resources[Batches] = Batches()

    service.on_start(load)
    service.api(keep, note, look, sell, lie, breaks, database_gone)

    @service.fast_route("POST", "/notes", most=100_000)
    async def together(app: App, asked: Sequence[Asked]) -> list[Noted | Problem]:
        assert app.service is service
        app.get(Batches).append(len(asked))
        return [NO_THING(no=0) if b"no thing" in one.body else noted_by(one, len(asked)) for one in asked]

    return service


class Desk(msgspec.Struct):
    app: App
    asgi: Litestar

    def client(self, role: str = "", area: str = "440300", **options: Any) -> httpx.AsyncClient:
        """A client with a token of *role*; without one nobody is logged in."""
        headers = {"Authorization": f"Bearer {dev_token(role, area=area, **options)}"} if role else {}
        transport = httpx.ASGITransport(self.asgi, client=("10.1.2.3", 4000))
        return httpx.AsyncClient(transport=transport, base_url="http://desk", headers=headers)


Start = Callable[..., Awaitable[Desk]]


@pytest_asyncio.fixture
async def start(node: TestNode) -> AsyncIterator[Start]:
    """Starts a service behind an HTTP edge of its own."""
    async with contextlib.AsyncExitStack() as stack:

        async def go(service: Service) -> Desk:
            running = await stack.enter_async_context(node.running(service))
            asgi = build_http([running.app], title="测试台", strict=True)
            stack.push_async_callback(close_http, asgi)
            return Desk(running.app, asgi)

        yield go


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def desk_app(test_servers: TestServers) -> AsyncIterator[App]:
    """The desk, running once for all tests."""
    fresh = test_servers.node("desk")
    async with fresh.running(desk_service()) as running:
        yield running.app
    await fresh.close()


@pytest_asyncio.fixture
async def desk(desk_app: App) -> AsyncIterator[Desk]:
    """The desk with nothing on it, behind an HTTP edge of its own."""
    asgi = build_http([desk_app], title="测试台", strict=True)
    yield Desk(desk_app, asgi)
    await close_http(asgi)
    await desk_app.pool.execute("truncate kit_audit, kit_command restart identity; drop table if exists thing")
    desk_app.get(Things).clear()
    desk_app.get(Batches).clear()
    desk_app.get(Hooks).inside = None
    desk_app.waiting.clear()


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    """What is logged at info and above during the test."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(20))
    with capture_logs() as found:
        yield found
    structlog.configure(**before)
