"""Ports are chosen long before a server listens on them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

from yiwang.stack._ports import PORTS, free_port

ASK = """
import json, sys
from yiwang.stack._ports import free_port
print(json.dumps([free_port() for _ in range(150)]), flush=True)
sys.stdin.read()
"""


def test_processes_that_live_at_the_same_time_are_never_given_the_same_port() -> None:
    """Four networks begun side by side write 150 ports each into their configurations."""
    askers = [
        subprocess.Popen([sys.executable, "-c", ASK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    given = [port for asker in askers for port in json.loads((asker.stdout or sys.stdin).readline())]
    for asker in askers:
        asker.communicate("")

    assert len(given) == len(set(given)) == 600


def test_a_run_of_ports_is_consecutive_and_passes_over_one_that_is_listened_on() -> None:
    """The three servers of a cluster stand side by side."""
    before = free_port()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", before + 2 if before + 2 in PORTS else before))
        taken.listen()
        first = free_port(3)

        assert {first, first + 1, first + 2}.isdisjoint({before, taken.getsockname()[1]})
        assert free_port() not in range(first, first + 3)
