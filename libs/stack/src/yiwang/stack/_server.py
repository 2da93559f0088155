"""What the embedded servers have in common: start on a free port, stop, be killed, come back on the same port."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from yiwang.stack import _process
from yiwang.stack._ports import free_port
from yiwang.stack._process import ServerFailed


class Server:
    """A server of our own on 127.0.0.1, a synchronous context manager.

    With a `directory` its data stays there and a later start finds it; without one it lives in a temporary directory
    that goes with `stop()`. A class below says how it is prepared, spawned, and asked whether it answers.
    """

    name: ClassVar[str]
    home: ClassVar[str]
    """Beginning of a temporary directory's name"""
    log_name: ClassVar[str]
    ends_by: ClassVar[signal.Signals]
    """The signal that ends it in order"""
    patience_s: ClassVar[float]
    """How long it may take to answer"""

    def __init__(self, directory: Path | None, port: int) -> None:
        self._temporary = directory is None
        self._fixed_port = port
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port
        self.directory = directory or Path()

    def _prepare(self) -> None:
        """Make what must be there before every start."""

    def _spawn(self, log: Path) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    @property
    def log(self) -> Path:
        return self.directory / self.log_name

    @property
    def pid(self) -> int:
        """The server's process id; raises ServerFailed while it does not run."""
        if self._process is None:
            raise ServerFailed(f"{self.name} 没有运行：请先 start()")
        return self._process.pid

    def start(self) -> Self:
        """Start the server (same port as before, if it ran before) and return when it answers."""
        if self._temporary and not self.directory.name:
            self.directory = Path(tempfile.mkdtemp(prefix=self.home))
        self.directory.mkdir(parents=True, exist_ok=True)
        self._prepare()
        attempts = 1 if self.port else 3  # a free port can be taken between looking and listening
        for attempt in range(1, attempts + 1):
            try:
                self._launch(self.port or free_port())
            except ServerFailed:
                if attempt == attempts:
                    raise
            else:
                break
        return self

    def stop(self) -> None:
        """End the server in order. A temporary directory is removed."""
        self._end()
        if self._temporary and self.directory.name:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = Path()

    def kill(self) -> None:
        """kill -9 of the server and all its processes, as a crash would; `start()` brings it back on the same port."""
        if self._process is None:
            return
        children = _process.children_of(self._process.pid)
        self._process.kill()
        self._process.wait(10)
        _process.kill_all(children)
        self._process = None

    def restart(self) -> None:
        """Stop in order and start on the same port."""
        self._end()
        self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

    def _launch(self, port: int) -> None:
        self.port = port
        self._process = self._spawn(self.log)
        try:
            _process.wait_ready(self._process, self._answers, self.name, self.log, self.patience_s)
        except ServerFailed:
            self.kill()
            self.port = self._fixed_port
            raise

    def _end(self) -> None:
        if self._process is not None:
            _process.stop(self._process, self.ends_by, self.name)
            self._process = None
