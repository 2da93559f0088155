"""The mesh page for whoever writes it (the topology) or keeps the links (the mesh service)."""

from ._hears import FLOWS, STREAMS
from ._mesh import Mesh, MeshNode, MeshPage
from ._space import Space, space
from ._state import ask_states, version
from ._streams import stream_config

__all__ = ["FLOWS", "STREAMS", "Mesh", "MeshNode", "MeshPage", "Space", "ask_states", "space", "stream_config", "version"]
