"""The quality suite for extraction: both methods on the same pages, predictions written, floors held."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tests.quality import extraction
from tests.unit.pages import page, prose

SCORER = """
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
texts = {row["id"]: row.get("text") for row in map(json.loads, open(sys.argv[2]))}
share = sum(bool(texts[row["id"]]) for row in rows) / len(rows)
fact = {"acc": share, "gold": len(rows)}
print(json.dumps({"aa": {"f1": share, "p": share, "r": share, "bad": 0, "empty": 0, "title": fact, "date": None,
                         "authors": None}}))
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    html = page(f"<main><h1>Ferry sails again</h1>{prose()}</main>", "<title>Ferry sails again</title>")
    rows: list[dict[str, str]] = [
        {"id": "aa/1", "set": "aa", "host": "a.example", "url": "https://a.example/1", "html": html},
        {"id": "aa/2", "set": "aa", "host": "b.example", "url": "https://b.example/2", "text": "",
         "html_b64": base64.b64encode(html.encode("utf-16")).decode()},
    ]  # fmt: skip
    (tmp_path / "score_extraction.py").write_text(SCORER)
    path = tmp_path / "pack.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def run(monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
    monkeypatch.setattr("sys.argv", ["extraction.py", *args])
    return extraction.main()


def test_both_methods_are_scored_and_ours_written(
    pack: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = pack.with_name("out.jsonl")
    assert run(monkeypatch, str(pack), "--out", str(out)) == 0
    predictions = [json.loads(line) for line in out.read_text().splitlines()]
    assert [prediction["id"] for prediction in predictions] == ["aa/1", "aa/2"]
    assert all(prediction["title"] == "Ferry sails again" for prediction in predictions)
    assert "aa        2" in capsys.readouterr().out


def test_a_figure_below_its_floor_fails_where_the_set_is_whole(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    floors = pack.with_name("floors.toml")
    floors.write_text("[aa]\npages = 2\nf1 = 1.01\n")
    monkeypatch.setattr(extraction, "FLOORS", floors)
    assert run(monkeypatch, str(pack)) == 1
    assert run(monkeypatch, str(pack), "--sample", "1") == 0


def test_without_a_pack_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "/nowhere/pack.jsonl") == 0
    assert "skipped" in capsys.readouterr().out
