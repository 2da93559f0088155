"""Lines that can be cut, and the books of what went over them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from yiwang.stack.tally import compare
from yiwang.stack.wires import Wires


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that says back what it hears."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(peer: socket.socket) -> None:
        with peer:
            while data := peer.recv(1024):
                peer.sendall(data)

    def accept() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(peer,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


@pytest.fixture
def wires() -> Iterator[Wires]:
    made = Wires()
    yield made
    made.close()


def say(link: socket.socket, word: bytes) -> bytes:
    link.sendall(word)
    return link.recv(1024)


def test_a_cut_line_is_a_hole_and_what_waited_comes_after_the_repair(echo: int, wires: Wires) -> None:
    """The connection stays; nothing arrives; after the repair it does, on the same connection."""
    with socket.create_connection(("127.0.0.1", wires.lay("440106", echo)), 10) as link:
        assert say(link, b"one") == b"one"
        wires.cut("440106")
        link.sendall(b"two")
        link.settimeout(0.3)
        with pytest.raises(TimeoutError):
            link.recv(1024)
        wires.mend("440106")
        link.settimeout(10)
        assert link.recv(1024) == b"two"
        link.shutdown(socket.SHUT_WR)
        assert link.recv(1024) == b""  # the far end has hung up: the forwarder has counted all
    assert wires.passed("440106") == 12


def test_a_line_that_is_hung_up_breaks_and_refuses_until_it_is_mended(echo: int, wires: Wires) -> None:
    port = wires.lay("440106", echo)
    with socket.create_connection(("127.0.0.1", port), 10) as link:
        assert say(link, b"one") == b"one"
        wires.hang_up("440106")
        with pytest.raises(ConnectionError):
            if link.recv(1024) == b"":
                raise ConnectionResetError
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 10)
    wires.mend("440106")
    with socket.create_connection(("127.0.0.1", port), 10) as link:
        assert say(link, b"two") == b"two"


def test_a_node_without_a_line_is_said_so(wires: Wires) -> None:
    with pytest.raises(ValueError, match="没有自己的服务器"):
        wires.cut("440111")


def test_the_books_find_what_is_missing_doubled_foreign_or_out_of_order() -> None:
    sent = {"a": ["s-1", "s-3"], "b": ["s-2", "s-4"]}
    assert compare(sent, ["s-1", "s-2", "s-3", "s-4"]).clean
    assert compare(sent, ["s-2", "s-1", "s-4", "s-3", "other"], prefix="s-").clean  # keys may pass each other
    assert compare(sent, ["s-1", "s-2", "s-3"]).missing == ("s-4",)
    assert compare(sent, ["s-1", "s-2", "s-2", "s-3", "s-4"]).doubled == ("s-2",)
    assert compare(sent, ["s-1", "s-2", "s-3", "s-4", "s-9"]).foreign == ("s-9",)
    assert compare(sent, ["s-3", "s-1", "s-2", "s-4"]).disordered == ("a",)
