"""The tests of what is deployed: no engine, no cluster, no download but the package index."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
