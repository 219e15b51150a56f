"""What is generated from the records is in the repository as the code would write it now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas import generate


def test_committed_files_are_what_the_code_generates() -> None:
    assert generate.stale() == [], "run `python -m schemas.generate`"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    generate.write(tmp_path)
    return tmp_path


def test_writing_twice_changes_nothing(root: Path) -> None:
    assert generate.write(root) == []


def test_an_edited_a_missing_and_a_foreign_file_are_stale(root: Path) -> None:
    (root / "json/feed.schema.json").write_text("{}")
    (root / "json/entry.schema.json").unlink()
    (root / "elasticsearch/old.template.json").write_text("{}")
    expected = ["elasticsearch/old.template.json", "json/entry.schema.json", "json/feed.schema.json"]
    assert generate.stale(root) == expected
    assert generate.write(root) == expected
    assert generate.stale(root) == []


def test_checking_names_stale_files_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "stale", lambda: ["json/feed.schema.json"])
    assert generate.main(["--check"]) == 1
    assert "schemas/json/feed.schema.json" in capsys.readouterr().out


def test_unknown_arguments_are_refused() -> None:
    assert generate.main(["--chek"]) == 2


def test_every_field_is_described_in_its_schema() -> None:
    for name, text in generate.generated().items():
        if name.startswith("json/"):
            for field, schema in json.loads(text)["properties"].items():
                assert schema.get("description"), f"{name}: {field}"
