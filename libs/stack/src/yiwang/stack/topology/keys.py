"""The directory of a deployment's keys: the CA, a certificate for each server, an nkey for each NATS user.

Every file in it is readable by its owner only. Seeds and private keys go from here into the rendered files and nowhere
else: no command prints them. ``keys.json`` holds the public halves.

A change of keys takes three steps, so that no link is lost between them: `rotate` makes the new pair, and parents
accept both; `switch` lets the node use the new one; `finish` forgets the old one. The CA changes the same way, for all
servers at once: they trust both, then show certificates of the new one, then trust it alone.
"""

from __future__ import annotations

import datetime as dt
import secrets
from pathlib import Path
from typing import Final

import msgspec
import nkeys  # type: ignore[import-untyped]
from yiwang.stack._nats_server import write_private

from . import pki
from .model import Server, Topology, TopologyNode

BOOK = "keys.json"
LEAF_SEED = "LEAF_SEED"
"""Name of the variable in leaf.conf by which a server's configuration takes the seed of its link"""
CA: Final = "ca"
"""What stands for a node's code where the CA is meant"""
CA_NEXT: Final = "ca.next.pem"
CA_OLD: Final = "ca.old.pem"
CONTAINER_HOSTS = ("nats", "nats-2", "nats-3")
"""How the servers of the compose files are called"""


class User(msgspec.Struct, frozen=True):
    """Public nkeys of one NATS user: the one in use, a coming one, one that is going."""

    current: str
    next: str = ""
    old: str = ""

    @property
    def accepted(self) -> tuple[str, ...]:
        """The public keys that may log in."""
        return tuple(key for key in (self.current, self.next, self.old) if key)


class KeysMissing(Exception):
    """The keys can't be made or changed so; the sentence says what to do."""


def service_user(node: TopologyNode) -> str:
    """Name of the user of a node's services."""
    return node.account


def leaf_user(node: TopologyNode) -> str:
    """Name of the user by which a node's server links to its parent's."""
    return f"leaf-{node.account}"


def system_user(node: TopologyNode) -> str:
    """Name of the user that watches a node's servers (system account)."""
    return f"sys-{node.account}"


def users_of(topology: Topology, node: TopologyNode) -> list[str]:
    """The NATS users that a node has keys for."""
    found = [service_user(node)] if node.runs_services else []
    if node.has_servers:
        found += [leaf_user(node)] if node.parent else []
        found.append(system_user(node))
    return found


class KeyRing:
    """The keys in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        book = directory / BOOK
        self._users = msgspec.json.decode(book.read_bytes(), type=dict[str, User]) if book.exists() else {}

    def user(self, name: str) -> User:
        """The public keys of a user. Raises KeysMissing when it has none yet."""
        if name not in self._users:
            raise KeysMissing(f"{self.directory} 里没有 {name} 的密钥：请先运行 yiwang topology keys make")
        return self._users[name]

    def ca(self) -> bytes:
        """The CA's certificate; during a change those of the old and of the new one, of which either is trusted."""
        others = [self._read(name) for name in (CA_NEXT, CA_OLD) if self._has(name)]
        return b"".join([self._read("ca.pem"), *others])

    def certificate(self, server: Server) -> pki.Pair:
        """A server's certificate and key."""
        return self._read(f"{server.name}.pem"), self._read(f"{server.name}.key")

    def seed(self, name: str) -> bytes:
        """A user's seed in use. For files of mode 0600 only."""
        return self._read(f"{name}.nk")

    def server_files(self, node: TopologyNode, server: Server) -> dict[str, bytes]:
        """What lies beside a server's configuration. For files of mode 0600 only."""
        certificate, key = self.certificate(server)
        files = {"ca.pem": self.ca(), "server.pem": certificate, "server.key": key}
        if node.parent:
            files["leaf.conf"] = f'{LEAF_SEED}: "{self.seed(leaf_user(node)).decode()}"\n'.encode()
        return files

    def make(self, topology: Topology, now: dt.datetime) -> list[str]:
        """Make what is missing; return the names of what was made. A second run makes nothing."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        made: list[str] = []
        if not self._has("ca.pem"):
            self._write_pair("ca", pki.make_ca(topology.name, now))
            made.append("ca")
        for node in topology.nodes:
            for user in users_of(topology, node):
                if user not in self._users:
                    self._users[user] = User(self._new_seed(f"{user}.nk"))
                    made.append(user)
            for server in node.server_list() if node.has_servers else ():
                if not self._has(f"{server.name}.pem") or self._other_hosts(server):
                    self._write_pair(server.name, self._signed(server, now))
                    made.append(server.name)
        self._save()
        return made

    def rotate(self, topology: Topology, node: TopologyNode, now: dt.datetime) -> list[str]:
        """Make new keys and certificates beside those in use. Raises KeysMissing when a change is under way."""
        users = users_of(topology, node)
        for user in users:
            if len(self.user(user).accepted) > 1:
                raise KeysMissing(f"{user} 的上一次更换还没有结束：请先运行 keys switch 或 keys finish {node.code}")
        for user in users:
            fresh = self._new_seed(f"{user}.next.nk")
            self._users[user] = msgspec.structs.replace(self._users[user], next=fresh)
        servers = node.server_list() if node.has_servers else ()
        for server in servers:
            self._write_pair(f"{server.name}.next", self._signed(server, now))
        self._save()
        return [*users, *(server.name for server in servers)]

    def switch(self, topology: Topology, node: TopologyNode) -> list[str]:
        """Use the new ones; the old ones are still accepted. Raises KeysMissing when there are no new ones."""
        users = users_of(topology, node)
        for user in users:
            if not self.user(user).next:
                raise KeysMissing(f"{user} 没有新密钥：请先运行 keys rotate {node.code}")
        for user in users:
            had = self._users[user]
            self._rename(f"{user}.next.nk", f"{user}.nk")
            self._users[user] = User(current=had.next, old=had.current)
        for server in node.server_list() if node.has_servers else ():
            for kind in ("pem", "key"):
                self._rename(f"{server.name}.next.{kind}", f"{server.name}.{kind}")
        self._save()
        return users

    def finish(self, topology: Topology, node: TopologyNode) -> list[str]:
        """Accept the old ones no longer. Raises KeysMissing before `switch`."""
        users = users_of(topology, node)
        for user in users:
            if not self.user(user).old:
                raise KeysMissing(f"{user} 没有要作废的旧密钥：请先运行 keys rotate 和 keys switch {node.code}")
            self._users[user] = User(current=self._users[user].current)
        self._save()
        return users

    def rotate_ca(self, topology: Topology, now: dt.datetime) -> list[str]:
        """Make a new CA beside the one in use. Raises KeysMissing when a change is under way."""
        if self._has(CA_NEXT) or self._has(CA_OLD):
            raise KeysMissing(f"CA 的上一次更换还没有结束：请先运行 keys switch 或 keys finish，节点写 {CA}")
        self._no_node_changes()
        self._read("ca.pem")
        self._write_pair("ca.next", pki.make_ca(topology.name, now))
        return [CA]

    def switch_ca(self, topology: Topology, now: dt.datetime) -> list[str]:
        """Let every server show a certificate of the new CA; the old one is still trusted. Raises KeysMissing."""
        if not self._has(CA_NEXT):
            raise KeysMissing(f"没有新的 CA：请先运行 keys rotate，节点写 {CA}")
        self._no_node_changes()
        self._rename("ca.pem", CA_OLD)
        for kind in ("pem", "key"):
            self._rename(f"ca.next.{kind}", f"ca.{kind}")
        servers = [server for node in topology.with_servers for server in node.server_list()]
        for server in servers:
            self._write_pair(server.name, self._signed(server, now))
        return [CA, *(server.name for server in servers)]

    def finish_ca(self) -> list[str]:
        """Trust the old CA no longer. Raises KeysMissing before `switch_ca`."""
        if not self._has(CA_OLD):
            raise KeysMissing(f"没有要作废的旧 CA：请先运行 keys rotate 和 keys switch，节点写 {CA}")
        (self.directory / CA_OLD).unlink()
        return [CA]

    def _no_node_changes(self) -> None:
        """A node's certificate in waiting is signed by the CA of then. Raises KeysMissing."""
        if waiting := [name for name, user in self._users.items() if user.next]:
            raise KeysMissing(f"{waiting[0]} 的更换还没有结束：请先对它的节点运行 keys switch 和 keys finish，再更换 CA")

    def changing(self) -> dict[str, str]:
        """user → which step of a change it has reached, for those that are between two keys."""
        found = {}
        if self._has(CA_NEXT):
            found[CA] = "新 CA 已备好：请 render 并重载全部服务器，然后 keys switch"
        elif self._has(CA_OLD):
            found[CA] = "证书已由新 CA 签发：请 render 并重载全部服务器，然后 keys finish"
        for name, user in self._users.items():
            if user.next:
                found[name] = "新密钥已备好：请 render 并重载上级，然后 keys switch"
            elif user.old:
                found[name] = "已改用新密钥：请 render 并重载本级，然后 keys finish"
        return found

    def expiries(self, topology: Topology) -> dict[str, dt.datetime]:
        """When the CA's and each server's certificate ends."""
        found = {"ca": pki.expiry(self._read("ca.pem"))}
        for node in topology.with_servers:
            found |= {server.name: pki.expiry(self.certificate(server)[0]) for server in node.server_list()}
        return found

    def _signed(self, server: Server, now: dt.datetime) -> pki.Pair:
        ca = self._read("ca.pem"), self._read("ca.key")
        return pki.make_server(server.name, _hosts(server), ca, now)

    def _other_hosts(self, server: Server) -> bool:
        """Whether the server goes by a name that its certificate doesn't have, e.g. after a move."""
        return not set(_hosts(server)) <= set(pki.hosts_of(self._read(f"{server.name}.pem")))

    def _new_seed(self, file: str) -> str:
        seed = nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER)
        write_private(self.directory / file, bytes(seed))
        return str(nkeys.from_seed(bytearray(seed)).public_key.decode())

    def _write_pair(self, name: str, pair: pki.Pair) -> None:
        write_private(self.directory / f"{name}.pem", pair[0])
        write_private(self.directory / f"{name}.key", pair[1])

    def _has(self, file: str) -> bool:
        return (self.directory / file).exists()

    def _read(self, file: str) -> bytes:
        try:
            return (self.directory / file).read_bytes()
        except FileNotFoundError as error:
            raise KeysMissing(f"{self.directory} 里没有 {file}：请先运行 yiwang topology keys make") from error

    def _rename(self, old: str, new: str) -> None:
        (self.directory / old).replace(self.directory / new)

    def _save(self) -> None:
        write_private(self.directory / BOOK, msgspec.json.format(msgspec.json.encode(self._users), indent=1))


def _hosts(server: Server) -> list[str]:
    """Its address, and what it is called on its machine, in the chart and in the compose files."""
    pod = server.name if server.name[-2] == "-" else f"{server.name}-1"
    service = pod[:-2]
    return [server.address, server.name, service, f"{pod}.{service}", *CONTAINER_HOSTS, "localhost", "127.0.0.1"]
