"""Manifests held against Kubernetes' own schemas, strictly: an unknown field is a mistake, too.

The schemas are those of the package kubernetes-validate, one directory a version; they are compiled once a kind.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import jsonschema_rs
import msgspec

from .objects import Object

KUBERNETES = ("1.27", "1.31", "1.37")
"""The oldest that the chart is for, one in use, the newest whose schemas are published."""
FOREIGN = {"Cluster", "ServiceMonitor", "PrometheusRule", "ScaledObject"}
"""Kinds of operators, of which Kubernetes itself has no schema."""


def mistakes(objects: list[Object]) -> list[str]:
    """What the API server of some version would refuse."""
    found = []
    for one in objects:
        if one.kind not in FOREIGN:
            document = manifest(one)
            for version in KUBERNETES:
                errors = validator(version, one.kind, one.api_version).iter_errors(document)
                found += [f"{version} {one.id}: {error.message} at {error.instance_path}" for error in errors]
    return found


def manifest(one: Object) -> dict[str, Any]:
    """The object as a manifest."""
    found: dict[str, Any] = msgspec.to_builtins(one)
    return {key: value for key, value in found.items() if value not in ({}, None)}


@cache
def validator(version: str, kind: str, api_version: str) -> Any:
    """The compiled schema of a kind. Raises FileNotFoundError for a kind that the version doesn't have."""
    group = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)
    schema = json.loads((directory(version) / f"{kind.lower()}-{group}.json").read_text("utf-8"))
    return jsonschema_rs.validator_for(schema, retriever=lambda _: definitions(version))


@cache
def definitions(version: str) -> dict[str, Any]:
    """What the schemas of a version share."""
    found: dict[str, Any] = json.loads((directory(version) / "_definitions.json").read_text("utf-8"))
    return found


def directory(version: str) -> Traversable:
    """Where the strict schemas of a version lie."""
    return files("kubernetes_validate") / "kubernetes-json-schema" / f"v{version}.0-local-strict"
