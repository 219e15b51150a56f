"""Tests of `schemas.mapping`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from schemas.mapping import SCHEMA_VERSION, STEM_ANALYZERS, fields, mappings, nested, properties, templates
from schemas.records import Article, Entry, Outcome, Revision, TopicTag


@pytest.mark.parametrize(
    ("record", "field", "kind"),
    [
        (Article, "title", "text"),
        (Article, "body", "text"),
        (Article, "url", "keyword"),
        (Article, "feeds", "keyword"),
        (Article, "language", "keyword"),
        (Article, "published_at", "date"),
        (Article, "first_seen", "date"),
        (Article, "words", "long"),
        (Article, "rights", "keyword"),
        (Article, "tdm_policy", "keyword"),
        (Article, "license", "keyword"),
        (Article, "free", "boolean"),
        (Article, "topics.score", "float"),
        (Article, "topics.evidence", "keyword"),
        (Outcome, "kind", "keyword"),
        (Outcome, "terminal", "boolean"),
        (Outcome, "at", "date"),
        (Outcome, "document_version", "long"),
        (Entry, "title", "keyword"),
        (TopicTag, "label", "keyword"),
    ],
)
def test_field_types(record: type[BaseModel], field: str, kind: str) -> None:
    assert fields(properties(record))[field]["type"] == kind


def test_an_article_has_exactly_its_fields_and_the_stem() -> None:
    mapped = mappings(Article)
    assert mapped["dynamic"] == "strict"
    assert list(mapped["properties"]) == [
        *Article.model_fields,
        "dated_at",
        "indexed_at",
        "updated_at",
        "site",
        "site_tree",
        "stem",
    ]
    assert list(mappings(Outcome)["properties"]) == list(Outcome.model_fields)


def test_topics_are_a_plain_object() -> None:
    assert "type" not in properties(Article)["topics"]


def test_every_language_has_its_stem_field() -> None:
    stem = mappings(Article)["properties"]["stem"]["properties"]
    assert set(stem) == set(STEM_ANALYZERS.values())
    for name, field in stem.items():
        assert field == {"type": "text", "analyzer": f"newsriver_{name}", "index_options": "freqs"}


def test_every_analyzer_that_is_named_is_declared() -> None:
    declared = templates()["articles"]["template"]["settings"]["index"]["analysis"]
    own = fields(mappings(Article)["properties"]).values()
    every = [*own, *(inner for field in own for inner in field.get("fields", {}).values())]
    named = {field[key] for field in every for key in field if "analyzer" in key}
    assert named == set(declared["analyzer"])
    for analyzer in declared["analyzer"].values():
        ours = {name for kind in ("filter", "char_filter") for name in analyzer[kind] if name.startswith("newsriver_")}
        assert ours <= {*declared["filter"], *declared["char_filter"]}


def test_every_keyword_has_a_limit_that_lucene_takes() -> None:
    for template in templates().values():
        for name, field in fields(template["template"]["mappings"]["properties"]).items():
            if field["type"] == "keyword":
                assert field["ignore_above"] * 4 <= 32_766, name


def test_an_unknown_type_is_refused() -> None:
    class Strange(BaseModel):
        z: complex

    with pytest.raises(TypeError, match="complex"):
        properties(Strange)


LEAVES = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.just({"type": "keyword"}), min_size=1, max_size=4)
TREES: st.SearchStrategy[dict[str, Any]] = st.recursive(
    LEAVES,
    lambda inner: st.dictionaries(
        st.text("abc", min_size=1, max_size=3), inner.map(lambda tree: {"properties": tree}), min_size=1, max_size=4
    ),
    max_leaves=12,
)


@given(TREES)
def test_flattening_and_nesting_are_inverse(tree: dict[str, Any]) -> None:
    assert nested(fields(tree)) == tree


def test_former_texts_are_kept_and_never_searched() -> None:
    mapped = mappings(Revision)["properties"]
    assert mapped["body"] == mapped["title"] == {"type": "text", "index": False}
    assert mapped["article_id"]["type"] == "keyword"


def test_every_template_says_its_generation() -> None:
    assert {template["_meta"]["schema_version"] for template in templates().values()} == {SCHEMA_VERSION}
