"""The link to NATS for tools and tests that read or fill the streams themselves."""

from ._app import Link
from ._envelope import Ready, ready
from ._feed import Feed, FeedLost, Raw
from ._hears import STREAMS
from ._nats import PARKED, Publisher, api, connect
from ._streams import ensure_streams

__all__ = [
    "PARKED", "STREAMS", "Feed", "FeedLost", "Link", "Publisher", "Raw", "Ready", "api", "connect", "ensure_streams", "ready",
]  # fmt: skip
