"""Every role of a running river is scraped, by Prometheus itself where it is on PATH."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from pipelines.ledger.river_metrics import RiverMetrics
from pipelines.metrics.declared import METRICS
from pipelines.runtime.roles import ROLES
from pipelines.settings import Settings
from tests.rivers import documents, role, send_pages, until, waiting

pytestmark = pytest.mark.servers

RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "newsriver.rules.yml"
WANTED = sorted(str(spec.role) for spec in ROLES)


def targets(river: Settings) -> dict[str, str]:
    """Give where each role says that it answers."""
    files = sorted(river.metrics.folder.glob("*.json"), key=lambda path: path.stat().st_mtime)  # the youngest counts
    found = [json.loads(path.read_text())[0] for path in files]
    return {each["labels"]["role"]: each["targets"][0] for each in found}


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own addresses
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except urllib.error.URLError:
        return 0, ""


def samples(address: str) -> dict[tuple[str, ...], float]:
    """Give a process's samples by name and values of labels."""
    families = text_string_to_metric_families(get(f"http://{address}/metrics")[1])
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


@contextmanager
def all_roles(river: Settings) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    free = river.model_copy(update={"serve": river.serve.model_copy(update={"port": free_port()})})
    settings = Settings(**free.model_dump(exclude_unset=True))
    with ExitStack() as stack:
        processes = {name: stack.enter_context(role(settings, name)) for name in WANTED}
        until(lambda: sorted(targets(river)) == WANTED, what="every role says where it answers")
        yield processes


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def prometheus(folder: Path, river: Settings) -> Iterator[str | None]:
    """Run a Prometheus on the river's files with our rules, each second; None where there is none to run."""
    program = shutil.which("prometheus")
    if program is None:
        warnings.warn("no prometheus on PATH (Debian: prometheus): only its format is checked", stacklevel=2)
        yield None
        return
    folder.mkdir()
    shutil.copy(RULES, folder)
    config = yaml.safe_load(RULES.with_name("prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    [scrape] = config["scrape_configs"]
    scrape["file_sd_configs"] = [{"files": [str(river.metrics.folder / "*.json")], "refresh_interval": "1s"}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [
            program,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
            "--log.level=error",
        ],
        stdin=subprocess.DEVNULL,
    )
    try:
        until(lambda: get(f"http://{address}/-/ready")[0] == 200, what="Prometheus answers")
        yield f"http://{address}/api/v1"
    finally:
        process.kill()
        process.wait()


def ask(api: str, path: str, **parameters: str) -> Any:
    status, text = get(f"{api}/{path}?{urllib.parse.urlencode(parameters)}")
    assert status == 200, text
    return json.loads(text)["data"]


def roles_of(api: str, query: str) -> list[str]:
    return sorted(each["metric"]["role"] for each in ask(api, "query", query=query)["result"])


def test_all_roles_are_up_and_what_they_tell_is_true(river: Settings, tmp_path: Path) -> None:
    with all_roles(river) as processes, prometheus(tmp_path / "prometheus", river) as api:
        send_pages(river, range(20))
        until(lambda: len(documents(river, "articles")) == 20, what="all pages indexed")
        until(lambda: waiting(river, "process") + waiting(river, "record") == 0, what="all is done")
        places = targets(river)
        for name, address in places.items():
            until(lambda at=address: get(f"http://{at}/readyz")[0] == 200, what=f"{name} is ready")  # type: ignore[misc]
            assert get(f"http://{address}/healthz") == (200, "up\n")
            until(lambda name=name, at=address: not _lacking(name, at), what=f"all figures of {name}")  # type: ignore[misc]
        until(
            lambda: (
                samples(places["record"]).get(("newsriver_ledger_outcomes", "indexed", "", "index")) == 20
                and samples(places["record"]).get(("newsriver_articles",)) == 20
                and sum(exact(samples(places["record"]), "newsriver_group_lag_records").values()) == 0
                and samples(places["record"]).get(("newsriver_topic_records_total", "pages")) == 20  # each server apart
            ),
            what="record tells of 20 articles",
        )
        told = samples(places["record"])
        assert told["newsriver_server_up", "kafka"] == told["newsriver_server_up", "elasticsearch"] == 1
        assert samples(places["process"])[("newsriver_index_delay_seconds_count",)] == 20

        if api is not None:
            _prometheus_agrees(api)
        processes["fetch"].kill()  # its file stays, nobody answers there
        processes["fetch"].wait()
        assert get(f"http://{places['fetch']}/metrics")[0] == 0
        assert targets(river)["fetch"] == places["fetch"]
        if api is not None:
            until(lambda: roles_of(api, 'up{job="newsriver"} == 0') == ["fetch"], what="fetch is down")
            until(lambda: "NewsriverProcessDown" in _pending(api), what="its alert is pending or fires")
        processes["poll"].send_signal(signal.SIGTERM)
        assert processes["poll"].wait(20) == 0
        assert "poll" not in targets(river)  # it ended in order


def _lacking(name: str, address: str) -> list[str]:
    """Name the declared metrics that a role does not tell."""
    text = get(f"http://{address}/metrics")[1]
    return [each.name for each in METRICS if name in each.roles and f"# HELP {each.name} " not in text]


def _prometheus_agrees(api: str) -> None:
    until(lambda: roles_of(api, 'up{job="newsriver"} == 1') == WANTED, what="every role is up")
    wanted = {metric.name for metric in METRICS}
    until(
        lambda: wanted <= {each["metric"] for each in ask(api, "targets/metadata")},
        what="Prometheus knows every declared metric",
    )
    rules = [rule for group in ask(api, "rules")["groups"] for rule in group["rules"]]
    until(
        lambda: {rule["health"] for group in ask(api, "rules")["groups"] for rule in group["rules"]} == {"ok"},
        what="every rule is evaluated",
    )
    assert len(rules) > 12


def _pending(api: str) -> set[str]:
    return {each["labels"]["alertname"] for each in ask(api, "alerts")["alerts"]}


def exact(told: dict[tuple[str, ...], float], *names: str) -> dict[tuple[str, ...], float]:
    """Give the samples that no restart changes."""
    wanted = names or ("newsriver_ledger_outcomes", "newsriver_group_committed_total")
    return {key: value for key, value in told.items() if key[0] in wanted}


def test_figures_of_the_ledger_are_the_same_after_a_restart(river: Settings) -> None:
    with role(river, "process") as process, role(river, "record") as record:
        send_pages(river, range(5))
        until(lambda: len(documents(river, "outcomes")) == 5, what="five lines")

        def told() -> dict[tuple[str, ...], float]:
            return samples(targets(river)["record"])

        until(lambda: told().get(("newsriver_ledger_outcomes", "indexed", "", "index")) == 5, what="record tells so")
        until(lambda: sum(exact(told(), "newsriver_group_committed_total").values()) == 10, what="all is committed")
        before = exact(told())
        process.kill()
        record.kill()
    with role(river, "record"):
        until(lambda: get(f"http://{targets(river)['record']}/healthz")[0] == 200, what="record is back")
        until(lambda: exact(told()) == before, what="the same figures")


def test_a_server_that_is_away_is_said_and_stops_no_scrape(river: Settings) -> None:
    class Away:
        def ask(self, *_: Any) -> Any:
            from pipelines.errors import ServiceError

            raise ServiceError("Elasticsearch is away")

    figures = RiverMetrics(river, Away())  # type: ignore[arg-type]
    for server in ("kafka", "elasticsearch"):
        figures.ask(server)
    told = {family.name: family.samples for family in figures.families()}
    up = {sample.labels["server"]: sample.value for sample in told["newsriver_server_up"]}
    assert up == {"kafka": 1, "elasticsearch": 0}
    assert "newsriver_articles" not in told
