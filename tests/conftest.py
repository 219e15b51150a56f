"""What the tests share: the servers, and a river of its own for each test that needs one."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from pipelines.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipelines.lab.internet.site import Orders

# A shell that starts the tests in the background lets them ignore SIGINT, and what they start would inherit that:
# a handler of ours becomes the default again in every process started from here.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says how busy the machine is; timings belong in benchmarks.
hypothesis.settings.register_profile("newsriver", deadline=None)
hypothesis.settings.load_profile("newsriver")

KAFKA, ELASTICSEARCH = "NEWSRIVER_KAFKA__BOOTSTRAP_SERVERS", "NEWSRIVER_ELASTICSEARCH__URL"


@pytest.fixture(scope="session")
def servers() -> tuple[str, str]:
    """Kafka's and Elasticsearch's addresses; without them the run fails, it never skips."""
    missing = [name for name in (KAFKA, ELASTICSEARCH) if not os.environ.get(name)]
    if missing:
        pytest.exit(f"{' and '.join(missing)} not set: `./run test` starts the servers and sets them", returncode=3)
    return os.environ[KAFKA], os.environ[ELASTICSEARCH]


@pytest.fixture
def river(servers: tuple[str, str], tmp_path: Path) -> Iterator[Settings]:
    """Settings of a river with a name, topics and templates of its own; all of it is removed afterwards."""
    from pipelines.index.provision import provision, remove

    name = f"t{uuid.uuid4().hex[:10]}"
    settings = load_settings(
        assignments=[
            f"river.name={name}",
            f"kafka.bootstrap_servers={servers[0]}",
            f"elasticsearch.url={servers[1]}",
            "kafka.partitions=2",
            "serve.with_run=false",  # its port is one of the machine's
            "elasticsearch.refresh_seconds=0.2",
            f"fetch.gate_directory={tmp_path / 'hosts'}",
            f"metrics.folder={tmp_path / 'metrics'}",
        ],
        environment={},
    )
    provision(settings)
    yield settings
    with suppress(Exception):
        remove(settings)


@pytest.fixture
def internet(tmp_path: Path) -> Iterator[Orders]:
    """A simulated internet of 60 feeds on 20 hosts, at work; its log is `requests.log` in `tmp_path`."""
    from pipelines.lab.internet.river import free_port, site
    from pipelines.lab.internet.site import Orders
    from pipelines.lab.internet.traits import Host

    orders = Orders(
        feeds=60,
        hosts=20,
        seconds=60.0,
        speed=20.0,
        seed=2,
        pause=1.0,
        history=60.0,
        port=free_port([Host(0)]),
        opened_at=time.time(),
    )
    with site("pipelines.lab.internet.site", orders.line(), tmp_path):
        yield orders
