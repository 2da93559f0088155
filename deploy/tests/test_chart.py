"""What the chart promises: a node of its services, sealed pods, schemas before and after, nothing secret in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from yiwang.kit import Kit
from yiwang.stack.registry import find_services, installed

from . import chart
from .objects import Budget, Object, PodSpec, Workload
from .restricted import violations

FULL: dict[str, Any] = {
    "services": {
        "enforcement": {"replicas": 2},
        "mesh": {},
        "dispatch": {"replicas": 3, "groups": 8, "autoscaling": {"enabled": True, "max": 6, "lag": 200}},
        "intake": {"secretFiles": {"YIWANG_INTAKE_SECRET_FILE": {"name": "n440305-intake", "key": "secret"}}},
        "notification": {"egress": [{"cidr": "10.1.0.9/32", "port": 443}]},
        "national_sync": {"secretEnv": {"YIWANG_NATIONAL_SYNC_SECRETS": {"name": "n440305-sync", "key": "secrets"}}},
    },
    "mesh": {"page": '{"topology": "demo", "nodes": []}'},
    "profile": {"files": {"profile.toml": "[profile]\n", "dispatch/units.csv": "unit_id\n"}},
    "backup": {"enabled": True, "claim": "backups"},
    "ingress": {"enabled": True, "host": "city.example", "tlsSecret": "city-tls"},
    "monitoring": {"serviceMonitor": {"enabled": True}, "rules": {"enabled": True}},
}
"""Everything that can be switched on beside the own database."""
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "full": FULL,
    "own database": {"database": {"cloudNativePG": {"enabled": True}}},
    "keda": {"keda": {"enabled": True}, "services": {"intake": {"autoscaling": {"enabled": True}}}},
    "one process": {
        "services": {
            "platform": {"run": ["intake", "grid", "dispatch", "notification", "national_sync"], "paths": ["/"]},
            **{name: {"enabled": False} for name in ("intake", "grid", "dispatch", "notification", "national_sync")},
        }
    },
    "functional zone": {"node": {"code": "440300K01", "tier": "county"}},
    "given servers": {
        "nats": {
            "own": False,
            "url": "nats://a:4222,nats://b:4222",
            "user": "n440305",
            "egress": [{"cidr": "10.0.0.0/24", "port": 4222}],
        }
    },
}


@pytest.fixture(params=CASES)
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> list[Object]:
    return chart.render(tmp_path, CASES[request.param])


@pytest.mark.parametrize("case", CASES)
def test_lints_without_a_warning(case: str, tmp_path: Path) -> None:
    """helm lint --strict, with the schema of the values."""
    done = chart.helm(
        "lint", "--strict", "--quiet", str(chart.CHART), "--values", chart.values_file(tmp_path, CASES[case])
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_packs_into_an_archive_with_its_schema(tmp_path: Path) -> None:
    """`helm package` gives one file that an offline site can take along."""
    done = chart.helm("package", str(chart.CHART), "--destination", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / f"yiwang-{chart.chart_version()}.tgz").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"services": {"intake": {"replicas": "two"}}}, "/services/intake"),
        ({"services": {"intake": {"replica": 2}}}, "/services/intake"),
        ({"services": {"intake": {"groups": 3}}}, "/services/intake"),
        ({"node": {"code": "shenzhen"}}, "/node/code"),
        ({"node": {"tier": "village"}}, "/node/tier"),
        ({"settings": {"LOG": "x"}}, "'LOG' does not match"),
        ({"database": {"password": "x"}}, "/database"),
        ({"nats": {"client": {"seed": "SUAX"}}}, "/nats/client"),
    ],
)
def test_mistaken_values_are_refused_with_their_place(wrong: dict[str, Any], where: str, tmp_path: Path) -> None:
    """The schema knows every value; a password or a seed has no place at all."""
    with pytest.raises(RuntimeError) as refusal:
        chart.render(tmp_path, wrong)
    assert where in str(refusal.value)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"services": {"identity": {"enabled": False}}}, "identity.jwks: say who signs the tokens"),
        ({"services": {"more": {"run": ["intake"]}}}, "a service may run in one entry only"),
        ({"database": {"host": ""}}, "database.host"),
        ({"nats": {"own": False}}, "nats.url"),
        ({"nats": {"servers": [{"name": "a", "config": "x"}, {"name": "b", "config": "x"}]}}, "has 1, 3 or 5 servers"),
        ({"backup": {"enabled": True}}, "backup.claim"),
        ({"profile": {"files": {"a": "b"}, "claim": "c"}}, "files or claim, not both"),
        ({"profile": {"files": {"a": "b" * 1_000_001}}}, "more than a ConfigMap holds"),
    ],
)
def test_values_that_do_not_go_together_are_refused_with_a_sentence(
    wrong: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    """What a schema can't say, the chart does."""
    with pytest.raises(RuntimeError) as refusal:
        chart.render(tmp_path, wrong)
    assert sentence in str(refusal.value)


def test_every_pod_passes_the_restricted_profile(objects: list[Object]) -> None:
    """Also jobs, backups and the test."""
    made = chart.pods(objects)
    assert len(made) >= 6
    assert {name: wrong for name, pod in made.items() if (wrong := violations(pod.spec))} == {}


def test_no_secret_is_made_and_each_is_named_by_the_values(objects: list[Object]) -> None:
    """Secrets by reference only: names that the values gave."""
    assert not [one.id for one in objects if one.kind == "Secret"]
    named = {v.value_from.secret_key_ref.name for pod in chart.pods(objects).values() for c in pod.spec.containers
             for v in c.env if v.value_from and v.value_from.secret_key_ref}  # fmt: skip
    assert "n440305-nats" in named
    assert named <= {"n440305-nats", "n440305-database", "n440305-sync", "n440305-db-app"}
    assert named & {"n440305-database", "n440305-db-app"}


def test_every_setting_that_a_pod_gets_exists(objects: list[Object]) -> None:
    """A variable that no service reads is a mistake in the chart."""
    known = known_settings()
    given = {v.name for pod in chart.pods(objects).values() for c in pod.spec.containers for v in c.env}
    assert {name for name in given if name.startswith("YIWANG_")} <= known
    assert {name for name in given if not name.startswith("YIWANG_")} <= {"PGPASSWORD", "NATS_PASSWORD", "POD_NAME"}


def known_settings() -> set[str]:
    """Variables of the kit, of the services and of the stack, as the reference has them."""
    reference = (chart.ROOT / "docs" / "reference.md").read_text("utf-8")
    assert f"YIWANG_{next(iter(Kit.__struct_fields__)).upper()}" in reference
    return set(re.findall(r"`(YIWANG_[A-Z0-9_]+)`", reference))


def test_a_functional_zone_has_names_that_kubernetes_takes(tmp_path: Path) -> None:
    """Its extension code has a capital letter; names of objects and of the database have none."""
    found = chart.render(tmp_path, CASES["functional zone"], name="n440300k01")
    assert [one.id for one in found if one.metadata.name != one.metadata.name.lower()] == []
    environ = next(iter(chart.pods(found).values())).spec.containers[0]
    assert "/yw_440300k01?" in str(environ.variable("YIWANG_DATABASE_URL"))


def test_each_entry_is_a_deployment_of_its_services(tmp_path: Path) -> None:
    """The entry's name says what runs, unless it names several."""
    found = chart.render(tmp_path, CASES["full"])
    runs = {one.metadata.name: container(one).args for one in found if one.kind == "Deployment"}
    names = ("intake", "grid", "dispatch", "notification", "national_sync", "identity", "enforcement", "mesh")
    assert runs == {f"n440305-{name.replace('_', '-')}": ["run", "--migrated", name] for name in names}
    assert set(names) <= {*installed(), "mesh"}
    together = chart.find(chart.render(tmp_path, CASES["one process"]), "Deployment", "n440305-platform")
    assert container(together).args[2:] == CASES["one process"]["services"]["platform"]["run"]


def test_a_service_is_asked_whether_it_lives_and_whether_it_is_ready(tmp_path: Path) -> None:
    """Lives: the process answers. Ready: what it depends on answers, too. It has five minutes to start."""
    for one in chart.render(tmp_path):
        if one.kind == "Deployment":
            probes = container(one)
            assert probes.startup_probe is not None
            assert probes.liveness_probe is not None
            assert probes.readiness_probe is not None
            assert probes.liveness_probe.http_get is not None
            assert probes.readiness_probe.http_get is not None
            assert (probes.liveness_probe.http_get.path, probes.readiness_probe.http_get.path) == ("/livez", "/readyz")
            assert one.spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_selectors_take_the_pods_they_are_for(objects: list[Object]) -> None:
    """Of each workload, Service and disruption budget, exactly its own."""
    made = {name: pod.metadata.labels for name, pod in chart.pods(objects).items()}
    for one in objects:
        if one.kind in ("Deployment", "StatefulSet"):
            chosen = [name for name, labels in made.items() if one.as_(Workload).selector.takes(labels)]
            assert chosen == [one.id]
        if one.kind == "PodDisruptionBudget":
            chosen = [name for name, labels in made.items() if one.as_(Budget).selector.takes(labels)]
            assert [name.partition("/")[2] for name in chosen] == [one.metadata.name]
        if one.kind == "Service":
            wanted = one.spec["selector"]
            assert [n for n, labels in made.items() if wanted.items() <= labels.items()], one.id


def test_a_disruption_leaves_all_but_one_of_several(tmp_path: Path) -> None:
    """A budget for everything that has more than one replica; one alone must not keep a node from being drained."""
    found = chart.render(tmp_path, CASES["full"])
    several = {one.metadata.name for one in found if one.kind == "Deployment" and int(one.spec.get("replicas", 2)) > 1}
    budgets = {one.metadata.name for one in found if one.kind == "PodDisruptionBudget"}
    assert budgets == several == {f"n440305-{name}" for name in ("intake", "grid", "dispatch", "enforcement")}


def test_old_programs_meet_only_what_they_can_live_with(tmp_path: Path) -> None:
    """Before an upgrade --phase pre, after it the rest; at an installation everything, before the services start."""
    jobs = {}
    for one in chart.render(tmp_path, upgrade=True):
        if one.kind == "Job":
            args = container(one).args
            jobs[one.metadata.annotations["helm.sh/hook"]] = args[:3]
            assert args[3:] == ["dispatch", "grid", "identity", "intake", "national_sync", "notification"]
    assert jobs == {
        "pre-install": ["migrate", "--phase", "post"],
        "pre-upgrade": ["migrate", "--phase", "pre"],
        "post-upgrade": ["migrate", "--phase", "post"],
    }


def test_the_own_database_is_migrated_once_it_is_there(tmp_path: Path) -> None:
    """A hook before the installation would wait for a database that comes with it: so it is an ordinary job there."""
    own = CASES["own database"]
    assert (
        "helm.sh/hook"
        not in chart.find(chart.render(tmp_path, own), "Job", "n440305-migrate-install").metadata.annotations
    )
    assert "Job/n440305-migrate-install" not in [one.id for one in chart.render(tmp_path, own, upgrade=True)]


def test_the_own_database_has_a_role_for_each_service(tmp_path: Path) -> None:
    """The node's login acts as each service in its own schema, so it is a member of each role."""
    found = chart.find(chart.render(tmp_path, CASES["own database"]), "Cluster", "n440305-db")
    roles = {role["name"]: role for role in found.spec["managed"]["roles"]}
    services = {f"yw_{name}" for name in ("dispatch", "grid", "identity", "intake", "national_sync", "notification")}
    assert set(roles) == services | {"yiwang"}
    assert set(roles["yiwang"]["inRoles"]) == services
    assert found.spec["bootstrap"]["initdb"]["database"] == "yw_440305"


def test_replicas_follow_the_events_that_wait(tmp_path: Path) -> None:
    """By a metric that the kit has; then the Deployment names no number of its own."""
    from yiwang.kit import names

    found = chart.render(tmp_path, CASES["full"])
    scaler = chart.find(found, "HorizontalPodAutoscaler", "n440305-dispatch")
    metric = scaler.spec["metrics"][0]["pods"]
    assert metric["metric"]["name"] == names.LAG._name
    assert (scaler.spec["maxReplicas"], metric["target"]["averageValue"]) == (6, "200")
    assert "replicas" not in chart.find(found, "Deployment", "n440305-dispatch").spec
    query = chart.find(chart.render(tmp_path, CASES["keda"]), "ScaledObject", "n440305-intake").spec["triggers"][0]
    assert names.LAG._name in query["metadata"]["query"]


def test_the_page_and_the_profile_reach_the_services(tmp_path: Path) -> None:
    """As files where the settings say they are; a change of either starts the pods anew."""
    found = chart.render(tmp_path, CASES["full"])
    pod = chart.pods(found)["Deployment/n440305-grid"]
    box = pod.spec.containers[0]
    assert (box.variable("YIWANG_MESH"), box.variable("YIWANG_PROFILE")) == (
        "/etc/yiwang/mesh/mesh.json",
        "/etc/yiwang/profile",
    )
    assert {"/etc/yiwang/mesh", "/etc/yiwang/profile"} <= {mount.mount_path for mount in box.volume_mounts}
    assert chart.find(found, "ConfigMap", "n440305-mesh").data["mesh.json"] == CASES["full"]["mesh"]["page"]
    [volume] = [v for v in pod.spec.volumes if v["name"] == "profile"]
    keys = {item["path"]: item["key"] for item in volume["configMap"]["items"]}
    assert {path: chart.find(found, "ConfigMap", "n440305-profile").data[key] for path, key in keys.items()} == FULL[
        "profile"
    ]["files"]
    other = chart.render(tmp_path, {**CASES["full"], "mesh": {"page": '{"topology": "other", "nodes": []}'}})
    assert chart.pods(other)["Deployment/n440305-grid"].metadata.annotations != pod.metadata.annotations


def test_paths_lead_to_the_service_that_answers_them(tmp_path: Path) -> None:
    """Each path of the Ingress is one that the service has routes below."""
    found = chart.find(chart.render(tmp_path, CASES["full"]), "Ingress", "n440305")
    [rule] = found.spec["rules"]
    paths = {
        p["path"]: p["backend"]["service"]["name"].removeprefix("n440305-").replace("-", "_")
        for p in rule["http"]["paths"]
    }
    assert {"/", "/reports", "/mesh", "/enforcement"} <= set(paths)
    for path, name in paths.items():
        [service] = find_services([name])
        routes = {f"/{str(p).strip('/')}" for handler in service.routes for p in paths_of(handler)}
        assert any(route == path or route.startswith(path.rstrip("/") + "/") for route in routes), (path, name, routes)


def paths_of(handler: Any) -> list[str]:
    """Paths of a Litestar handler, controller or router."""
    found = getattr(handler, "paths", None) or [getattr(handler, "path", "/")]
    return [str(path) for path in found]


def test_every_alert_has_a_metric_and_a_paragraph(tmp_path: Path) -> None:
    """An alert that nobody can raise or nobody can follow helps nobody."""
    found = chart.find(chart.render(tmp_path, CASES["full"]), "PrometheusRule", "n440305")
    rules = found.spec["groups"][0]["rules"]
    operate = (chart.ROOT / "docs" / "operate.md").read_text("utf-8")
    reference = (chart.ROOT / "docs" / "reference.md").read_text("utf-8")
    assert len(rules) >= 5
    for rule in rules:
        assert f"`{rule['alert']}`" in operate
        for metric in re.findall(r"yiwang_[a-z_]+", rule["expr"]):
            assert metric in reference, metric


def test_the_test_asks_every_service(tmp_path: Path) -> None:
    """`helm test` looks at /readyz of each entry."""
    found = chart.render(tmp_path)
    spec: PodSpec = chart.find(found, "Pod", "n440305-test").as_(PodSpec)
    deployments = {one.metadata.name for one in found if one.kind == "Deployment"}
    assert {word.split("/")[2].partition(":")[0] for word in spec.containers[0].command[2:]} == deployments


def test_versions_go_together() -> None:
    """The chart installs the image of the packages' version."""
    page = yaml.safe_load((chart.CHART / "Chart.yaml").read_text())
    assert page["appVersion"] == chart.product_version()


def test_the_values_say_what_each_is_for() -> None:
    """Every value at the top has a comment or is a switch that says it itself; the schema knows the same ones."""
    text = (chart.CHART / "values.yaml").read_text("utf-8")
    values, schema = yaml.safe_load(text), yaml.safe_load((chart.CHART / "values.schema.json").read_text("utf-8"))
    assert set(values) == set(schema["properties"]) - {"global"}
    assert text.count("#") > len(values) * 3


def container(one: Object) -> Any:
    """The container of a workload that has one."""
    [found] = one.as_(Workload).template.spec.containers
    return found
