"""The long files come first, so that the two workers of `make test` end together."""

from __future__ import annotations

from typing import Final

import pytest

LONG: Final = frozenset({
    "test_acceptance", "test_api_holds", "test_case_life", "test_evidence", "test_kills", "test_new", "test_pingshan",
    "test_restore", "test_tenant_moves", "test_topology_keys", "test_up", "test_worklist",
})  # fmt: skip
"""Modules that take ten seconds and more"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order within the long ones and within the others stays as it is."""
    items.sort(key=lambda item: item.path.stem not in LONG)
