"""`yiwang up`: a second start finds the data, other commands find the node, and one data directory has one node."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from yiwang.stack._ports import free_port
from yiwang.stack.place import Run, running_at

PROFILE = Path(__file__).parents[3] / "deploy" / "profiles" / "shenzhen"
pytestmark = pytest.mark.timeout(400)
YIWANG = [sys.executable, "-m", "yiwang.stack"]
QUIET = {name: value for name, value in os.environ.items() if not name.startswith("YIWANG_")}


@contextmanager
def up(data: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], Run]]:
    """A node that is up; stopped by Ctrl-C at the end, as a person would."""
    services = [word for word in arguments if not word.startswith("--")] or ["flood_watch", "identity"]
    options = [word for word in arguments if word.startswith("--")]
    command = [*YIWANG, "up", *services, "--data", str(data), "--port", str(free_port()), *options]
    with (data.parent / "up.log").open("a") as log:
        process = subprocess.Popen(command, cwd=data.parent, env=QUIET, stdout=log, stderr=log, text=True)
    try:
        wait_ready(process, data)
        run = running_at(data)
        assert run is not None
        yield process, run
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, (data.parent / "up.log").read_text()


def wait_ready(process: subprocess.Popen[str], data: Path) -> None:
    """Return when every service answers that it is ready."""
    from yiwang.stack._process import wait_ready as wait

    def ready() -> bool:
        run = running_at(data)
        return run is not None and answers(f"http://127.0.0.1:{run.environ['YIWANG_HTTP_PORT']}/readyz")

    wait(process, ready, "yiwang up", data.parent / "up.log", 120)  # type: ignore[arg-type]


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(json.load(answer)["ready"])
    except OSError:
        return False


def yiwang(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*YIWANG, *arguments], cwd=cwd, env=QUIET, capture_output=True, text=True, check=False)


def test_a_second_start_finds_the_data_and_the_logins_again(open_dir: Path) -> None:
    """An account made while the node runs is there after Ctrl-C and the next start."""
    data = open_dir / "var"
    with up(data) as (_, first):
        made = yiwang("user", "add", "admin", "--name", "管理员", "--role", "security_admin", "--area", "440300",
                      "--data", str(data), cwd=open_dir)  # fmt: skip
        assert made.returncode == 0, made.stderr
        assert (data / "run.json").stat().st_mode & 0o077 == 0
    assert not (data / "run.json").exists()
    with up(data) as (_, second):
        assert login(first.environ["YIWANG_NATS_URL"]) == login(second.environ["YIWANG_NATS_URL"])
        assert "admin" in yiwang("user", "list", "--data", str(data), cwd=open_dir).stdout


def login(url: str) -> str:
    return url.rpartition("@")[0]


def test_one_data_directory_has_one_node(open_dir: Path) -> None:
    """A second `up` is refused with the process to stop; a restore too."""
    data = open_dir / "var"
    with up(data) as (process, _):
        again = yiwang("up", "flood_watch", "--data", str(data), cwd=open_dir)
        assert again.returncode == 1
        assert str(process.pid) in again.stderr
        (open_dir / "backup").mkdir()
        restore = yiwang("restore", "backup", "--data", str(data), cwd=open_dir)
        assert restore.returncode == 1
        assert "正在运行" in restore.stderr


def test_another_city_does_not_start_on_this_citys_data(open_dir: Path) -> None:
    """The data directory remembers whose it is."""
    data = open_dir / "var"
    with up(data):
        pass
    other = subprocess.run(
        [*YIWANG, "up", "flood_watch", "--data", str(data)],
        env=QUIET | {"YIWANG_JURISDICTION": "441900"}, cwd=open_dir, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert other.returncode == 1
    assert "440300" in other.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="finds the child by /proc")
def test_a_fallen_service_is_started_again(open_dir: Path) -> None:
    """With one process per service, kill -9 of one brings it back while the others go on."""
    data = open_dir / "var"
    with up(data, "--processes") as (process, run):
        watch = child(process.pid, "flood_watch")
        os.kill(watch, signal.SIGKILL)
        from yiwang.stack._process import wait_ready as wait

        back = f"http://127.0.0.1:{run.environ['YIWANG_HTTP_PORT']}/readyz"
        log = open_dir / "up.log"
        wait(process, lambda: child(process.pid, "flood_watch") not in (0, watch) and answers(back), "it", log, 120)  # type: ignore[arg-type]
        assert "重新启动" in log.read_text()


def test_with_one_process_each_the_worklist_is_entered_at_one_address(open_dir: Path) -> None:
    """Login of one process, cases and page of another, the live stream of a third: all behind the gateway."""
    data = open_dir / "var"
    with up(data, "--processes", "dispatch", "identity", "notification", f"--profile-dir={PROFILE}") as (_, run):
        made = yiwang("user", "add", "zhao", "--name", "赵", "--role", "acceptor", "--area", "440300",
                      "--data", str(data), cwd=open_dir)  # fmt: skip
        [first] = re.findall(r"初始密码 (\S+?)（", made.stdout)
        with httpx.Client(
            base_url=f"http://127.0.0.1:{run.environ['YIWANG_HTTP_PORT']}", timeout=30, trust_env=False
        ) as http:
            new = {"login": "zhao", "old": first, "new": "Wangge-2026-xin"}
            assert http.post("/identity/password", json=new).status_code == 204
            token = http.post("/identity/token", json={"login": "zhao", "password": new["new"]}).json()["access_token"]
            http.headers["Authorization"] = f"Bearer {token}"
            assert "<html" in http.get("/worklist").text
            assert http.get("/cases").json() == {"cases": [], "cursor": ""}
            assert http.get("/notices").json()["items"] == []
            with http.stream("GET", "/notices/stream") as answer:
                assert answer.headers["content-type"].startswith("text/event-stream")


def child(parent: int, word: str) -> int:
    """The process below `parent` that runs the service `word`; 0 without one."""
    for listing in Path(f"/proc/{parent}/task").glob("*/children"):
        for pid in listing.read_text().split():
            if f"\0{word}\0" in Path(f"/proc/{pid}/cmdline").read_text():
                return int(pid)
    return 0
