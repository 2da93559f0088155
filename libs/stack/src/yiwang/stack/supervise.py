"""One process per service: start them, show their logs as one, bring back what falls, stop all in order."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence

import msgspec
from rich.console import Console
from rich.text import Text
from yiwang.stack import _process

_COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "bright_red", "bright_cyan")
_LEVELS = {"warning": "yellow", "error": "bold red", "critical": "bold red", "debug": "dim"}
_HIDDEN = frozenset({"event", "level", "timestamp", "service", "logger", "node"})


class Part(msgspec.Struct, frozen=True):
    """What one process is: the words after `yiwang`, and its variables."""

    arguments: tuple[str, ...]
    environ: dict[str, str]


class Child:
    """One part's process."""

    def __init__(self, name: str, part: Part, show: Callable[[str, str], None]) -> None:
        self.name = name
        self._part, self._show = part, show
        self._falls = 0
        self._due = 0.0
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        process = _process.spawn(
            [sys.executable, "-m", "yiwang.stack", *self._part.arguments], log=None, env=self._part.environ, cwd="."
        )
        threading.Thread(target=self._read, args=(process,), daemon=True).start()
        return process

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._show(self.name, line.decode(errors="replace").rstrip())

    def tend(self, now: float) -> None:
        """Start the process again after it fell: at once, then after 1, 2, 4 … 30 seconds."""
        if self.process.poll() is None:
            return
        if not self._due:
            wait = 0 if not self._falls else min(30, 2 ** (self._falls - 1))
            self._falls += 1
            self._due = now + wait
            self._show(self.name, f"进程以状态 {self.process.returncode} 结束，{wait} 秒后重新启动")
        if now >= self._due:
            self._due = 0.0
            self.process = self._start()


class Log:
    """One readable log of several processes: time, coloured service, level, what happened."""

    def __init__(self, names: Sequence[str], console: Console) -> None:
        self._colours = dict(zip(names, itertools.cycle(_COLOURS), strict=False))
        self._width = max(map(len, names))
        self._console = console

    def __call__(self, name: str, line: str) -> None:
        """Print one line of a service: structured ones arranged, others as they are."""
        text = Text()
        text.append(f"{name:<{self._width}} │ ", style=self._colours[name])
        try:
            fields = msgspec.json.decode(line, type=dict[str, object])
        except msgspec.DecodeError:
            text.append(line)
        else:
            style = _LEVELS.get(str(fields.get("level", "")), "")
            text.append(f"{str(fields.get('timestamp', ''))[11:19]} ", style="dim")
            text.append(str(fields.get("event", "")), style=style)
            for key, value in fields.items():
                if key not in _HIDDEN:
                    text.append(f" {key}=", style="dim")
                    text.append(str(value))
        self._console.print(text, soft_wrap=True)


def supervise(parts: Mapping[str, Part], console: Console, started: Callable[[], None]) -> None:
    """Run each part until SIGINT or SIGTERM, then stop them together."""
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    show = Log(list(parts), console)
    children = [Child(name, part, show) for name, part in parts.items()]
    started()
    while not over.wait(0.3):
        for child in children:
            child.tend(time.monotonic())
    for child in children:
        if child.process.poll() is None:
            child.process.send_signal(signal.SIGTERM)
    for child in children:
        _process.stop(child.process, signal.SIGTERM, child.name)
