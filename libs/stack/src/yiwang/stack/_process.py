"""Child processes that end with us, however we end.

Linux can signal a child when its parent dies (prctl PR_SET_PDEATHSIG), which holds even for kill -9. The trap: the
signal is sent when the *thread* that forked ends, not the process. A server started from a short-lived worker thread
would die with that thread. So every child here is forked by one thread that lives as long as the interpreter.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from yiwang.stack._reach import ServerUser

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_NURSERY = ThreadPoolExecutor(max_workers=1, thread_name_prefix="yiwang-nursery")

class ServerFailed(RuntimeError):
    """A server did not start or did not stop; the sentence carries the end of its own log."""


def spawn(
    command: Sequence[str],
    *,
    log: Path | None,
    env: Mapping[str, str] | None = None,
    user: ServerUser | None = None,
    on_parent_death: signal.Signals = signal.SIGTERM,
    cwd: str = "/",
) -> subprocess.Popen[bytes]:
    """Start `command`, its output appended to `log` (None: a pipe); when we die it gets `on_parent_death`."""
    parent = os.getpid()

    def prepare() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, on_parent_death)
            if os.getppid() != parent:
                os._exit(0)

    def start() -> subprocess.Popen[bytes]:
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(log.open("ab")) if log else subprocess.PIPE
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out if log else subprocess.STDOUT,
                env=dict(env) if env is not None else None,
                cwd=cwd,
                start_new_session=True,  # Ctrl-C in the terminal is for us; we stop the children in order
                preexec_fn=prepare,
                user=user.uid if user else None,
                group=user.gid if user else None,
                extra_groups=[] if user else None,
            )

    return _NURSERY.submit(start).result()


def wait_ready(process: subprocess.Popen[bytes], ready: Callable[[], bool], what: str, log: Path, wait: float) -> None:
    """Return once `ready()`; raise ServerFailed with the log's end when it ends first or `wait` seconds pass."""
    end = time.monotonic() + wait
    while time.monotonic() < end and process.poll() is None:
        if ready():
            return
        time.sleep(0.01)
    state = f"以状态 {process.returncode} 退出" if process.poll() is not None else f"{wait:.0f} 秒内没有就绪"
    tail = log.read_text(errors="replace")[-2000:]
    raise ServerFailed(f"{what} {state}；日志 {log} 的末尾：\n{tail}")


def stop(process: subprocess.Popen[bytes], how: signal.Signals, what: str, wait: float = 20.0) -> None:
    """Ask the process to end with `how`; after `wait` seconds end it with SIGKILL."""
    if process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(wait)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(wait)


def children_of(pid: int) -> list[int]:
    """The direct child processes of `pid`, whichever of its threads forked them (Linux; elsewhere none)."""
    found: list[int] = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in listing.read_text().split()]
    return found


def family_of(pid: int) -> list[int]:
    """`pid` and everything below it."""
    return [pid, *(one for child in children_of(pid) for one in family_of(child))]


def memory_mib(pid: int) -> float:
    """Resident memory of a process in MiB, shared pages counted in part (PSS), so that processes can be added up."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("Pss:"))


def kill_all(pids: Sequence[int]) -> None:
    """SIGKILL each pid that still lives and wait until none of them is a running process."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    end = time.monotonic() + 10
    while any(_runs(pid) for pid in pids):
        if time.monotonic() > end:
            raise ServerFailed(f"进程 {list(pids)} 收到 SIGKILL 后仍在：请检查磁盘是否卡住")
        time.sleep(0.005)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}
