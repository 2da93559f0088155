"""The servers that a machine without any server gets: NATS and PostgreSQL from their wheels.

Both listen on 127.0.0.1 only, ask for a password, end when their parent ends (also by kill -9), keep their port over
a restart, and are synchronous context managers::

    with Nats() as nats, Postgres(durable=False) as postgres:
        connect(nats.url(), postgres.create_database("yw_440300"))
"""

from yiwang.stack._nats_server import Account, Nats, can_log_in, find_nats_server
from yiwang.stack._postgres_server import Postgres, find_postgres
from yiwang.stack._process import ServerFailed
from yiwang.stack._reach import Unreachable

__all__ = [
    "Account",
    "Nats",
    "Postgres",
    "ServerFailed",
    "Unreachable",
    "can_log_in",
    "find_nats_server",
    "find_postgres",
]
