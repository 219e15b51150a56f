"""Which articles are new to a saved search, and what Elasticsearch is asked for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from pipelines.alerts.evaluation import (
    CompiledSearch,
    Window,
    WrittenArticle,
    concerns,
    counting,
    counts_of,
    delivery_id,
    delivery_of,
    found_ids,
    matches,
    message_id,
    multi_search,
    window_body,
    written_article,
)
from pipelines.alerts.figures import AlertFigures, figures_body, figures_of
from pipelines.alerts.positions import behind, placed, positions_of, updated
from pipelines.errors import ServiceError
from pipelines.index.documents import article_indices
from pipelines.settings import SearchSettings
from schemas.records import Article, SavedSearch, ShardPosition

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOW = Window("news-articles-2026.11", 0, 4, 9)


def saved(number: int = 1, query: str = "bridge", since: datetime = NOON) -> SavedSearch:
    return SavedSearch(id=f"{number:012x}", name="Bridges", query=query, created_at=since, since=since)


def written(number: int, fetched: datetime, indexed: datetime, updated_at: datetime | None = None) -> WrittenArticle:
    article = Article(
        id=f"{number:032x}",
        url=f"https://gazette.example.org/{number}",
        source="gazette",
        title="Bridge",
        body="",
        language="en",
        first_seen=NOON,
        fetched_at=fetched,
        words=4,
        content_digest=f"{number:032x}",
    )
    return WrittenArticle(article, indexed, updated_at or fetched, number)


@pytest.mark.parametrize(
    ("fetched", "indexed", "text", "new"),
    [
        (NOON + HOUR, NOON + HOUR, None, True),
        (NOON - HOUR, NOON - HOUR, None, False),  # it was there
        (NOON - HOUR, NOON + HOUR, None, True),  # it waited to be written
        (NOON + HOUR, NOON + HOUR, NOON - HOUR, False),  # its page was looked at again
        (NOON + 2 * HOUR, NOON + 2 * HOUR, NOON + HOUR, True),  # the same, of a text that is new itself
    ],
)
def test_what_is_new_to_a_search(fetched: datetime, indexed: datetime, text: datetime | None, *, new: bool) -> None:
    assert concerns(saved(), written(1, fetched, indexed, text)) is new


def test_a_delivery_is_named_by_search_article_and_text() -> None:
    one = delivery_of(saved(), written(1, NOON, NOON), NOON)
    again = delivery_of(saved(), written(1, NOON, NOON + HOUR), NOON + HOUR)
    assert one.id == again.id == delivery_id(one.search_id, one.article_id, one.content_digest)
    others = [("b" * 12, one.article_id, "c"), (one.search_id, "a", "c"), (one.search_id, one.article_id, "c")]
    assert len({one.id, *(delivery_id(*each) for each in others)}) == 4
    two = delivery_of(saved(), written(2, NOON, NOON), NOON)
    assert message_id([one, two]) == message_id([two, one]) != message_id([one])


def test_each_search_is_one_of_a_multi_search_on_the_window_alone() -> None:
    searches = [CompiledSearch(saved(1), SearchSettings()), CompiledSearch(saved(2, '"a b" OR -c'), SearchSettings())]
    clauses = [each.clause(NOON) for each in searches]
    lines = [orjson.loads(line) for line in multi_search(WINDOW, clauses, 7).splitlines()]
    assert lines[0] == lines[2]
    assert lines[0]["index"] == WINDOW.index
    assert lines[0]["preference"] == "_shards:0"
    assert lines[0]["allow_partial_search_results"] is False
    for body in lines[1::2]:
        assert body["size"] == 7
        assert body["query"]["bool"]["filter"][0] == {"range": {"_seq_no": {"gt": 4, "lte": 9}}}
    assert lines[1] != lines[3]


def test_all_are_counted_in_one_search_and_inflections_are_those_of_the_articles_languages() -> None:
    searches = [CompiledSearch(saved(number), SearchSettings()) for number in (1, 2)]
    whole = [each.clause(NOON) for each in searches]
    some = [each.clause(NOON, ("de", "en")) for each in searches]
    header, body = (orjson.loads(line) for line in counting(WINDOW, some).splitlines())
    assert header["preference"] == "_shards:0"
    assert body["query"]["bool"]["filter"] == [WINDOW.clause()]
    assert body["aggs"]["fit"]["filters"]["filters"] == [orjson.loads(each) for each in some]
    assert b"stem.german" in some[0]
    assert b"stem.french" not in some[0]
    assert b"stem.french" in whole[0]
    assert b"stem.french" in CompiledSearch(saved(3, "pont lang:fr"), SearchSettings()).clause(NOON, ("de", "en"))


def test_counts_are_read_refused_or_asked_for_later() -> None:
    buckets = [{"doc_count": 0}, {"doc_count": 3}]
    assert counts_of({"responses": [{"status": 200, "aggregations": {"fit": {"buckets": buckets}}}]}) == [0, 3]
    assert counts_of({"responses": [{"status": 400, "error": {"type": "too_many_nested_clauses"}}]}) is None
    with pytest.raises(ServiceError):
        counts_of({"responses": [{"status": 503, "error": {"type": "away"}}]})


def test_a_relative_time_is_read_anew_each_time_and_all_else_once() -> None:
    lasting = CompiledSearch(saved(1, "bridge after:2026-11-01"), SearchSettings())
    assert lasting.clause(NOON) is lasting.clause(NOON + HOUR)
    moving = CompiledSearch(saved(1, "bridge last:2h"), SearchSettings())
    assert b"2026-11-24T10:00:00" in moving.clause(NOON)
    assert b"2026-11-24T11:00:00" in moving.clause(NOON + HOUR)


def test_answers_are_told_apart() -> None:
    answer: dict[str, Any] = {
        "responses": [
            {"status": 200, "hits": {"hits": [{"_id": "a"}, {"_id": "b"}]}},
            {"status": 200},
            {
                "status": 400,
                "error": {"type": "too_many", "reason": "all shards", "root_cause": [{"reason": "too big"}]},
            },
            {"status": 503, "error": {"type": "away"}},
            {"status": 429, "error": {"type": "busy"}},
        ]
    }
    assert list(found_ids(answer)) == [["a", "b"], [], "too big", None, None]


def test_matches_are_deliveries_of_what_is_new() -> None:
    articles = {one.article.id: one for one in (written(1, NOON, NOON), written(2, NOON - HOUR, NOON - HOUR))}
    found = list(matches(saved(1), [*articles, "f" * 32], articles, NOON))
    assert [(one.search_id, one.article_id) for one in found] == [(f"{1:012x}", f"{1:032x}")]


def test_documents_of_earlier_versions_have_the_time_of_the_fetch() -> None:
    source = written(1, NOON, NOON).article.model_dump(mode="json", exclude={"body"})
    read = written_article({"_source": source, "sort": [12]})
    assert (read.indexed_at, read.updated_at, read.seq_no) == (NOON, NOON, 12)
    body = window_body(WINDOW, NOON, NOON - HOUR, 500)
    assert {"range": {"fetched_at": {"gte": NOON.isoformat()}}} in body["query"]["bool"]["filter"]
    assert body["query"]["bool"]["must_not"] == [{"exists": {"field": "gone_at"}}]


def stats(**indices: tuple[str, int]) -> dict[str, Any]:
    def shard(checkpoint: int, *, primary: bool) -> dict[str, Any]:
        return {"routing": {"primary": primary}, "seq_no": {"global_checkpoint": checkpoint, "max_seq_no": 99}}

    return {
        "indices": {
            f"news-articles-{name.strip('_').replace('_', '.')}": {
                "uuid": uuid,
                "shards": {"0": [shard(checkpoint - 1, primary=False), shard(checkpoint, primary=True)]},
            }
            for name, (uuid, checkpoint) in indices.items()
        }
    }


def test_positions_are_the_checkpoints_of_the_primaries() -> None:
    found = positions_of(stats(_2026_11=("u1", 7), _2026_12=("u2", -1)), "news-articles")
    assert [(one.index, one.uuid, one.shard, one.seq_no) for one in found] == [
        ("news-articles-2026.11", "u1", 0, 7),
        ("news-articles-2026.12", "u2", 0, -1),
    ]
    assert positions_of(stats(_2026_11=("u1", 7)), "news-saved-searches") == []
    assert positions_of({}, "news-articles") == []


def test_a_new_month_begins_at_its_first_operation_and_a_rebuilt_index_at_what_is_fetched_now() -> None:
    family = article_indices("news")
    known = [ShardPosition(index="news-articles-2026.11", uuid="u1", shard=0, seq_no=5)]
    month = positions_of(stats(_2026_11=("u1", 7), _2026_12=("u2", 3)), "news-articles")
    assert [(one.uuid, one.seq_no, one.floor) for one in placed(known, month, family, NOON)] == [
        ("u1", 5, None),
        ("u2", -1, None),
    ]
    anew = positions_of(stats(_2026_11=("u9", 7), shadow_2026_11=("u8", 2)), "news-articles")
    found = {one.uuid: one for one in placed(known, anew, family, NOON)}
    assert set(found) == {"u9", "u8"}
    assert all(one.floor and NOON - HOUR < one.floor < NOON and one.seq_no == -1 for one in found.values())


def test_figures_of_no_delivery_and_of_some() -> None:
    assert figures_of({}, 0) == AlertFigures()
    assert set(figures_body()["aggs"]) == {"waiting", "recent"}
    recent = {"doc_count": 9, "latency": {"values": {"50.0": 900.0, "95.0": 2100.0}}}
    answer = {"aggregations": {"waiting": {"doc_count": 2}, "recent": recent}}
    assert figures_of(answer, 3) == AlertFigures(3, 2, 9, 900.0, 2100.0)


def test_positions_only_ever_move_on() -> None:
    known = [ShardPosition(index="i", uuid="u1", shard=0, seq_no=5)]
    ahead, back = (known[0].model_copy(update={"seq_no": number}) for number in (9, 3))
    assert behind(known, [ahead, back]) == [ahead]
    assert updated(known, [ahead])[0].seq_no == 9
    assert updated(known, [back]) == known
