"""`./run quality topics`: its measures on articles of our own, and the floors that they keep."""

from __future__ import annotations

import importlib.util
import json
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
ARTICLES = tomllib.loads((ROOT / "tests/data/topics.toml").read_text(encoding="utf-8"))["article"]


@pytest.fixture(scope="module")
def quality() -> ModuleType:
    """Load the script as a module."""
    spec = importlib.util.spec_from_file_location("quality_topics", ROOT / "tests/quality/topics.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def pack(folder: Path, rows: list[dict[str, object]]) -> str:
    path = folder / "pack.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_our_own_articles_keep_their_floors(
    quality: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows: list[dict[str, object]] = [
        {
            "id": str(n),
            "title": each["title"],
            "text": each["body"],
            "language": each["language"],
            "source": "own",
            "labels": [each["topic"]],
        }
        for n, each in enumerate(ARTICLES)
    ]
    out = tmp_path / "out.jsonl"
    assert quality.main([pack(tmp_path, rows), "--out", str(out)]) == 0
    answers = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [answer["id"] for answer in answers] == [row["id"] for row in rows]
    assert all(list(answer["scores"]) == answer["topics"] for answer in answers)
    scored, _ = quality.score(rows, "en")
    found = quality.figures(scored)
    assert found["tagged"] == found["P@1"] == 1
    assert found["micro"] >= 0.8
    assert found["macro"] >= 0.8
    assert found["language"] >= 0.95
    said = capsys.readouterr().out
    assert {f"{language}/own" for language in (row["language"] for row in rows)} <= set(said.split())
    assert "articles per CPU second" in said


def test_none_given_counts_as_wrong_and_a_broad_label_does_not_count(quality: ModuleType, tmp_path: Path) -> None:
    war = "Soldiers and tanks crossed the front line as the ceasefire ended; artillery fire was heard."
    rows: list[dict[str, object]] = [
        {"id": "right", "title": "War", "text": war, "language": "en", "allowed": ["medtop:16000000"]},
        {"id": "wrong", "title": "War", "text": war, "language": "en", "allowed": ["medtop:15000000"]},
        {"id": "none", "title": "It is", "text": "What it is.", "language": "en", "allowed": ["medtop:15000000"]},
        {"id": "broad", "title": "War", "text": war, "allowed": ["medtop:15000000"], "broad": True},
    ]
    scored, seconds = quality.score(quality.read_pack(Path(pack(tmp_path, rows))), "en")
    assert [each.row["id"] for each in scored] == ["right", "wrong", "none"]
    found = quality.figures(scored)
    assert found["tagged"] == pytest.approx(2 / 3)
    assert (found["P@1"], found["P@1|t"], found["R@3"]) == (pytest.approx(1 / 3), 0.5, pytest.approx(1 / 3))
    assert "micro" not in found
    assert sum(count for _, _, count, _ in quality.calibration(scored)) == 2
    assert seconds > 0


def test_f1_is_over_pairs_and_over_the_topics_asked_for(quality: ModuleType) -> None:
    found = quality.f1_scores([({"a", "b"}, {"a"}), ({"b"}, {"b"}), (set(), {"c"})])
    assert found["micro"] == pytest.approx(2 * 2 / (3 + 3))
    assert found["macro"] == pytest.approx((1 + 2 / 3 + 0) / 3)


def test_a_pack_of_nothing_is_no_fault(quality: ModuleType, tmp_path: Path) -> None:
    assert quality.main([pack(tmp_path, [])]) == 0
