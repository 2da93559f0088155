"""What processes take of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec
from yiwang.stack import _process


class Usage(msgspec.Struct, frozen=True):
    """What a process family takes: resident memory (PSS) in MiB and CPU seconds since its start."""

    memory_mib: float
    cpu_s: float


def usage_of(pids: Iterable[int]) -> Usage:
    """Memory and CPU of these processes together."""
    memory = cpu = 0.0
    for pid in pids:
        try:
            memory += _process.memory_mib(pid)
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        cpu += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return Usage(round(memory, 1), round(cpu, 2))
