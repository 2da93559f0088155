"""The parts of Kubernetes' objects that our promises are about, as types: a rendered manifest must fit them."""

from __future__ import annotations

from typing import Any

import msgspec


class Struct(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Fields are spelt as in manifests; what we promise nothing about is left out."""


class Metadata(Struct, frozen=True, kw_only=True):
    name: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class KeyRef(Struct, frozen=True, kw_only=True):
    name: str
    key: str


class FieldRef(Struct, frozen=True, kw_only=True):
    field_path: str


class Source(Struct, frozen=True, kw_only=True):
    secret_key_ref: KeyRef | None = None
    field_ref: FieldRef | None = None


class Variable(Struct, frozen=True, kw_only=True):
    name: str
    value: str | None = None
    value_from: Source | None = None


class Security(Struct, frozen=True, kw_only=True):
    run_as_non_root: bool = False
    run_as_user: int = 0
    allow_privilege_escalation: bool = True
    read_only_root_filesystem: bool = False
    privileged: bool = False
    capabilities: dict[str, list[str]] = {}
    seccomp_profile: dict[str, str] = {}


class Http(Struct, frozen=True, kw_only=True):
    path: str
    port: str | int


class Probe(Struct, frozen=True, kw_only=True):
    http_get: Http | None = None


class Resources(Struct, frozen=True, kw_only=True):
    requests: dict[str, str] = {}
    limits: dict[str, str] = {}


class Port(Struct, frozen=True, kw_only=True):
    name: str
    container_port: int


class Mount(Struct, frozen=True, kw_only=True):
    name: str
    mount_path: str
    read_only: bool = False


class Container(Struct, frozen=True, kw_only=True):
    name: str
    image: str
    command: list[str] = []
    args: list[str] = []
    env: list[Variable] = []
    ports: list[Port] = []
    resources: Resources = Resources()
    security_context: Security = Security()
    startup_probe: Probe | None = None
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    volume_mounts: list[Mount] = []

    def variable(self, name: str) -> str | None:
        """The plain value of a variable."""
        return next((v.value for v in self.env if v.name == name), None)


class PodSpec(Struct, frozen=True, kw_only=True):
    containers: list[Container]
    init_containers: list[Container] = []
    security_context: Security = Security()
    automount_service_account_token: bool = True
    host_network: bool = False
    host_pid: bool = False
    host_ipc: bool = False
    restart_policy: str = "Always"
    termination_grace_period_seconds: int = 30
    topology_spread_constraints: list[dict[str, Any]] = []
    volumes: list[dict[str, Any]] = []


class Pod(Struct, frozen=True, kw_only=True):
    spec: PodSpec
    metadata: Metadata = Metadata()


class Selector(Struct, frozen=True, kw_only=True):
    match_labels: dict[str, str] = {}

    def takes(self, labels: dict[str, str]) -> bool:
        """Whether a pod with these labels is meant."""
        return all(labels.get(key) == value for key, value in self.match_labels.items())


class Workload(Struct, frozen=True, kw_only=True):
    """What makes pods: a Deployment, StatefulSet or Job."""

    template: Pod
    replicas: int | None = None
    selector: Selector = Selector()
    service_name: str = ""


class Peer(Struct, frozen=True, kw_only=True):
    pod_selector: Selector | None = None
    namespace_selector: Selector | None = None
    ip_block: dict[str, Any] | None = None


class PolicyPort(Struct, frozen=True, kw_only=True):
    port: int | str
    protocol: str = "TCP"


class Rule(Struct, frozen=True, kw_only=True):
    ports: list[PolicyPort] = []
    to: list[Peer] = []
    from_: list[Peer] = msgspec.field(default_factory=list, name="from")


class Policy(Struct, frozen=True, kw_only=True):
    """A NetworkPolicy's spec."""

    pod_selector: Selector
    policy_types: list[str]
    ingress: list[Rule] = []
    egress: list[Rule] = []


class Budget(Struct, frozen=True, kw_only=True):
    """A PodDisruptionBudget's spec."""

    selector: Selector
    max_unavailable: int


class Object(Struct, frozen=True, kw_only=True):
    """Any object: what it is, its name, and its spec as it came."""

    kind: str
    api_version: str
    metadata: Metadata
    spec: dict[str, Any] = {}
    data: dict[str, str] = {}

    @property
    def id(self) -> str:
        """Kind and name."""
        return f"{self.kind}/{self.metadata.name}"

    def as_(self, kind: type[Any]) -> Any:
        """Its spec as that type. Raises msgspec.ValidationError when it doesn't fit."""
        return msgspec.convert(self.spec, kind)


def pod_of(found: Object) -> Pod | None:
    """The pod that the object makes or is; None for an object without pods."""
    if found.kind in ("Deployment", "StatefulSet", "Job"):
        template: Pod = found.as_(Workload).template
        return template
    if found.kind == "CronJob":
        return msgspec.convert(found.spec["jobTemplate"]["spec"]["template"], Pod)
    if found.kind == "Pod":
        return Pod(metadata=found.metadata, spec=msgspec.convert(found.spec, PodSpec))
    return None
