"""The processes in which nodes' services run: started from a plan, awaited, and put into trouble."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import msgspec
from yiwang.stack import _process
from yiwang.stack._nats_server import write_private
from yiwang.stack.embedded import ServerFailed
from yiwang.stack.node_host import Guest


class Hosts:
    """Processes by name, each with one or several nodes; plans and logs lie in *directory*."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, guests: list[Guest]) -> None:
        """Start the process unless it runs."""
        if name in self.running and self.running[name].poll() is None:
            return
        plan = self.directory / f"plan-{name}.json"
        write_private(plan, msgspec.json.encode(guests))
        command = [sys.executable, "-m", "yiwang.stack.node_host", str(plan)]
        self.running[name] = _process.spawn(command, log=self.log(name), env=dict(os.environ), cwd=os.getcwd())

    def log(self, name: str) -> Path:
        """What the process writes."""
        return self.directory / f"plan-{name}.log"

    def await_ready(self, name: str, url: str, seconds: float = 180.0) -> None:
        """Return when *url* answers /readyz. Raises ServerFailed with the log's end otherwise."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.running[name].poll() is None:
            try:
                with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        tail = self.log(name).read_text("utf-8", "replace")[-2500:]
        raise ServerFailed(f"{url} 的服务没有就绪；日志 {self.log(name)} 的末尾：\n{tail}")

    def kill(self, name: str) -> None:
        """kill -9."""
        child = self.running.pop(name)
        child.kill()
        child.wait(10)

    def stop(self, name: str) -> None:
        """End it in order."""
        child = self.running.pop(name)
        child.send_signal(signal.SIGCONT)
        _process.stop(child, signal.SIGTERM, f"services {name}")

    def stop_all(self) -> None:
        """End all, at the same time."""
        for child in self.running.values():
            if child.poll() is None:
                child.send_signal(signal.SIGCONT)
                child.send_signal(signal.SIGTERM)
        for name in list(self.running):
            self.stop(name)

    def signal(self, name: str, number: signal.Signals) -> None:
        """SIGSTOP, SIGCONT and the like."""
        self.running[name].send_signal(number)
