"""Pushing: numbering what is new, sending it in order, and keeping the books of what became of it.

One replica pushes (a leased loop). A record's number is given here, in the order in which records became visible, so a
district's sequence has no gap and a case's records keep their order. Everything is at-least-once under the same ids.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Sequence

import msgspec
import structlog
from yiwang.contracts import SyncDelivered, SyncRefused
from yiwang.kit import App

from .links import Link
from .payloads import Payload
from .profile import Refused, translate
from .protocol import Batch, Envelope, Result, digest_of
from .records import hash_of
from .store import Due, Unnumbered, sql
from .transport import Down, Gap, Transport, Unfit

log = structlog.get_logger("yiwang.national_sync")
TAKEN = ("ok", "duplicate")


def pause_after(failures: int, first: float, most: float, chance: float) -> float:
    """Seconds to wait after *failures* in a row: doubling, capped, with jitter (*chance* in 0 … 1).

    >>> [pause_after(n, 1, 300, 1.0) for n in (1, 2, 3, 20, 2000)]
    [1.0, 2.0, 4.0, 300.0, 300.0]
    """
    return float(min(most, first * 2 ** min(failures - 1, 40)) * (0.5 + chance / 2))


class Pusher:
    """The way to one platform."""

    def __init__(self, app: App, link: Link, transport: Transport) -> None:
        self.app, self.link, self.transport = app, link, transport
        self.platform = link.platform
        self._size = self.platform.batch_size
        self._last_district = ""

    async def turn(self) -> bool:
        """Number what is new and send one batch; whether there was anything. Raises Down."""
        numbered = await self.number()
        return await self.send_next() or numbered

    async def number(self) -> bool:
        """Give numbers to new records; those that the profile can't express are refused here, without a number."""
        async with self.app.command(purpose="live") as ctx:
            rows = await sql.rows(ctx.tx, "unnumbered", Unnumbered, self.platform.name, 5 * self.platform.batch_size)
            good, bad = defaultdict[str, list[Unnumbered]](list), list[tuple[Unnumbered, str]]()
            for row in rows:
                try:
                    translate(self.platform, row.kind, _payload(row.payload))
                    good[row.district].append(row)
                except Refused as refused:
                    bad.append((row, str(refused)))
            for district, fresh in sorted(good.items()):
                last = await sql.value(ctx.tx, "take_numbers", self.platform.name, district, len(fresh))
                numbers = list(range(last - len(fresh) + 1, last + 1))
                await sql.run(ctx.tx, "number", self.platform.name, [r.n for r in fresh], numbers)
            if bad:
                reasons = [reason for _, reason in bad]
                await sql.run(ctx.tx, "refuse", self.platform.name, [r.n for r, _ in bad], reasons, ctx.now(), 0)
                ctx.emit(*(self._refused(r.district, 0, 0, reason, [r.record_id]) for r, reason in bad))
        return bool(rows)

    async def send_next(self) -> bool:
        """Send the next batch of the next district. Raises Down."""
        name, pool = self.platform.name, self.app.pool
        district = await sql.value(pool, "due_district", name, self._last_district)
        if district is None and self._last_district:
            district = await sql.value(pool, "due_district", name, "")
        if district is None:
            return False
        self._last_district = district
        rows = await sql.rows(pool, "due", Due, name, district, self._size)
        batch = self._batch(district, rows)
        try:
            results = await self.transport.send(batch)
        except Gap as gap:
            await self._follow(district, rows[0].seq, gap.expected)
        except Unfit as unfit:
            await self._shrink(district, rows, batch, str(unfit))
        else:
            await self._settle(district, rows, batch, results)
            self._size = min(self.platform.batch_size, self._size * 2)
        return True

    def _batch(self, district: str, rows: Sequence[Due]) -> Batch:
        node = self.app.node
        return Batch(
            sender=node.node_id,
            tier=node.tier,
            profile=self.platform.name,
            profile_version=self.platform.version,
            district=district,
            records=[self._envelope(district, row) for row in rows],
        )

    def _envelope(self, district: str, row: Due) -> Envelope:
        payload = translate(self.platform, row.kind, _payload(row.payload), check=False)
        return Envelope(
            record_id=row.record_id,
            kind=self.platform.records[row.kind].name or row.kind,
            district=district,
            seq=row.seq,
            day=row.day,
            occurred_at=row.occurred_at,
            payload=payload,
            hash=hash_of(msgspec.json.encode(payload, order="sorted")),
        )

    async def _settle(self, district: str, rows: Sequence[Due], batch: Batch, results: Sequence[Result]) -> None:
        by_id = {r.record_id: r for r in results}
        sent = {e.record_id: e for e in batch.records}
        taken = [row for row in rows if row.record_id in by_id and by_id[row.record_id].status in TAKEN]
        refused = [row for row in rows if row.record_id in by_id and by_id[row.record_id].status not in TAKEN]
        async with self.app.command(purpose="live") as ctx:
            now, name = ctx.now(), self.platform.name
            if taken:
                hashes = [sent[r.record_id].hash for r in taken]
                await sql.run(ctx.tx, "deliver", name, [r.n for r in taken], hashes, now)
                ctx.emit(
                    self._delivered(district, taken, digest_of((r.record_id, sent[r.record_id].hash) for r in taken))
                )
            if refused:
                reasons = [by_id[r.record_id].reason or "对方没有说明原因" for r in refused]
                await sql.run(ctx.tx, "refuse", name, [r.n for r in refused], reasons, now, 1)
                for reason in dict.fromkeys(reasons):
                    some = [r for r, why in zip(refused, reasons, strict=True) if why == reason]
                    ids = [r.record_id for r in some]
                    ctx.emit(self._refused(district, some[0].seq, some[-1].seq, reason, ids))
            await sql.run(ctx.tx, "worked", name, now)
        if len(taken) + len(refused) < len(rows):
            raise Down(f"{self.platform.title}的答复缺少 {len(rows) - len(taken) - len(refused)} 条记录的结果")

    def _delivered(self, district: str, rows: Sequence[Due], digest: str) -> SyncDelivered:
        return SyncDelivered(
            upper_platform=self.platform.name,
            profile=self.platform.name,
            profile_version=self.platform.version,
            district=district,
            seq_from=rows[0].seq,
            seq_to=rows[-1].seq,
            digest=digest,
        )

    def _refused(self, district: str, first: int, last: int, reason: str, ids: Sequence[str]) -> SyncRefused:
        return SyncRefused(
            upper_platform=self.platform.name,
            profile=self.platform.name,
            profile_version=self.platform.version,
            district=district,
            seq_from=first,
            seq_to=last,
            reason=reason,
            record_ids=tuple(ids),
        )

    async def _follow(self, district: str, first: int, expected: int) -> None:
        """The receiver expects another number: it was restored, or we were. Follow it, and lose nothing."""
        name = self.platform.name
        if expected < 1 or expected == first:
            raise Down(f"{self.platform.title}要求从 {expected} 续传，与已发送的 {first} 不符，请与对方核对")
        log.warning("sequence_follows_receiver", platform=name, district=district, ours=first, theirs=expected)
        async with self.app.pool.acquire() as db, db.transaction():
            if expected < first:
                rewound = await sql.run(db, "rewind", name, district, expected)
                if rewound != "UPDATE 0":
                    return
            await sql.run(db, "renumber", name, district)
            await sql.run(db, "set_sequence", name, district, expected - 1)

    async def _shrink(self, district: str, rows: Sequence[Due], batch: Batch, reason: str) -> None:
        """Send less at once; a single record that can't be taken is refused and its number passed on."""
        if len(rows) > 1:
            self._size = max(1, len(rows) // 2)
            return
        await self._settle(
            district, rows, batch, [Result(record_id=rows[0].record_id, status="refused", reason=reason)]
        )
        async with self.app.pool.acquire() as db, db.transaction():
            # The receiver took nothing, so its next number is still this one.
            await sql.run(db, "renumber", self.platform.name, district)
            await sql.run(db, "set_sequence", self.platform.name, district, rows[0].seq - 1)

    async def wait_after(self, down: Down) -> float:
        """Note the failure; seconds to wait before the next try."""
        settings, name = self.app.settings, self.platform.name
        failures = 1 + int(await sql.value(self.app.pool, "failures", name))
        pause: float = pause_after(failures, settings.backoff_first_s, settings.backoff_most_s, random.random())
        pause = max(pause, min(down.retry_after, settings.backoff_most_s))
        next_try = self.app.clock.now() + dt.timedelta(seconds=pause * self.app.clock.speed)
        await sql.run(self.app.pool, "failed", name, failures, next_try, str(down)[:500])
        log.warning("push_waits", platform=name, failures=failures, seconds=round(pause, 1), reason=str(down)[:300])
        return pause


def _payload(encoded: bytes) -> Payload:
    return msgspec.json.decode(encoded, type=dict[str, object])
