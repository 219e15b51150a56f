"""A role ends with 0 whenever SIGTERM comes, also before it has begun."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from pipelines.runtime import early
from pipelines.runtime.signals import held
from schemas.topics import Role

ROLES = sorted({"run", *(str(role) for role in Role if role is not Role.CLI)})


def start(*arguments: str) -> subprocess.Popen[bytes]:
    """Start a command on servers that are not there, SIGTERM being held back until it can answer it."""
    nowhere = {
        "NEWSRIVER_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "NEWSRIVER_ELASTICSEARCH__URL": "http://127.0.0.1:9",
        "NEWSRIVER_SERVE__PORT": "0",
        "NEWSRIVER_METRICS__FOLDER": str(Path(tempfile.gettempdir()) / "newsriver-test-metrics"),
    }
    known = {name: value for name, value in os.environ.items() if not name.startswith("NEWSRIVER_")}
    with held():
        return subprocess.Popen(
            [sys.executable, "-m", "pipelines", *arguments], env=known | nowhere, stdin=subprocess.DEVNULL
        )


def test_all_roles_are_known() -> None:
    assert sorted(early._ROLES) == ROLES


@pytest.mark.parametrize("role", ROLES)
def test_a_role_that_is_told_to_end_before_it_has_begun_ends_with_0(role: str) -> None:
    process = start(role)
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 0


def test_any_other_command_dies_of_the_signal() -> None:
    process = start("tap", "entries")
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == -signal.SIGTERM


def test_the_signal_is_held_back_only_within() -> None:
    came = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: came.set())
    try:
        with held():
            signal.raise_signal(signal.SIGTERM)
            assert not came.is_set()
        assert came.is_set()
    finally:
        signal.signal(signal.SIGTERM, before)
