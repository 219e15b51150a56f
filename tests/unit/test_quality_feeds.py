"""`./run quality feeds`: a pack of our own files goes through, and nothing in a pack can end it."""

from __future__ import annotations

import base64
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pipelines.errors import FeedFault
from pipelines.feed_formats import parse_feed

ROOT = Path(__file__).parents[2]
FILES = sorted(path for path in (ROOT / "tests/data/feeds").iterdir() if not path.name.endswith(".expected.json"))


@pytest.fixture(scope="module")
def quality() -> ModuleType:
    """Load the script as a module."""
    spec = importlib.util.spec_from_file_location("quality_feeds", ROOT / "tests/quality/feeds.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def run(quality: ModuleType, folder: Path, lines: list[str]) -> tuple[int, list[dict[str, Any]]]:
    (folder / "pack.jsonl").write_text("\n".join(lines) + "\n")
    status = quality.main([str(folder / "pack.jsonl"), "--out", str(folder / "out.jsonl")])
    return status, [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]


def row(name: str, data: bytes) -> str:
    return json.dumps({"name": name, "b64": base64.b64encode(data).decode()})


def test_a_pack_of_our_own_files(quality: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, answers = run(quality, tmp_path, [row(path.name, path.read_bytes()) for path in FILES])
    assert status == 0
    assert [answer["name"] for answer in answers] == [path.name for path in FILES]
    refused = sum("refused" in answer for answer in answers)
    for path, answer in zip(FILES, answers, strict=True):
        if reason := answer.get("refused"):
            with pytest.raises(FeedFault) as caught:
                parse_feed(path.read_bytes(), url=quality.URL)
            assert (caught.value.reason, answer["entries"]) == (reason, [])
        else:
            parsed = parse_feed(path.read_bytes(), url=quality.URL)
            assert [each["url"] for each in answer["entries"]] == [entry.link for entry in parsed.entries]
            assert [each["title"] for each in answer["entries"]] == [entry.title for entry in parsed.entries]
    assert 0 < refused < len(FILES)
    dated = next(answer for answer in answers if answer["name"] == "rss20.xml")
    assert dated["entries"][0]["published"].endswith("+00:00")
    printed = capsys.readouterr().out
    assert f"{len(FILES)} files, {len(FILES) - refused} read, {refused} refused" in printed
    assert f"{sum(len(answer['entries']) for answer in answers)} entries" in printed
    assert "files/s of processor time" in printed


def test_nothing_in_a_pack_ends_it(quality: ModuleType, tmp_path: Path) -> None:
    lines = ["{", "[]", "7", '{"name": "x"}', '{"name": "x", "b64": 1}', '{"name": "x", "b64": "%"}', row("e", b"")]
    good = row("good", (ROOT / "tests/data/feeds/rss20.xml").read_bytes())
    status, answers = run(quality, tmp_path, [*lines, good])
    assert status == 0
    assert [answer.get("refused") for answer in answers] == ["bad-line"] * 5 + ["empty", "empty", None]
    assert answers[0]["name"] == "line 1"
    assert answers[-1]["entries"]


def test_a_crash_of_the_parser_is_counted_and_fails(
    quality: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash(data: bytes, **_: object) -> None:
        raise RecursionError(data)

    monkeypatch.setattr(quality, "parse_feed", crash)
    status, answers = run(quality, tmp_path, [row("a", b"<rss/>"), row("b", b"<rss/>")])
    assert status == 1
    assert [answer["refused"] for answer in answers] == ["crashed-RecursionError"] * 2
    assert "2  crashed-RecursionError" in capsys.readouterr().out


def test_without_a_pack_there_is_nothing_to_measure(
    quality: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quality.main([str(tmp_path / "none.jsonl")]) == 0
    assert "not there" in capsys.readouterr().out
