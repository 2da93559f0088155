"""The metrics of the mesh."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

RELAYED = Counter("yiwang_mesh_relayed_total", "Facts sent down to the node that they concern", ["node"])
REFUSED = Counter(
    "yiwang_mesh_refused_total", "Events refused into quarantine, by the child that sent them", ["node", "child"]
)
LAG = Gauge(
    "yiwang_mesh_link_lag_events", "Events that wait on a link, by peer and direction", ["node", "peer", "direction"]
)
QUIET = Gauge(
    "yiwang_mesh_link_quiet_seconds", "Since the last sign of a link's other side", ["node", "peer", "direction"]
)
LATENCY = Gauge(
    "yiwang_mesh_link_latency_ms", "How long the last heartbeat or probe was on its way", ["node", "peer", "direction"]
)
UNSENT = Gauge("yiwang_mesh_unsent_seconds", "Age of the oldest event that has not left for the node above", ["node"])
ALARMS = Gauge("yiwang_mesh_alarms", "Alarms that stand, by kind", ["node", "kind"])
REMEDIES = Counter("yiwang_mesh_remedies_total", "Links restarted by the watchdog", ["node", "peer", "direction"])
