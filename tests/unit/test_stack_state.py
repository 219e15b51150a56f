import os
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import StackError
from pipelines.settings import Settings, StackSettings
from pipelines.stack import Endpoints, endpoints, state
from pipelines.stack.state import FILE_NAME, ServerState, StackState, load, locked, save, write_whole

BOTH = StackState(
    kafka=ServerState(port=20001, inner_port=20002, version="4.3.1", pid=77, created=1_700_000_000.25),
    elasticsearch=ServerState(port=20003, inner_port=20004),
)


def _settings(directory: Path) -> Settings:
    return Settings(stack=StackSettings(directory=directory))


SERVERS = st.builds(
    ServerState,
    port=st.integers(1, 65535),
    inner_port=st.integers(1, 65535),
    version=st.text(),
    pid=st.none() | st.integers(1),
    created=st.none() | st.floats(allow_nan=False, allow_infinity=False),
)


@given(st.builds(StackState, kafka=SERVERS, elasticsearch=SERVERS))
def test_comes_back_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, written: StackState) -> None:
    directory = tmp_path_factory.mktemp("stack")
    save(directory, written)
    assert load(directory) == written


def test_a_stack_that_was_never_started_has_no_state_and_no_addresses(tmp_path: Path) -> None:
    assert load(tmp_path) is None
    assert endpoints(_settings(tmp_path)) is None
    assert endpoints(_settings(tmp_path / "not" / "there")) is None


def test_addresses_are_on_the_loopback_interface(tmp_path: Path) -> None:
    save(tmp_path, BOTH)
    assert endpoints(_settings(tmp_path)) == Endpoints("127.0.0.1:20001", "http://127.0.0.1:20003")


def test_fields_of_a_newer_version_are_ignored(tmp_path: Path) -> None:
    save(tmp_path, BOTH)
    path = tmp_path / FILE_NAME
    path.write_text(path.read_text().replace('"port": 20001', '"colour": "blue", "port": 20001'))
    assert load(tmp_path) == BOTH


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kafka": {"port": 1, "inner_port": 2}}', "\x00\xff"])
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(StackError, match=r"state\.json cannot be read: it is not what `newsriver stack up` wrote; "):
        load(tmp_path)


def test_a_crash_while_writing_leaves_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, BOTH)

    def crash(_: int) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(state.os, "fsync", crash)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path, BOTH.model_copy(update={"kafka": BOTH.elasticsearch}))
    assert load(tmp_path) == BOTH
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_a_planted_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    link = tmp_path / "config"
    link.symlink_to(precious)
    write_whole(link, "new")
    assert precious.read_text() == "mine"
    assert (link.is_symlink(), link.read_text(), link.stat().st_mode & 0o777) == (False, "new", 0o644)


class Busy(Exception):
    """Somebody else holds the lock."""


def _busy() -> NoReturn:
    raise Busy


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    with locked(tmp_path / "lock", _busy), pytest.raises(Busy), locked(tmp_path / "lock", _busy):
        pass
    with locked(tmp_path / "lock", _busy):
        pass


def test_a_child_that_inherits_the_lock_holds_it_until_it_ends(tmp_path: Path) -> None:
    with locked(tmp_path / "lock", _busy) as descriptor:
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=(descriptor,))
    with pytest.raises(Busy), locked(tmp_path / "lock", _busy):
        pass
    child.communicate()
    with locked(tmp_path / "lock", _busy):
        pass


def test_other_children_do_not_hold_the_lock(tmp_path: Path) -> None:
    with locked(tmp_path / "lock", _busy):
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    with locked(tmp_path / "lock", _busy) as descriptor:
        assert os.get_inheritable(descriptor) is False
    child.communicate()
