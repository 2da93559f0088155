"""Batches of another maker's platform that we fetch ourselves: pulled over HTTP, or found in a directory (file drop).

**Pull**: signed ``GET <endpoint>?sender=…&district=…&seq=…&limit=…`` answers 200 with a batch that begins at `seq`, or 204.
**Directory**: files ``*.json`` as `FileTransport` writes them, ``{"headers": {…}, "body": "<batch>"}``, read in the order
of their names. A file that was taken is moved to ``taken/`` and answered by ``answers/<name>``; one that can't be read
goes to ``unread/`` with its reason. One that comes too early stays until the one before it is there.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec
from yiwang.kit import App, Context

from .inbound import OutOfSequence, accept
from .inbound import docked_sql as sql
from .links import Link
from .protocol import Answer, Batch, Result, signed_headers, unsigned_because

PULL_LIMIT: Final = 500
FILE_MAX: Final = 64 * 1024 * 1024


class Trouble(Exception):
    """The other side can't be reached or sends what can't be read; the text is for the operator."""


class Dropped(msgspec.Struct, frozen=True):
    """A batch as a file."""

    body: str
    headers: dict[str, str] = {}


async def take(app: App, link: Link, batch: Batch) -> tuple[list[Result], int]:
    """Take *batch* as if it had been pushed. Raises OutOfSequence."""

    async def act(ctx: Context) -> tuple[list[Result], int]:
        return await accept(ctx, link, batch)

    return await app.act(None, act)


async def pull(app: App, link: Link, client: httpx.AsyncClient) -> int:
    """Fetch what each of the platform's districts has; how many records came. Raises Trouble."""
    came = 0
    for district in link.platform.areas:
        seq = await sql.value(app.pool, "next", link.platform.name, district)
        batch = await _fetch(app, link, client, district, int(seq))
        if batch is None:
            continue
        try:
            await take(app, link, batch)
        except OutOfSequence as gap:
            raise Trouble(f"{link.platform.title}给出的序号不连续，应从 {gap.expected} 开始") from gap
        came += len(batch.records)
    return came


async def _fetch(app: App, link: Link, client: httpx.AsyncClient, district: str, seq: int) -> Batch | None:
    query = urlencode({"sender": app.node.node_id, "district": district, "seq": seq, "limit": PULL_LIMIT})
    url = f"{link.endpoint}?{query}"
    target = f"{urlsplit(url).path}?{query}".encode()
    try:
        answer = await client.get(url, headers=signed_headers(link.secret, str(uuid.uuid4()), int(time.time()), target))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Trouble(f"连不上 {link.platform.title}：{type(error).__name__}，请检查专线和对方地址") from error
    if answer.status_code == 204:
        return None
    if answer.status_code != 200:
        raise Trouble(f"{link.platform.title}答复 HTTP {answer.status_code}，请与对方核对地址、密钥与时钟")
    try:
        batch = msgspec.json.decode(answer.content, type=Batch)
    except msgspec.MsgspecError as error:
        raise Trouble(f"{link.platform.title}的批次看不懂：{error}") from error
    if batch.district != district:
        raise Trouble(f"{link.platform.title}给出的是 {batch.district[:20]} 的批次，要的是 {district}")
    return batch


async def read_drop(app: App, link: Link) -> int:
    """Take the files that lie there; how many were moved. Raises Trouble when the directory can't be used."""
    folder = Path(link.endpoint)
    try:
        names = await asyncio.to_thread(_listed, folder)
    except OSError as error:
        raise Trouble(f"读不了目录 {folder}：{error.strerror}，请管理员检查权限") from error
    moved = 0
    for name in names:
        try:
            batch = await asyncio.to_thread(_read, folder / name, link.secret)
        except ValueError as error:
            await asyncio.to_thread(_move, folder, name, "unread", str(error).encode())
            moved += 1
            continue
        try:
            results, expected = await take(app, link, batch)
        except OutOfSequence as gap:
            if batch.records[-1].seq < gap.expected:
                await asyncio.to_thread(_move, folder, name, "unread", f"序号应从 {gap.expected} 开始".encode())
                moved += 1
                continue
            raise Trouble(f"文件 {name} 来得太早：还缺序号 {gap.expected}，请对方补发") from gap
        await asyncio.to_thread(
            _move, folder, name, "taken", msgspec.json.encode(Answer(results=results, expected=expected))
        )
        moved += 1
    return moved


def _listed(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.suffix == ".json" and not p.name.startswith("."))


def _read(path: Path, secret: str) -> Batch:
    """The batch in a file. Raises ValueError with a sentence."""
    if path.stat().st_size > FILE_MAX:
        raise ValueError(f"文件超过 {FILE_MAX} 字节，请拆成几个")
    try:
        dropped = msgspec.json.decode(path.read_bytes(), type=Dropped)
        why = unsigned_because(secret, dropped.headers, dropped.body.encode(), int(path.stat().st_mtime))
        if why:
            raise ValueError(f"签名不符：{why}")
        return msgspec.json.decode(dropped.body.encode(), type=Batch)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ValueError(f"文件看不懂：{error}") from error


def _move(folder: Path, name: str, where: str, say: bytes) -> None:
    """Put the file aside, with what is said about it beside it or as its answer."""
    (folder / where).mkdir(exist_ok=True)
    (folder / name).replace(folder / where / name)
    answers = folder / "answers"
    answers.mkdir(exist_ok=True)
    (answers / (name if where == "taken" else f"{name}.reason.txt")).write_bytes(say)


def fetched(link: Link) -> bool:
    """Whether we go and fetch from this platform, rather than wait for its pushes."""
    return link.platform.incoming and link.platform.transport in ("pull", "directory") and not link.missing


async def fetch_once(app: App, link: Link, client: httpx.AsyncClient) -> int:
    """One look at the other side; how much came. What is wrong is kept for people to see."""
    try:
        came = await (pull(app, link, client) if link.platform.transport == "pull" else read_drop(app, link))
    except Trouble as trouble:
        await sql.run(app.pool, "trouble", link.platform.name, str(trouble)[:500])
        app.log.warning("fetch_waits", platform=link.platform.name, reason=str(trouble)[:300])
        raise
    return came


async def keep_fetching(app: App, link: Link, client: httpx.AsyncClient) -> None:
    """Look again and again; after trouble with growing pauses."""
    settings, pause = app.settings, 0.0
    while True:
        try:
            came = await fetch_once(app, link, client)
            pause = 0.0
        except Trouble:
            came = 0
            pause = min(max(settings.backoff_first_s, 2 * pause), settings.backoff_most_s)
        except Exception as error:
            if not app.is_outage(error):
                raise
            came, pause = 0, 2.0
        if not came:
            await asyncio.sleep(pause or settings.poll_seconds)
