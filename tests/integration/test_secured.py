"""The river against servers that trust nobody: it runs with each role's rights alone, and says what is refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipelines.index.elastic import connect
from pipelines.kafka import Admin
from pipelines.permissions import elastic_roles, kafka_grants
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.settings import Settings, load_settings
from schemas.roles import Role
from schemas.topics import ENTRIES, FEEDS, OUTCOMES, PAGES, Topic
from tests.integration.pulling import feed_reply
from tests.integration.site import Reply, Site
from tests.rivers import as_environment, page, role, until
from tests.secured import PASSWORD, SUPERUSER, Authority, Secured, secured

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]

RIVER = "safe"
HTML = {"Content-Type": "text/html; charset=utf-8"}


@dataclass(frozen=True)
class Locked:
    """The servers with a user for each role, and the river's topics and templates made by whoever types commands."""

    servers: Secured
    foreign: Authority

    def settings(self, user: Role, *assignments: str) -> Settings:
        """Give the settings of one role: its own password from a file, its own API key from another."""
        folder, name = self.servers.folder, user.group(RIVER)
        return load_settings(
            environment={},
            assignments=[
                f"river.name={RIVER}",
                f"kafka.bootstrap_servers={self.servers.scram}",
                "kafka.security_protocol=SASL_SSL",
                f"kafka.username={name}",
                f"kafka.password_file={folder / name}",
                f"kafka.ca_certs={self.servers.authority.ca}",
                "kafka.partitions=2",
                f"elasticsearch.url={self.servers.url}",
                f"elasticsearch.api_key_file={folder / name}.key",
                f"elasticsearch.ca_certs={self.servers.authority.ca}",
                "elasticsearch.refresh_seconds=0.2",
                f"fetch.gate_directory={folder / 'hosts'}",
                "fetch.allow_networks=127.0.0.0/8",
                "fetch.delay_seconds=0",
                *assignments,
            ],
        )

    def owner(self) -> Settings:
        """Give settings that may do all at Elasticsearch."""
        login = [f"elasticsearch.username={SUPERUSER}", f"elasticsearch.password={PASSWORD}"]
        return self.settings(Role.CLI, "elasticsearch.api_key_file=", *login)

    def make_key(self, user: Role, rights: dict[str, Any]) -> str:
        """Make an API key with some rights and no others."""
        with closing(connect(self.owner())) as client:
            body = {"name": user.group(RIVER), "role_descriptors": {"only": rights}}
            return str(client.ask("POST", "/_security/api_key", body)["encoded"])


@pytest.fixture(scope="module")
def locked() -> Iterator[Locked]:
    with secured() as servers:
        found = Locked(servers, Authority(servers.folder, "foreign"))
        servers.grant(list(kafka_grants(RIVER)))
        rights = elastic_roles(RIVER)
        for user in Role:
            name = user.group(RIVER)
            servers.add_user(name, f"password of {name}")
            (servers.folder / name).write_text(f"password of {name}\n")
            if name in rights:
                (servers.folder / f"{name}.key").write_text(found.make_key(user, rights[name]) + "\n")
        run = command(found.settings(Role.CLI), "setup")
        assert run.returncode == 0, run.stderr
        yield found


def command(settings: Settings, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a command of newsriver to its end."""
    return subprocess.run(
        [sys.executable, "-m", "pipelines", *arguments],
        env=as_environment(settings),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def count(locked: Locked, index: str) -> int:
    with closing(connect(locked.owner())) as client:
        return int(client.ask("GET", f"/{RIVER}-{index}*/_count")["count"])


def test_the_whole_river_runs_with_the_rights_that_are_printed(locked: Locked) -> None:
    with Site() as site:
        site.routes["/feed"] = feed_reply(site.url("/news/1"))
        site.routes["/news/1"] = Reply(page(1), headers=HTML)
        added = command(locked.settings(Role.CLI), "feeds", "add", site.url("/feed"))
        assert added.returncode == 0, added.stderr
        with (
            role(locked.settings(Role.POLL), "poll"),
            role(locked.settings(Role.FETCH), "fetch"),
            role(locked.settings(Role.PROCESS), "process"),
            role(locked.settings(Role.RECORD), "record"),
        ):
            until(lambda: count(locked, "articles") == 1, 300, "an article in the index")
            until(lambda: count(locked, "outcomes") >= 3, what="its lines in the ledger")
    found = command(locked.settings(Role.SERVE), "search", "bridge", "--json")
    assert found.returncode == 0, found.stderr
    assert "votes to rebuild bridge 1" in found.stdout


def test_a_certificate_of_ones_own_is_enough_for_kafka(locked: Locked) -> None:
    certificate, key = locked.servers.authority.pair("anybody")
    settings = locked.settings(
        Role.CLI,
        f"kafka.bootstrap_servers={locked.servers.mutual}",
        "kafka.security_protocol=SSL",
        "kafka.username=",
        "kafka.password_file=",
        f"kafka.client_cert={certificate}",
        f"kafka.client_key={key}",
    )
    with Admin(kafka_bootstrap(settings)) as admin:
        assert admin.topics() == {}, "known, and without a right to see any topic"


def test_a_fingerprint_is_as_good_as_a_file(locked: Locked) -> None:
    changes = ["elasticsearch.ca_certs=", f"elasticsearch.ca_fingerprint={locked.servers.authority.fingerprint}"]
    with closing(connect(locked.settings(Role.SERVE, *changes))) as client:
        assert client.ask("POST", f"/{RIVER}-articles/_count", {}, {"ignore_unavailable": "true"})["count"] >= 0


def test_a_key_that_has_rotated_is_read_again(locked: Locked) -> None:
    file = locked.servers.folder / "rotating.key"
    rights = elastic_roles(RIVER)[Role.SERVE.group(RIVER)]
    file.write_text(locked.make_key(Role.SERVE, rights))
    count_path = f"/{RIVER}-articles-*/_count"
    with (
        closing(connect(locked.settings(Role.SERVE, f"elasticsearch.api_key_file={file}"))) as client,
        closing(connect(locked.owner())) as owner,
    ):
        assert client.send("GET", count_path).ok
        owner.ask("DELETE", "/_security/api_key", {"name": Role.SERVE.group(RIVER)})
        assert client.send("GET", count_path).status == 401
        file.write_text(locked.make_key(Role.SERVE, rights))
        assert client.send("GET", count_path).ok
        (locked.servers.folder / f"{Role.SERVE.group(RIVER)}.key").write_text(file.read_text())


Change = Callable[[Locked], list[str]]


def foreign_authority(locked: Locked) -> list[str]:
    return [f"kafka.ca_certs={locked.foreign.ca}"]


def expired_certificate(locked: Locked) -> list[str]:
    certificate, key = locked.servers.authority.pair("late", days=-1)
    return [
        f"kafka.bootstrap_servers={locked.servers.mutual}",
        "kafka.security_protocol=SSL",
        "kafka.username=",
        "kafka.password_file=",
        f"kafka.client_cert={certificate}",
        f"kafka.client_key={key}",
    ]


def foreign_certificate(locked: Locked) -> list[str]:
    certificate, key = locked.foreign.pair("stranger")
    return [*expired_certificate(locked)[:4], f"kafka.client_cert={certificate}", f"kafka.client_key={key}"]


def elastic_of_others(locked: Locked) -> list[str]:
    return [f"elasticsearch.ca_certs={locked.foreign.ca}"]


def key_without_indices(locked: Locked) -> list[str]:
    file: Path = locked.servers.folder / "little.key"
    file.write_text(locked.make_key(Role.RECORD, {"cluster": ["monitor"], "indices": []}))
    return [f"elasticsearch.api_key_file={file}"]


REFUSED: list[tuple[Role, Change, str]] = [
    *[(user, lambda _: ["kafka.password_file=", "kafka.password=wrong"], "login failed") for user in Role],
    (Role.FETCH, foreign_authority, "its certificate is not trusted"),
    (Role.POLL, expired_certificate, "it refuses our certificate"),
    (Role.RECORD, foreign_certificate, "it refuses our certificate"),
    (Role.RECORD, elastic_of_others, "its certificate is not trusted"),
    (Role.SERVE, elastic_of_others, "its certificate is not trusted"),
    (
        Role.RECORD,
        lambda _: ["elasticsearch.api_key_file=", "elasticsearch.api_key=bm9ib2R5Om5vYm9keQ=="],
        "not know us",
    ),
    (Role.RECORD, key_without_indices, f"does not let us read in {RIVER}-articles"),
]


@pytest.mark.parametrize(("user", "change", "says"), REFUSED)
def test_what_is_refused_is_one_line_and_exit_3(locked: Locked, user: Role, change: Change, says: str) -> None:
    arguments = ["setup"] if user is Role.CLI else [str(user)]
    run = command(locked.settings(user, *change(locked)), *arguments)
    assert run.returncode == 3, run.stderr
    lines = run.stderr.strip().splitlines()
    assert says in lines[-1]
    assert "Traceback" not in run.stderr
    assert "password of" not in run.stderr


@pytest.mark.parametrize(
    ("user", "topic"),
    [(Role.POLL, FEEDS), (Role.FETCH, ENTRIES), (Role.PROCESS, PAGES), (Role.RECORD, OUTCOMES)],
    ids=lambda value: str(getattr(value, "name", value)),
)
def test_a_right_that_is_taken_ends_the_role(locked: Locked, user: Role, topic: Topic) -> None:
    [grant] = [
        grant
        for grant in kafka_grants(RIVER)
        if (grant.user, grant.name) == (user.group(RIVER), topic.full_name(RIVER))
    ]
    locked.servers.revoke([grant])
    try:
        run = command(locked.settings(user), str(user))
        assert run.returncode == 3, run.stderr
        assert topic.full_name(RIVER) in run.stderr.strip().splitlines()[-1]
    finally:
        locked.servers.grant([grant])
