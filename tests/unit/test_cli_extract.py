"""`newsriver extract` on files: the article for people and for programs, and one line when there is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.cli import main
from schemas.records import Article
from tests.unit.pages import DATA


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["extract", *arguments])
    printed = capsys.readouterr()
    return int(str(caught.value.code)), printed.out, printed.err


def test_json_is_the_article_record(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, str(DATA / "plain.txt"), "--json")
    article = Article.model_validate(json.loads(out)["article"])
    assert code == 0
    assert article.url == (DATA / "plain.txt").resolve().as_uri()
    assert len(article.body.split("\n")) == 3


def test_people_see_title_facts_topics_and_paragraphs(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, str(DATA / "news.html"))
    assert code == 0
    assert out.startswith("Ferry to Skarholm sails again after winter repairs\n2026-03-02 07:15 UTC · Ines Halvorsen")
    assert "The next inspection of the engine is due in June." in out


def test_people_see_what_the_publisher_says_of_its_use(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    said = '<head><meta name="robots" content="noai"><link rel="license" href="https://post.example/licence">'
    path.write_text((DATA / "news.html").read_text().replace("<head>", said, 1))
    _, out, _ = run(capsys, str(path))
    assert "reserved: noai · licence https://post.example/licence" in out


@pytest.mark.parametrize(
    ("content", "reason"), [(b"%PDF-1.7", "not-html"), (b"", "empty-body"), (b"<p>" * 2_000_000, "too-")]
)
def test_no_article_is_one_line_and_exit_1(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "page"
    path.write_bytes(content)
    code, out, err = run(capsys, str(path))
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert reason in err


def test_a_missing_file_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "no-such-file.html")
    assert code == 2
    assert "no-such-file.html" in err


def test_a_loopback_address_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "http://127.0.0.1:9/page")
    assert code == 1
    assert "127.0.0.1" in err


def test_a_page_cannot_control_the_terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    text = (DATA / "news.html").read_text().replace("Shop owner", "[red]Shop\x1b[2J&#x9b;2J owner")
    path.write_text(text)
    _, out, _ = run(capsys, str(path))
    assert "\x1b" not in out
    assert "\x9b" not in out
    assert "[red]Shop" in out
