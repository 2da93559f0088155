"""Every metric of the kit, in one place; docs/operate.md is held to this list by a test."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

HANDLED = Counter("yiwang_events_handled_total", "Events handled, by service and type", ["service", "type"])
EMITTED = Counter("yiwang_events_emitted_total", "Events that followed, by service", ["service"])
PARKED = Counter("yiwang_events_parked_total", "Events parked for a person, by service and type", ["service", "type"])
HELD = Gauge("yiwang_keys_held", "Keys that wait for a retry, by service", ["service"])
OUTBOX = Gauge("yiwang_outbox_rows", "Events committed and not yet published, by service", ["service"])
GROUPS = Gauge("yiwang_groups_leased", "Partition groups that this replica holds, by service", ["service"])
LAG = Gauge(
    "yiwang_stream_lag_events",
    "Events of a stream that wait to be handled, by service and stream",
    ["service", "stream"],
)
TIMERS = Counter("yiwang_timers_fired_total", "Timers fired, by service and kind", ["service", "kind"])
BATCH = Histogram(
    "yiwang_batch_events", "Events in one transaction, by service", ["service"], buckets=(1, 2, 5, 10, 20, 50, 100, 200)
)
HTTP_REQUESTS = Counter(
    "yiwang_http_requests_total",
    "HTTP requests, by service, route and status",
    ["service", "method", "route", "status"],
)
HTTP_SECONDS = Histogram(
    "yiwang_http_seconds", "Time to answer, by service and route", ["service", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)  # fmt: skip
AUDITED = Counter("yiwang_audit_records_total", "Mutating calls written to the audit trail, by service", ["service"])
REPORTS = Counter("yiwang_reports_total", "Reports by channel and outcome: taken, repeated, refused", ["channel", "outcome"])
MESH_RELAYED = Counter("yiwang_mesh_relayed_total", "Facts sent down to the node that they concern", ["node"])
MESH_REFUSED = Counter(
    "yiwang_mesh_refused_total", "Events refused into quarantine, by the child that sent them", ["node", "child"]
)
MESH_LAG = Gauge(
    "yiwang_mesh_link_lag_events", "Events that wait on a link, by peer and direction", ["node", "peer", "direction"]
)
MESH_QUIET = Gauge(
    "yiwang_mesh_link_quiet_seconds",
    "Since the last sign of a link's other side; negative: never any",
    ["node", "peer", "direction"],
)
MESH_LATENCY = Gauge(
    "yiwang_mesh_link_latency_ms",
    "How long the last heartbeat or probe was on its way",
    ["node", "peer", "direction"],
)
MESH_UNSENT = Gauge(
    "yiwang_mesh_unsent_seconds", "Age of the oldest event that has not left for the node above", ["node"]
)
DATABASE = Gauge("yiwang_database_gib", "What the tables and indexes of a node's database take", ["node"])
DATABASE_MOST = Gauge("yiwang_database_quota_gib", "What its host gives the database of a node; 0: no bound", ["node"])
MESH_ALARMS = Gauge("yiwang_mesh_alarms", "Alarms of the mesh that stand, by kind", ["node", "kind"])
MESH_REMEDIES = Counter(
    "yiwang_mesh_remedies_total", "Links that the watchdog restarted", ["node", "peer", "direction"]
)
