"""The profile "restricted" of the Pod Security Standards (kubernetes.io/docs, concepts/security), and a little more."""

from __future__ import annotations

from collections.abc import Iterator

from .objects import Container, PodSpec

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
"""Kinds of volumes that the profile allows."""


def violations(pod: PodSpec) -> list[str]:
    """What keeps the pod out of a namespace that enforces the profile, each as a sentence."""
    return [
        *_pod(pod),
        *(wrong for container in (*pod.containers, *pod.init_containers) for wrong in _container(container)),
    ]


def _pod(pod: PodSpec) -> Iterator[str]:
    if pod.host_network or pod.host_pid or pod.host_ipc:
        yield "shares a namespace of the host"
    if not pod.security_context.run_as_non_root or pod.security_context.run_as_user == 0:
        yield "may run as root"
    if pod.security_context.seccomp_profile.get("type") not in ("RuntimeDefault", "Localhost"):
        yield "has no seccomp profile"
    if pod.automount_service_account_token:
        yield "gets a token of the cluster's API that it doesn't need"
    for volume in pod.volumes:
        if kinds := set(volume) - {"name"} - VOLUMES:
            yield f"volume {volume['name']} is of kind {kinds}"


def _container(container: Container) -> Iterator[str]:
    security = container.security_context
    if security.allow_privilege_escalation or security.privileged:
        yield f"{container.name} may gain privileges"
    if security.capabilities.get("drop") != ["ALL"] or security.capabilities.get("add"):
        yield f"{container.name} keeps capabilities"
    if not security.read_only_root_filesystem:
        yield f"{container.name} can write to its image"
    for kind in ("cpu", "memory"):
        if kind not in container.resources.requests or kind not in container.resources.limits:
            yield f"{container.name} names no {kind}"
