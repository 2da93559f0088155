# ruff: noqa: F403
"""Facts that services share. A contract changes only by adding optional fields; anything else is a new version.

`Event` is the base; families are in `branch`, `campaign`, `case`, `contact`, `custody`, `directive`, `downward`, `enforcement`,
`evaluation`, `ledger`, `mesh`, `notice`, `station`, `sync`, `task`, `whistle` and `work`. The wire name of an event
is its msgspec tag, said once.
"""

from ._event import *
from ._privacy import *
from ._registry import *
from ._types import *
from .branch import *
from .campaign import *
from .case import *
from .codes import *
from .contact import *
from .custody import *
from .directive import *
from .downward import *
from .enforcement import *
from .evaluation import *
from .ledger import *
from .mesh import *
from .notice import *
from .station import *
from .subjects import *
from .sync import *
from .task import *
from .whistle import *
from .work import *
