"""A container engine: the one that answers, else Debian's docker.io, run privately for as long as it is needed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

WORK = Path("var/containers")
"""Where the private engine and images made from packages live; kept between runs."""


class Docker:
    """An engine that answers; ends with the block when it is ours."""

    def __init__(self, environ: Mapping[str, str], process: subprocess.Popen[bytes] | None = None) -> None:
        self.environ = dict(environ)
        self._process = process
        if subprocess.run(
            ["docker", "buildx", "version"], capture_output=True, env=self.environ, check=False
        ).returncode:
            self.environ["DOCKER_BUILDKIT"] = "0"  # a client without buildx builds the old way

    def run(self, *arguments: str | Path, quiet: bool = True) -> str:
        """`docker …`; its output. Raises SystemExit with what it said when it fails."""
        command = ["docker", *map(str, arguments)]
        done = subprocess.run(
            command, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}: {done.stdout[-4000:]}")
        if not quiet:
            print(done.stdout)
        return done.stdout.strip()

    def works(self, *arguments: str) -> bool:
        """Whether `docker …` succeeds."""
        return not subprocess.run(["docker", *arguments], env=self.environ, capture_output=True, check=False).returncode

    def inspect(self, kind: str, name: str) -> dict[str, Any]:
        """What the engine knows of an image or a container."""
        found: dict[str, Any] = json.loads(self.run(kind, "inspect", name))[0]
        return found

    def size(self, image: str) -> int:
        """Bytes of an image, unpacked."""
        return int(self.inspect("image", image)["Size"])

    def version(self) -> str:
        """Engine and storage driver."""
        return self.run("info", "--format", "engine {{.ServerVersion}}, {{.Driver}}, {{.NCPU}} cpus")

    def __enter__(self) -> Docker:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)


def find() -> Docker:
    """The engine that answers (DOCKER_HOST or the default), else a private one. Raises SystemExit with a sentence."""
    if shutil.which("docker") and _answers(os.environ):
        return Docker(os.environ)
    if os.geteuid() != 0:
        raise SystemExit("没有应答的容器引擎，且不是 root：请启动 docker，或以 root 运行 make test-containers")
    _install(["docker.io", "iptables"], "dockerd")
    return _private()


def _answers(environ: Mapping[str, str]) -> bool:
    return not subprocess.run(["docker", "info"], env=dict(environ), capture_output=True, check=False).returncode


def _install(packages: Sequence[str], program: str) -> None:
    if shutil.which(program):
        return
    if not shutil.which("apt-get"):
        raise SystemExit(f"没有 {program}，也没有 apt-get：请安装 {' '.join(packages)}")
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        done = subprocess.run(["apt-get", *command], env=environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"apt-get {command[0]} 失败：{done.stderr[-2000:]}")


def install(packages: Sequence[str], program: str) -> None:
    """Install Debian packages unless the program is there. Raises SystemExit with a sentence."""
    _install(packages, program)


def _private() -> Docker:
    WORK.mkdir(parents=True, exist_ok=True)
    run = Path(tempfile.mkdtemp(prefix="yiwang-dockerd-"))  # a socket's path must be short
    environ = os.environ | {"DOCKER_HOST": f"unix://{run}/docker.sock"}
    command = [
        "dockerd", "--data-root", str(WORK.absolute() / "engine"), "--exec-root", str(run / "exec"),
        "--pidfile", str(run / "pid"), "--host", environ["DOCKER_HOST"],
        # A machine may forbid raising limits and oom scores.
        "--default-ulimit", "nofile=1024:4096", "--oom-score-adjust", "0",
    ]  # fmt: skip
    log = WORK / "dockerd.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
    end = time.monotonic() + 60
    while not _answers(environ):
        if process.poll() is not None or time.monotonic() > end:
            process.terminate()
            raise SystemExit(f"dockerd 没有启动：{log.read_text()[-2000:]}")
        time.sleep(0.2)
    return Docker(environ, process)
