"""The mesh page: which nodes there are, who is above and below, and who acts for whom (``YIWANG_MESH``).

It is the public part of a topology, the same file at every node; a node without one stands alone. `yiwang topology
render` writes it. It names places, never addresses or secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec
from yiwang.contracts import areas

from ._config import ConfigError

TIERS: Final = ("nation", "province", "city", "county")


class MeshNode(msgspec.Struct, frozen=True, kw_only=True):
    """One place with cases."""

    code: str
    """Area code: the jurisdiction"""
    name: str = ""
    """What people call it (区划名称)"""
    tier: str = "county"
    """province, city or county"""
    parent: str = ""
    """Code of the node above, "" at the top"""
    klass: str = "standard"
    """basic (基础型), standard (通用型) or smart (智慧型)"""
    host: str = ""
    """Code of the node whose servers carry it, "" if it has its own"""
    database_gib: float = 0.0
    """What its host gives its database, 0: no bound"""
    docked: bool = False
    """Another maker's platform (对接): it takes part by exchange only"""
    lacks: tuple[str, ...] = ()
    """What a docked or small node doesn't have, each a sentence"""
    services: tuple[str, ...] = ()
    """Services of its own"""
    hosted: dict[str, str] = msgspec.field(default_factory=dict)
    """service → code of the node above whose service acts for it"""
    governance: str = ""
    """one_supervise_two_command, two_supervise_two_command or single"""


class MeshPage(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All nodes of a deployment."""

    topology: str = ""
    version: str = ""
    nodes: tuple[MeshNode, ...] = ()

    @cached_property
    def by_code(self) -> Mapping[str, MeshNode]:
        return {node.code: node for node in self.nodes}

    def chain(self, code: str) -> tuple[str, ...]:
        """The node itself and all above it, upwards."""
        found: list[str] = []
        while code and code not in found:
            found.append(code)
            node = self.by_code.get(code)
            code = node.parent if node else ""
        return tuple(found)

    def node_for(self, area: str) -> str:
        """Code of the lowest node that *area* belongs to, "" if none of this deployment covers it."""
        covering = [node.code for node in self.nodes if areas.contains(node.code, area)]
        return max(covering, key=lambda code: (len(self.chain(code)), len(code)), default="")


class Mesh:
    """The mesh as one node sees it."""

    def __init__(self, page: MeshPage, code: str) -> None:
        self.page, self.code = page, code
        self.me = page.by_code[code]

    @classmethod
    def load(cls, file: str, code: str) -> Mesh | None:
        """The page in *file* as the node *code* sees it; None without a file.

        Raises ConfigError with a sentence when the page can't be read or doesn't know the node.
        """
        if not file:
            return None
        try:
            page = msgspec.json.decode(Path(file).read_bytes(), type=MeshPage)
        except (OSError, msgspec.MsgspecError) as error:
            raise ConfigError(
                [f"YIWANG_MESH={file}: {error}. Write it anew with 'yiwang topology render' and mount it at this path."]
            ) from error
        if code not in page.by_code:
            raise ConfigError(
                [f"YIWANG_MESH={file} knows no node {code}: set YIWANG_JURISDICTION to a node of the topology "
                 f"{page.topology}, or add the node to it and render it again"]
            )  # fmt: skip
        return cls(page, code)

    @cached_property
    def parent(self) -> MeshNode | None:
        """The node above."""
        return self.page.by_code.get(self.me.parent)

    @cached_property
    def children(self) -> tuple[MeshNode, ...]:
        """The nodes right below, docked ones too."""
        return tuple(node for node in self.page.nodes if node.parent == self.code)

    def node_for(self, area: str) -> str:
        """Code of the lowest node that *area* belongs to, "" if it lies outside of the deployment."""
        return self.page.node_for(area)

    def below(self, code: str) -> bool:
        """Whether the node *code* is a descendant of this one."""
        return code != self.code and self.code in self.page.chain(code)

    def above(self, code: str) -> bool:
        """Whether the node *code* is an ancestor of this one."""
        return code != self.code and code in self.page.chain(self.code)

    def branch(self, code: str) -> str:
        """The child of this node in whose subtree *code* lies; "" when it doesn't lie below."""
        chain = self.page.chain(code)
        at = chain.index(self.code) if self.code in chain else 0
        return chain[at - 1] if at else ""

    @cached_property
    def docked_below(self) -> tuple[str, ...]:
        """Places right below with another maker's platform: what it reports is said here, in the name of its areas."""
        return tuple(sorted(node.code for node in self.children if node.docked))

    def hosts(self, service: str) -> tuple[str, ...]:
        """Jurisdictions for which this node's *service* acts besides its own."""
        return tuple(node.code for node in self.page.nodes if node.hosted.get(service) == self.code)

    @cached_property
    def hosted_areas(self) -> frozenset[str]:
        """Jurisdictions for which any service of this node acts besides its own."""
        return frozenset(node.code for node in self.page.nodes if self.code in node.hosted.values())
