"""API keys: shown once, kept as hashes, seen and forgotten at once."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipelines.cli import newsriver
from pipelines.errors import NewsriverError, UsageError
from pipelines.web.keys import KeyStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "keys.json"


def test_a_key_is_known_until_it_is_revoked(path: Path) -> None:
    store, server = KeyStore(path), KeyStore(path)
    assert server.name_of("nr_x") is None
    key, other = store.add("ida"), store.add("bo")
    assert (server.name_of(key), server.name_of(other), server.name_of(key[:-1])) == ("ida", "bo", None)
    store.revoke("ida")
    assert (server.name_of(key), server.name_of(other)) == (None, "bo")
    assert [each.name for each in store.stored()] == ["bo"]


def test_the_file_holds_no_key_and_is_its_owners_alone(path: Path) -> None:
    key = KeyStore(path).add("ida")
    assert key not in path.read_text()
    assert key.removeprefix("nr_") not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_name_is_taken_once(path: Path) -> None:
    store = KeyStore(path)
    store.add("ida")
    with pytest.raises(UsageError, match="there is a key 'ida'"):
        store.add("ida")
    with pytest.raises(UsageError, match="there is no key 'bo'"):
        store.revoke("bo")
    for name in ("", "a b", "../x", "x" * 65, "-a"):
        with pytest.raises(UsageError, match="is no name"):
            store.add(name)


@pytest.mark.parametrize("text", ["", "{", "{}x", '[{"name": "a"}]', "[1]", '[{"name":"a","digest":"b","made_at":1}]'])
def test_a_spoilt_file_lets_nobody_in(path: Path, text: str) -> None:
    store = KeyStore(path)
    key = store.add("ida")
    path.write_text(text)
    assert store.name_of(key) is None
    with pytest.raises(NewsriverError, match="cannot be read"):
        store.add("bo")


def test_the_commands(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSRIVER_SERVE__KEYS_FILE", str(path))
    run = CliRunner()

    def call(*arguments: str) -> str:
        done = run.invoke(newsriver, ["keys", *arguments])
        assert done.exit_code == 0, done.output
        return done.stdout

    key = call("add", "ida").strip()
    assert KeyStore(path).name_of(key) == "ida"
    assert "ida" in call("list", "--json")
    call("revoke", "ida")
    assert KeyStore(path).stored() == []
