"""The demo's time and its stand-in for the nation: one process that takes what every node sends up."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from yiwang.stack._ports import free_port
from yiwang.stack._process import spawn, stop

START: Final = "2026-11-23T08:30:00+08:00"
"""A Monday morning."""
SPEED: Final = 120
SECRET: Final = "whsec_" + base64.b64encode(b"the demo has no secrets, really").decode()

NATION: Final = ("YIWANG_NATIONAL_SYNC_ENDPOINTS", "YIWANG_NATIONAL_SYNC_SECRETS")
"""Variables that lead a node to the nation"""


@contextlib.contextmanager
def nation(log: Path) -> Iterator[dict[str, str]]:
    """The receiver as a child process; gives the variables that a demo's nodes get."""
    port = free_port()
    environ = {
        "YIWANG_CLOCK": os.environ.get("YIWANG_CLOCK", f"{START}@x{SPEED}"), "YIWANG_CLOCK_EPOCH": str(time.time()),
        "YIWANG_NATIONAL_SYNC_ENDPOINTS": f"nation=http://127.0.0.1:{port}/exchange",
        "YIWANG_NATIONAL_SYNC_SECRETS": f"nation={SECRET}", "YIWANG_DEV_PEOPLE": "true",
        "YIWANG_LOG_LEVEL": os.environ.get("YIWANG_LOG_LEVEL", "warning"),
    }  # fmt: skip
    command = [sys.executable, "-m", "yiwang.stack.receiver", "--port", str(port)]
    child = spawn(command, log=log, env=os.environ | environ | {"YIWANG_RECEIVER_SECRET": SECRET}, cwd=os.getcwd())
    try:
        yield environ
    finally:
        stop(child, signal.SIGTERM, "demo")
