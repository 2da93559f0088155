"""`make bench`: the product beside its bare parts in the same run; medians of interleaved rounds, ratios first."""

from __future__ import annotations

import asyncio
import os
import runpy
import statistics
import sys
from typing import Any

from yiwang.kit import Kit

from . import idle, path
from . import tiers as tier
from ._common import EVENTS, ROUNDS, count_of, give_back, measured, preload, servers


def pairs(
    title: str, contenders: list[tuple[str, str, dict[str, str]]], nats: Any, postgres: Any, prefix: str
) -> dict[str, Any]:
    """Median rate and CPU µs per event of each contender over interleaved rounds."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name, _, _ in contenders}
    for n in range(ROUNDS):
        for m, (name, script, env) in enumerate(contenders):
            kit = Kit(nats_url=nats.url(f"{prefix}{n * len(contenders) + m}"), stream_max_gib=0.5,
                      database_url=postgres.create_database(f"{prefix}{n}_{m}"))  # fmt: skip
            asyncio.run(preload(kit, EVENTS))
            found[name].append(measured(script, kit, **env))
            stored = asyncio.run(count_of(kit, "LOCAL"))
            assert stored == EVENTS, f"{name} published {stored} of {EVENTS}"
            asyncio.run(give_back(kit))
    medians = {
        name: {k: statistics.median(r[k] for r in results) for k in ("rate", "cpu_us")}
        for name, results in found.items()
    }
    print(f"\n## {title}\n")
    for name, values in medians.items():
        print(f"{name:12} {values['rate']:>8,.0f} events/s  {values['cpu_us']:>7.1f} µs CPU an event")
    bare, kit_ = medians[contenders[0][0]], medians[contenders[1][0]]
    print(f"bare/kit CPU {bare['cpu_us'] / kit_['cpu_us']:.2f}, kit/bare rate {kit_['rate'] / bare['rate']:.2f}")
    return medians


def whole_path(nats: Any, postgres: Any) -> None:
    """(c)"""
    rounds = asyncio.run(path.compare(nats, postgres, ROUNDS))
    rates = {name: statistics.median(r[name]["rate"] for r in rounds) for name in rounds[0]}
    print(f"\n## (c) POST to dispatched and notified, closed loop, {path.CONNECTIONS} connections\n")
    for name, rate in rates.items():
        cpu = statistics.median(r[name]["cpu_us_sum"] for r in rounds)
        print(f"{name:10} {rate:>6,.0f}/s, CPU a report {cpu:>6,.0f} µs; product/this {rates['product'] / rate:.2f}")
    last_round = rounds[-1]
    for name, one in last_round.items():
        print(f"{name}: CPU µs by process {one['cpu_us']}, POST {one['post']}, a report {one['counts']}")
    last_product = last_round["product"]
    for rate, steady in last_product["steady"].items():
        print(f"steady {rate}/s: POST {steady['post']}, CPU a report {steady['cpu_us_sum']} µs, done {steady['done']}")


def main(only: str) -> None:
    print(f"# Benchmark on {os.cpu_count()} cores, Python {sys.version.split()[0]}, {EVENTS} events, {ROUNDS} rounds")
    if "a" in only:
        with servers(200) as (nats, postgres):
            pairs("(a) kit without database ÷ bare nats-py", [("bare", "bare_stream.py", {}), ("kit", "kit_stream.py", {})],
                  nats, postgres, "b")  # fmt: skip
    if "b" in only:
        with servers(200) as (nats, postgres):
            pairs("(b) kit with database ÷ bare nats-py + asyncpg",
                  [("bare", "bare_store.py", {}), ("kit", "kit_store.py", {}), ("kit, on", "kit_store.py", {"BENCH_MODE": "on"})],
                  nats, postgres, "b")  # fmt: skip
    if "c" in only:
        with servers(200) as (nats, postgres):
            whole_path(nats, postgres)
    if "d" in only:
        idle.grid()
    if "e" in only:
        idle.memory()
    if "f" in only:
        tier.tiers()


if __name__ == "__main__" and len(sys.argv) > 1:  # one of its own: python -m bench queues 2000000
    runpy.run_module(f"bench.{sys.argv[1]}", run_name="__main__")
elif __name__ == "__main__":
    main(os.environ.get("BENCH_ONLY", "abcdef"))
