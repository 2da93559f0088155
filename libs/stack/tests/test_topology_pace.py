"""A node's pace: one word in the topology, settings at its services."""

from __future__ import annotations

import msgspec
import pytest
from yiwang.kit import Kit, load
from yiwang.kit._config import unknown
from yiwang.stack import registry
from yiwang.stack.topology import PACES, read
from yiwang.stack.topology.containers import settings
from yiwang.stack.topology.reading import COUNTY_SERVICES, EVERYWHERE

SERVICES = registry.find_services((*COUNTY_SERVICES, *EVERYWHERE, "enforcement", "evaluation"))


@pytest.mark.parametrize("pace", PACES)
def test_what_a_pace_sets_are_settings_that_the_services_know(pace: str) -> None:
    """Each is read by the kit or by a service, and none is refused."""
    structs: dict[str, type[msgspec.Struct]] = {"YIWANG": Kit}
    structs |= {one.env_prefix: one.settings_type for one in SERVICES if one.settings_type}
    assert not unknown(PACES[pace], structs)
    for prefix, struct in structs.items():
        load(struct, PACES[pace], prefix)


def test_a_tier_goes_at_one_pace_and_a_node_at_its_own() -> None:
    """`[defaults.county]` says it for all counties; who says nothing is prompt."""
    topology = read(
        """
        name = "t"
        nodes = [
            { code = "440300", name = "深圳市" },
            { code = "440305", name = "南山区" },
            { code = "440308", name = "盐田区", pace = "prompt" },
        ]
        [defaults.county]
        pace = "calm"
        """
    )
    lingers = [settings(topology, node).get("YIWANG_LINGER_MS") for node in topology.nodes]
    assert lingers == [None, PACES["calm"]["YIWANG_LINGER_MS"], None]
