"""The link to NATS for tools and tests that read or fill the streams themselves."""

from ._app import Link
from ._envelope import Ready, ready
from ._hears import STREAMS
from ._nats import PARKED, Publisher, api, connect, ensure_streams

__all__ = ["PARKED", "STREAMS", "Link", "Publisher", "Ready", "api", "connect", "ensure_streams", "ready"]
