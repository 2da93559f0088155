"""The books of what goes to one platform: numbers in order, batches of them, and what became of each record.

A record's number is given here, in the order in which records became visible, so a district's sequence has no gap and a
case's records keep their order. Everything is at-least-once under the same ids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec
from yiwang.contracts import SyncDelivered, SyncRefused
from yiwang.kit import App

from .links import Link
from .payloads import Payload
from .profile import Refused, translate
from .protocol import Batch, Envelope, Result, digest_of
from .records import hash_of
from .store import Due, Unnumbered, sql
from .transport import Down

TAKEN = ("ok", "duplicate")


class Books:
    """What one platform was and is to be told."""

    def __init__(self, app: App, link: Link) -> None:
        self.app, self.link, self.platform = app, link, link.platform

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

    async def due(self, district: str, most: int) -> list[Due]:
        """What waits, in order of its numbers."""
        return await sql.rows(self.app.pool, "due", Due, self.platform.name, district, most)

    def batch(self, district: str, rows: Sequence[Due]) -> Batch:
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

    async def settle(self, district: str, rows: Sequence[Due], batch: Batch, results: Sequence[Result]) -> None:
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

    async def follow(self, district: str, first: int, expected: int) -> None:
        """The other side goes on with *expected* instead of *first*: it was restored, or we were. Nothing is lost."""
        if expected < first:
            rewound = await sql.run(self.app.pool, "rewind", self.platform.name, district, expected)
            if rewound != "UPDATE 0":
                return
        await self.renumber(district, expected)

    async def renumber(self, district: str, expected: int) -> None:
        """What waits gets new numbers, from *expected* on."""
        async with self.app.pool.acquire() as db, db.transaction():
            await sql.run(db, "renumber", self.platform.name, district)
            await sql.run(db, "set_sequence", self.platform.name, district, expected - 1)


def _payload(encoded: bytes) -> Payload:
    return msgspec.json.decode(encoded, type=dict[str, object])
