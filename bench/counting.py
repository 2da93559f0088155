"""What a report costs in things that don't depend on who else uses the machine: rows, commits, WAL, messages."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from yiwang.kit import Kit
from yiwang.kit.link import STREAMS, Link, api

SETTLE_S = 1.2
"""PostgreSQL reports a backend's counts at most once a second"""


class Counts(msgspec.Struct, frozen=True):
    """Totals since the servers started."""

    rows: int
    """Inserted, updated and deleted"""
    commits: int
    wal_records: int
    wal_bytes: int
    messages: int
    message_bytes: int

    def per(self, before: Counts, reports: int) -> dict[str, float]:
        """The growth since *before*, a report."""
        names = self.__struct_fields__
        return {n: round((getattr(self, n) - getattr(before, n)) / max(reports, 1), 2) for n in names}


async def counts(kit: Kit, db: Any) -> Counts:
    """The totals of the node's database and streams; *db* is a connection to the database."""
    await asyncio.sleep(SETTLE_S)
    tuples = await db.fetchval("select sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint from pg_stat_user_tables")
    commits = await db.fetchval("select xact_commit from pg_stat_database where datname = current_database()")
    wal = await db.fetchrow("select wal_records, wal_bytes::bigint from pg_stat_wal")
    link = await Link.open(kit, "counts")
    try:
        states = [(await api(link.nc, f"STREAM.INFO.{stream}"))["state"] for stream in STREAMS.values()]
    finally:
        await link.nc.close()
    messages, size = sum(s["messages"] for s in states), sum(s["bytes"] for s in states)
    return Counts(int(tuples or 0), commits, wal["wal_records"], wal["wal_bytes"], messages, size)
