"""What deploy/ says is what the code has: roles, settings, versions of servers; and nothing there is left unlocked."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import setuptools
import yaml

from pipelines.permissions import elastic_roles, rights_document
from pipelines.runtime.roles import ROLES
from pipelines.settings import option_names, variable_of
from pipelines.stack.artifacts import ELASTICSEARCH, KAFKA
from pipelines.worker_environment import INTERNAL

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("newsriver:")}
VARIABLES = {variable_of(name) for name in option_names()} | INTERNAL
KEYS = {
    *("build", "cap_drop", "command", "depends_on", "entrypoint", "environment", "healthcheck", "image", "networks"),
    *("ports", "read_only", "restart", "secrets", "security_opt", "stop_grace_period", "tmpfs", "ulimits", "user"),
    "volumes",
}
"""Of a service, by https://github.com/compose-spec/compose-spec/blob/main/05-services.md: those that are used here."""


def test_compose_runs_each_role_and_the_setup() -> None:
    commands = {name: service["command"] for name, service in OURS.items()}
    wanted = {str(spec.role): [str(spec.role)] for spec in ROLES} | {"setup": ["setup"]}
    assert commands == wanted, (
        "each role of pipelines/runtime/roles.py has a service of its name in deploy/compose.yaml"
    )


@pytest.mark.parametrize(
    "file", sorted(path.relative_to(ROOT).as_posix() for path in DEPLOY.rglob("*") if path.is_file())
)
def test_only_settings_that_exist_are_named(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    named = set(re.findall(r"\bNEWSRIVER_[A-Z0-9]+__[A-Z0-9_]+", text))
    assert named <= VARIABLES


def test_compose_names_what_is_declared() -> None:
    for name, service in SERVICES.items():
        assert set(service) <= KEYS, name
        assert set(service.get("depends_on", {})) <= set(SERVICES), name
        assert set(service.get("networks", [])) <= set(COMPOSE["networks"]), name
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"]), name
        mounted = {volume.partition(":")[0] for volume in service.get("volumes", [])}
        assert all((DEPLOY / each).exists() for each in mounted if each.startswith(".")), name
        assert {each for each in mounted if not each.startswith(".")} <= set(COMPOSE["volumes"]), name
        for other, how in service.get("depends_on", {}).items():
            healthy = how["condition"] == "service_healthy"
            assert "healthcheck" in SERVICES[other] or not healthy, (name, other)


def test_compose_runs_the_servers_that_are_tested() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{KAFKA.version}"
    assert SERVICES["elasticsearch"]["image"].endswith(f"/elasticsearch:{ELASTICSEARCH.version}")
    assert SERVICES["kibana"]["image"].endswith(f"/kibana:{ELASTICSEARCH.version}")


def test_prometheus_asks_every_role() -> None:
    scrape = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.compose.yml").read_text(encoding="utf-8"))
    [job] = scrape["scrape_configs"]
    [found] = job["dns_sd_configs"]
    assert found["names"] == [str(spec.role) for spec in ROLES]
    assert found["port"] == OURS["record"]["environment"]["NEWSRIVER_METRICS__PORT"]
    assert all("healthcheck" in OURS[spec.role] for spec in ROLES)
    assert [name for name in scrape["rule_files"] if not (DEPLOY / "prometheus" / name).exists()] == []


def test_our_containers_can_change_nothing() -> None:
    for name, service in OURS.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "user" not in service, name  # the image's own, which is not root


def test_nothing_listens_beyond_this_machine_and_no_password_has_a_default() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    assert re.findall(r"\$\{\w*PASSWORD(?!:\?)\W", text) == []
    assert COMPOSE["networks"]["backend"] == {"internal": True}
    assert [
        name for name in ("kafka", "elasticsearch", "process", "record") if SERVICES[name]["networks"] != ["backend"]
    ] == []


def test_the_image_holds_all_packages_and_is_not_run_by_root(monkeypatch: pytest.MonkeyPatch) -> None:
    copied = {
        part for line in re.findall(r"^COPY (?!--from)(.*) \./?\S*$", DOCKERFILE, re.MULTILINE) for part in line.split()
    }
    metadata: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", lambda **named: metadata.update(named))
    runpy.run_path(str(ROOT / "setup.py"))
    assert {package.partition(".")[0] for package in metadata["packages"]} | set(metadata["license_files"]) <= copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
    sent = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE))
    assert sent == copied
    assert re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE) == [("10001", "10001")]
    assert re.search(r'^ENTRYPOINT \["newsriver"\]$', DOCKERFILE, re.MULTILINE)
    assert "--constraint constraints.txt" in DOCKERFILE


CHART = DEPLOY / "helm" / "newsriver"
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
VALUES_FILES = sorted(path.name for path in CHART.glob("values-*.yaml"))
HELM = shutil.which("helm")


def test_the_chart_runs_each_role_as_the_table_says() -> None:
    rows = VALUES["roles"]
    assert set(rows) == {str(spec.role) for spec in ROLES}, "each role has a row in deploy/helm/newsriver/values.yaml"
    for spec in ROLES:
        row = rows[spec.role]
        assert row.get("numbered", False) == spec.numbered, spec.role
        # Only what is committed tells what waits.
        assert ("most" not in row) or (spec.grouped and spec.commits and not spec.numbered), spec.role
        assert row.get("elasticsearch", False) == (f"news-{spec.role}" in elastic_roles("news")), spec.role
        assert "limits" in row["resources"], spec.role


def test_the_chart_gives_the_rights_of_the_code() -> None:
    rights = json.loads((CHART / "files" / "rights.json").read_text(encoding="utf-8"))
    again = "newsriver setup --print-acls --json > deploy/helm/newsriver/files/rights.json"
    assert rights == rights_document("news"), again


def test_the_chart_has_the_versions_that_are_tested() -> None:
    assert VALUES["eck"]["version"] == ELASTICSEARCH.version
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert f'version="{chart["appVersion"]}"' in (ROOT / "setup.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["values.yaml", *VALUES_FILES])
def test_values_name_settings_and_rows_that_exist(name: str) -> None:
    values = yaml.safe_load((CHART / name).read_text(encoding="utf-8"))
    assert set(values.get("settings", {})) <= set(option_names())
    assert list(_unknown(values, VALUES)) == []
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))["properties"]
    assert set(values) <= set(schema)
    row = schema["roles"]["additionalProperties"]["properties"]
    assert all(set(each) <= set(row) for each in values.get("roles", {}).values())


def _unknown(values: dict[str, Any], known: dict[str, Any], path: str = "") -> Iterator[str]:
    """Give what a values file names and the chart does not have, but for settings."""
    for key, value in values.items():
        if key not in known and path not in ("settings.", "nodeSelector."):
            yield f"{path}{key}"
        elif isinstance(value, dict) and isinstance(known.get(key), dict):
            yield from _unknown(value, known[key], f"{path}{key}.")


@pytest.mark.skipif(HELM is None, reason="helm is not on PATH: the chart is not rendered, the checks above stand")
@pytest.mark.parametrize("name", VALUES_FILES)
def test_what_helm_makes_of_it_can_change_nothing_but_its_own(name: str) -> None:
    objects = [each for each in yaml.safe_load_all(_helm("template", "r", "-f", str(CHART / name))) if each]
    pods = [
        each["spec"]["template"]["spec"] for each in objects if each["kind"] in ("Deployment", "StatefulSet", "Job")
    ]
    assert len(pods) == len(ROLES) + 1
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        [container] = pod["containers"]
        context = container["securityContext"]
        assert (context["readOnlyRootFilesystem"], context["allowPrivilegeEscalation"]) == (True, False)
        assert context["capabilities"] == {"drop": ["ALL"]}
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["volumes"]}
    for workload in (each for each in objects if each["kind"] in ("Deployment", "StatefulSet")):
        labels = workload["spec"]["template"]["metadata"]["labels"]
        for kind in ("PodDisruptionBudget", "NetworkPolicy"):
            selectors = [
                each["spec"].get("selector", each["spec"].get("podSelector"))["matchLabels"]
                for each in objects
                if each["kind"] == kind
            ]
            assert labels in selectors, (workload["metadata"]["name"], kind)
        assert workload["kind"] == "StatefulSet" or "--worker" not in str(workload)
    names = [(each["kind"], each["metadata"]["name"]) for each in objects]
    assert len(names) == len(set(names))


@pytest.mark.skipif(HELM is None, reason="helm is not on PATH: a wrong value is refused by helm alone")
@pytest.mark.parametrize(
    "wrong", ["rols.poll.copies=2", "kafka.securityProtocol=PLAINTEXT", "settings.river\\.contact="]
)
def test_helm_refuses_values_that_are_none(wrong: str) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        _helm("template", "r", "-f", str(CHART / VALUES_FILES[0]), "--set", wrong)


def _helm(*arguments: str) -> str:
    assert HELM is not None
    contact = "--set=settings.river\\.contact=mailto:news@example.org"
    command = [HELM, arguments[0], *arguments[1:2], str(CHART), "--kube-version", "1.33.0", contact, *arguments[2:]]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
