"""Facts that services share. A contract changes only by adding optional fields; anything else is a new version.

`Event` is the base; families are in `case`, `enforcement`, `notice` and `sync`. The wire name of an event is its
msgspec tag, said once.
"""

from ._event import CaseEvent, Event, Flow
from ._registry import UnknownEvent, decode, decoder_of, encode, registry, tag_of
from ._types import *  # noqa: F403
from .case import *  # noqa: F403
from .enforcement import *  # noqa: F403
from .notice import *  # noqa: F403
from .subjects import PARTITIONS, filters, parse, partition_of, subject_of
from .sync import *  # noqa: F403
