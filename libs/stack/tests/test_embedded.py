"""The embedded servers keep what they are given, keep their port, and never outlive their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import nats
import pytest
from yiwang.stack.embedded import Account, Nats, Postgres, can_log_in


def until(condition: Callable[[], bool], what: str, wait: float = 15.0) -> None:
    """Return as soon as the condition holds; fail with `what` when it does not within `wait` seconds."""
    end = time.monotonic() + wait
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, what
        pause.wait(0.02)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


async def store(url: str, *texts: bytes) -> None:
    link = await nats.connect(url)
    js = link.jetstream()
    await js.add_stream(name="FACTS", subjects=["facts.>"])
    for text in texts:
        await js.publish("facts.one", text)
    await link.close()


async def stored(url: str) -> list[bytes]:
    link = await nats.connect(url)
    js = link.jetstream()
    info = await js.stream_info("FACTS")
    found = [(await js.get_msg("FACTS", seq)).data or b"" for seq in range(1, info.state.messages + 1)]
    await link.close()
    return found


async def test_a_second_start_finds_the_streams_again(open_dir: Path) -> None:
    """What JetStream acknowledged is there after stop and start, under the same login."""
    with Nats(open_dir / "nats") as first:
        url = first.url()
        await store(url, b"a", b"b")
    with Nats(open_dir / "nats", port=first.port) as second:
        assert second.url() == url
        assert await stored(second.url()) == [b"a", b"b"]


async def test_a_killed_nats_comes_back_on_its_port_with_its_streams(open_dir: Path) -> None:
    """kill -9 and start: same URL, nothing acknowledged is missing."""
    with Nats(open_dir / "nats") as server:
        url = server.url()
        await store(url, b"a")
        server.kill()
        assert not can_log_in(url)
        server.start()
        assert server.url() == url
        assert await stored(url) == [b"a"]


async def test_accounts_do_not_see_each_other_and_can_be_added_while_running() -> None:
    """Each node has its own account; adding one disturbs nobody."""
    with Nats(accounts=[Account("n440300")]) as server:
        await store(server.url("n440300"), b"mine")
        link = await nats.connect(server.url("n440300"))
        server.add_accounts(Account("n440306", max_streams=1))
        other = await nats.connect(server.url("n440306"))
        with pytest.raises(nats.js.errors.NotFoundError):
            await other.jetstream().stream_info("FACTS")
        assert link.is_connected
        assert link.stats["reconnects"] == 0
        await link.close()
        await other.close()


def test_nobody_gets_in_without_the_password() -> None:
    """Other users of the machine cannot read the mesh: both servers ask for the password."""
    with Nats() as server, Postgres(durable=False) as postgres:
        assert can_log_in(server.url())
        assert not can_log_in(f"nats://yiwang:wrong@127.0.0.1:{server.port}")
        psql = subprocess.run(
            [str(Path(_psql())), f"postgresql://postgres:wrong@127.0.0.1:{postgres.port}/postgres", "-c", "select 1"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "password authentication failed" in psql.stderr


def _psql() -> str:
    from yiwang.stack.embedded import find_postgres

    return find_postgres("psql")


def test_a_second_start_finds_the_database_again(open_dir: Path) -> None:
    """Rows survive stop and start, and creating the database again changes nothing."""
    with Postgres(open_dir / "pg") as first:
        first.create_database("yw_440300")
        first.query("create table kept as select 7 as n", "yw_440300")
    with Postgres(open_dir / "pg") as second:
        second.create_database("yw_440300")
        assert second.query("select n from kept", "yw_440300") == "7"


def test_a_killed_postgres_comes_back_with_what_was_committed(open_dir: Path) -> None:
    """kill -9 of all its processes and start: same URL, the committed row is there."""
    with Postgres(open_dir / "pg") as server:
        url = server.url()
        server.query("create table kept as select 7 as n")
        server.kill()
        server.start()
        assert server.url() == url
        assert server.query("select n from kept") == "7"


@pytest.mark.skipif(sys.platform != "linux", reason="the signal on the parent's death is a Linux feature")
def test_no_server_outlives_a_killed_parent(open_dir: Path) -> None:
    """kill -9 of the process that started them ends both servers, PostgreSQL's own children included."""
    environ = os.environ | {"TMPDIR": str(open_dir)}  # a killed parent cannot clean up after itself
    parent = subprocess.Popen([sys.executable, "-c", _PARENT], env=environ, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    nats_pid, postgres_pid = map(int, parent.stdout.readline().split())
    family = [nats_pid, postgres_pid, *_children(postgres_pid)]
    assert len(family) > 4
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    until(lambda: not any(map(alive, family)), f"some of {family} still run")


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


_PARENT = """
import threading
from yiwang.stack.embedded import Nats, Postgres
nats, postgres = Nats().start(), Postgres(durable=False).start()
print(nats.pid, postgres.pid, flush=True)
threading.Event().wait()
"""


def test_a_server_outlives_the_thread_that_asked_for_it() -> None:
    """Starting from a worker thread that then ends must not end the server (the trap of PR_SET_PDEATHSIG)."""
    server = Nats()
    worker = threading.Thread(target=server.start)
    worker.start()
    worker.join()
    try:
        assert all(can_log_in(server.url()) for _ in range(100))
        assert alive(server.pid)
    finally:
        server.stop()


def test_servers_are_up_within_two_seconds() -> None:
    """From nothing to answering, PostgreSQL's first initialisation included (twice the time on a busy machine)."""
    begin = time.monotonic()
    with Nats(), Postgres(durable=False):
        took = time.monotonic() - begin
    assert took < 2 * max(1.0, os.getloadavg()[0])
