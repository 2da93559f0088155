"""Write a service as functions from events to events.

Everything a service author needs is here; modules whose names begin with an underscore are the kit's own.
"""

from yiwang.contracts import Event

from ._app import App
from ._clock import Clock, ManualClock, SystemClock, VirtualClock, clock_from
from ._config import ConfigError, Kit, load
from ._context import Context, Tx
from ._ears import listening
from ._envelope import derived_id
from ._identity import Caller, Post, Role, allow, anonymous, signed
from ._nats import JetStreamError, PubAck
from ._node import Node
from ._problems import ErrorCode, FieldError, Problem, answers
from ._serve import main, migrate, running, serve
from ._service import Again, Outcome, Reject, Retry, Scope, Service, Timer
from ._sql import Sql

__all__ = [
    "Again", "App", "Caller", "Clock", "ConfigError", "Context", "ErrorCode", "Event", "FieldError", "JetStreamError", "Kit",
    "ManualClock", "Node", "Outcome", "Post", "Problem", "PubAck", "Reject", "Retry", "Role", "Scope", "Service", "Sql",
    "SystemClock", "Timer", "Tx", "VirtualClock", "allow", "anonymous", "answers", "clock_from", "derived_id", "listening", "load",
    "main", "migrate", "running", "serve", "signed",
]  # fmt: skip
