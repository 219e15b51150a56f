"""What deploy/ says is what the code has: roles, settings, versions of servers; and nothing there is left unlocked."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import setuptools
import yaml

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
        assert {volume.partition(":")[0] for volume in service.get("volumes", [])} <= set(COMPOSE["volumes"]), name
        for other, how in service.get("depends_on", {}).items():
            healthy = how["condition"] == "service_healthy"
            assert "healthcheck" in SERVICES[other] or not healthy, (name, other)


def test_compose_runs_the_servers_that_are_tested() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{KAFKA.version}"
    assert SERVICES["elasticsearch"]["image"].endswith(f"/elasticsearch:{ELASTICSEARCH.version}")
    assert SERVICES["kibana"]["image"].endswith(f"/kibana:{ELASTICSEARCH.version}")


def test_our_containers_can_change_nothing() -> None:
    for name, service in OURS.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "user" not in service, name  # the image's own, which is not root


def test_nothing_listens_beyond_this_machine_and_no_password_has_a_default() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 2
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
