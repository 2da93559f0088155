"""Configuration is a Struct from the environment; a wrong one stops the start with all its mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import msgspec

S = TypeVar("S", bound=msgspec.Struct)


class ConfigError(Exception):
    """The configuration is wrong; each line says which variable and what to write."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class Kit(msgspec.Struct, frozen=True, kw_only=True):
    """What every process of the mesh is told (``YIWANG_<NAME>``)."""

    nats_url: str = "nats://127.0.0.1:4222"
    """The node's NATS server(s), comma-separated, with its account's user"""
    nats_nkey_file: str = ""
    """File with the nkey seed of the node's account, instead of user and password in the URL"""
    nats_tls_ca: str = ""
    """CA certificate of the private PKI"""
    database_url: str = "postgresql://postgres@127.0.0.1:5432/postgres"
    """The node's database; services log in with the role ``yw_<service>`` inside it"""
    node_id: str = ""
    """Name of this node; the jurisdiction if empty"""
    tenant_id: str = ""
    """Tenant on a shared platform; the jurisdiction if empty"""
    jurisdiction: str = "440300"
    """Area code in whose name this node acts"""
    tier: str = "city"
    """county, city, province or nation"""
    profile: str = ""
    """Directory of the city's profile (codes, limits, calendar, matrix, templates)"""
    mesh: str = ""
    """File of the mesh page that 'yiwang topology render' wrote; empty: the node stands alone"""
    groups: int = 1
    """Leased partition groups of a service with a database: 1, 2, 4, 8 or 16"""
    lease_seconds: float = 5.0
    """After so long without a sign of life, another replica takes a group over"""
    poll_seconds: Annotated[float, msgspec.Meta(gt=0)] = 0.5
    """How often a service looks for what nobody announces (leases, due timers); more spares a machine with many small nodes"""
    batch: int = 200
    """Events in one transaction at the most"""
    linger_ms: float = 20.0
    """Longest rest after a small batch under load, so that the next one is larger; 0 for the least latency"""
    patience_hours: float = 24.0
    """How long an event whose handler fails for an unknown reason is tried before it is parked"""
    duplicate_window_s: int = 600
    """How long a stream remembers event ids (about 370 bytes each in the server's memory)"""
    stream_max_age_days: int = 30
    """Retention of the streams; longer than the longest outage of a link"""
    stream_replicas: int = 1
    """Copies of each stream: 3 on a cluster of three servers"""
    stream_max_gib: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """GiB at which each of the node's four streams refuses new events; 0: what there is room for, 20 at the most"""
    outbox_limit: int = 50_000
    """Unpublished events at which intake answers 503"""
    http_host: str = "127.0.0.1"
    """Address of the HTTP listener"""
    http_port: int = 8080
    """Port of the HTTP listener"""
    clock: str = ""
    """Virtual time for demos and tests: 2026-11-23T08:00:00+08:00@x144"""
    clock_epoch: float = 0.0
    """Real Unix time at which the virtual clock started (0: now)"""
    jwks: str = ""
    """File or URL of the issuer's public keys; empty: the service identity in this process, or (embedded) the development issuer"""
    issuer: str = "yiwang"
    """Expected issuer of tokens"""
    audience: str = "yiwang"
    """Expected audience of tokens"""
    embedded: bool = False
    """True in an embedded run (demo, tests): only then the development people exist"""
    dev_people: bool = False
    """Ready-made people for every role; refuses to start unless embedded"""
    log_level: str = "info"
    """debug, info, warning or error"""
    log_json: bool = True
    """JSON lines; false for a person at a terminal"""
    otlp_endpoint: str = ""
    """OpenTelemetry collector (http://host:4318); silent if empty"""
    trace_sample: float = 0.01
    """Share of traces that are recorded"""


def load(struct: type[S], environ: Mapping[str, str], prefix: str) -> S:
    """*struct* from variables ``<prefix>_<FIELD>``; raises ConfigError with every mistake, unknown names too.

    Only names that begin with *prefix* and no longer service prefix are looked at.
    """
    fields = {f"{prefix}_{field.name.upper()}": field for field in msgspec.structs.fields(struct)}
    values: dict[str, Any] = {}
    mistakes = []
    for name, field in fields.items():
        text = environ.get(name)
        if text is None:
            if field.required:
                mistakes.append(f"{name} is missing: set it ({_doc(field.type)})")
            continue
        try:
            values[field.name] = msgspec.convert(text, field.type, strict=False)
        except msgspec.ValidationError as error:
            mistakes.append(f"{name}={text!r}: {error}")
    if mistakes:
        raise ConfigError(mistakes)
    return struct(**values)


def unknown(environ: Mapping[str, str], structs: Mapping[str, type[msgspec.Struct]]) -> list[str]:
    """YIWANG_* variables that no setting of *structs* (prefix → Struct) has: mistyped names."""
    known = {f"{p}_{f.name.upper()}" for p, s in structs.items() for f in msgspec.structs.fields(s)}
    return sorted(name for name in environ if name.startswith("YIWANG_") and name not in known)


def _doc(kind: Any) -> str:
    return getattr(kind, "__name__", str(kind))
