"""The one function that makes an article of a page, by itself and in the sandbox."""

from __future__ import annotations

from contextlib import closing

import pytest

from pipelines.errors import Rejected, Skipped
from pipelines.extraction import ArticleContext, Page, TaggingFault, article_sandbox, make_article
from pipelines.settings import CleanSettings
from pipelines.topics import tagger
from tests.unit.pages import DATA, cleaned, entry, facts, page, prose

NEWS = (DATA / "news.html").read_bytes()
CONTEXT = ArticleContext(CleanSettings())


def test_an_article_is_cleaned_then_tagged() -> None:
    of = Page(NEWS, entry(), facts())
    article = make_article(of, CONTEXT)
    bare = cleaned(NEWS)
    assert article.model_copy(update={"topics": []}) == bare
    assert article.topics == tagger.tag(bare.title, bare.body, bare.language)
    assert article.topics


def test_the_sandbox_gives_what_the_function_gives() -> None:
    of = Page(NEWS, entry(), facts())
    with closing(article_sandbox(CONTEXT.clean)) as sandbox:
        assert sandbox.call(make_article, of, CONTEXT) == make_article(of, CONTEXT)
        with pytest.raises(Rejected) as caught:
            sandbox.call(make_article, Page(b"", entry(), facts()), CONTEXT)
    assert caught.value.reason == "empty-body"


def test_what_the_context_says_is_obeyed() -> None:
    of = Page(page(prose()).encode(), entry(), facts(headers={"x-robots-tag": "noai"}))
    assert make_article(of, CONTEXT).rights == ["noai"]
    with pytest.raises(Skipped):
        make_article(of, ArticleContext(CleanSettings.model_validate({"skip_rights": ["noai"]})))


def test_a_fault_of_the_tagger_is_told_from_one_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: str) -> None:
        raise KeyError("lexicon")

    monkeypatch.setattr(tagger, "tag", fails)
    with pytest.raises(TaggingFault) as caught:
        make_article(Page(NEWS, entry(), facts()), CONTEXT)
    assert caught.value.reason == "unexpected-error"
    assert "KeyError: 'lexicon'" in caught.value.message
    assert "in fails" in caught.value.__notes__[0]


def test_what_runs_out_of_memory_while_tagging_is_no_fault_of_the_tagger(monkeypatch: pytest.MonkeyPatch) -> None:
    def hungry(*_: str) -> None:
        raise MemoryError

    monkeypatch.setattr(tagger, "tag", hungry)
    with pytest.raises(MemoryError):
        make_article(Page(NEWS, entry(), facts()), CONTEXT)
