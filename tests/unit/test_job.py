"""The graph as it travels and as it runs: on a Kafka and an Elasticsearch in memory, in Beam's own runner."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.internal import pickler
from apache_beam.internal.cloudpickle import cloudpickle
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.typehints import with_output_types
from kafka import TopicPartition

from pipelines.errors import Poison, ServiceError
from pipelines.extraction import ArticleContext, Page, TaggingFault, make_article
from pipelines.index.documents import article_indices
from pipelines.kafka import Message
from pipelines.process import job, role
from pipelines.process.failures import Failure
from pipelines.process.readers import Lane, Partition
from pipelines.process.source import Generation
from pipelines.process.step import DEAD, BatchStep, dead
from pipelines.process.steps import ArticleDraft, MakeArticle, WriteDeadLetter
from pipelines.process.worker import ProcessConfig, WorkerHandle
from pipelines.settings import load_settings
from schemas.records import DeadLetter, Outcome, OutcomeKind, Stage
from tests.memory_index import MemoryIndex
from tests.memory_kafka.broker import Broker
from tests.memory_kafka.install import NOWHERE, memory_kafka
from tests.rivers import NOON, entry, facts, page, send_pages

SERVERS = [f"kafka.bootstrap_servers={NOWHERE}", "elasticsearch.url=http://memory:9200"]
SETTINGS = load_settings(assignments=SERVERS, environment={})
GROUP = "news-process"
PARTITIONS = [Partition("news.pages", number, GROUP) for number in range(2)]


class Direct:
    """In the place of the sandbox: the call is made here."""

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)


class Quiet:
    """A watch on a breaker of which nobody says anything."""

    state, changes = None, 0

    def start(self) -> None: ...

    def wait(self, _: float) -> bool:
        return True


class River:
    """A handle with its worker, on servers in memory."""

    def __init__(self, broker: Broker, sandbox: Any = None, **config: Any) -> None:
        self.broker, self.index = broker, MemoryIndex()
        for topic in ("pages", "outcomes", "dead-letters", "breaker"):
            broker.create(f"news.{topic}", 2)
        self.handle = WorkerHandle(replace(ProcessConfig.of(SETTINGS), **config))
        self.worker = self.handle.open(stop=threading.Event(), sandbox=sandbox or Direct())
        self.worker.elastic = self.index
        self.worker.breaker.follow(Quiet())  # type: ignore[arg-type] - a stand-in

    def send(self, numbers: range, bodies: dict[int, bytes] | None = None) -> None:
        """Put pages on Kafka, as of the day they are of."""
        send_pages(SETTINGS, iter(numbers), bodies)
        for number in range(2):
            log = self.broker.logs[TopicPartition("news.pages", number)]
            log[:] = [replace(record, timestamp=int(NOON.timestamp() * 1000)) for record in log]

    def articles(self) -> set[str]:
        return {one["id"] for one in self.index.documents()}

    def run(self, add: Callable[[beam.Pipeline], None]) -> None:
        pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([], streaming=True))
        add(pipeline)
        pipeline.run().wait_until_finish()

    def generation(self, bundles: int = 4) -> None:
        """Run the whole job for so many bundles."""
        end = Generation(ends_at=1e12, bundles=bundles)
        self.run(lambda pipeline: job.build(pipeline, self.partitions(), self.handle, end))

    def partitions(self) -> list[Partition]:
        return role.partitions(self.handle.config)

    def committed(self, topic: str, group: str) -> list[int]:
        return [
            self.broker.groups[group].committed.get(TopicPartition(topic, number), 0)
            if group in self.broker.groups
            else 0
            for number in range(2)
        ]

    def outcomes(self) -> list[Outcome]:
        return [Outcome.from_json(record.value or b"") for record in self._records("outcomes")]

    def letters(self) -> list[DeadLetter]:
        return [DeadLetter.from_json(dict(record.headers)["dead-letter"]) for record in self._records("dead-letters")]

    def _records(self, topic: str) -> Iterator[Any]:
        for number in range(2):
            yield from self.broker.logs[TopicPartition(f"news.{topic}", number)]


@pytest.fixture
def river() -> Iterator[River]:
    with memory_kafka() as broker:
        yield River(broker)


def test_pages_become_documents_lines_and_letters_and_are_committed_after(river: River) -> None:
    bodies = {3: b"<html><p>Too few words</p></html>", 4: b"<html>" + b"<div>" * 9000 + b"x" + b"</div>" * 9000}
    river.send(range(6), bodies)
    river.generation()
    assert {one["id"] for one in river.index.documents()} == {entry(number).id for number in (0, 1, 2, 5)}
    ends = {line.article_id: (line.kind, line.reason) for line in river.outcomes()}
    assert ends[entry(3).id] == (OutcomeKind.REJECTED, "too-short")
    assert ends[entry(4).id] == (OutcomeKind.DEAD, "too-deep")
    assert [ends[entry(number).id][0] for number in (0, 1, 2, 5)] == [OutcomeKind.INDEXED] * 4
    [letter] = river.letters()
    assert (letter.article_id, letter.stage) == (entry(4).id, Stage.CLEAN)
    committed = river.broker.groups[GROUP].committed
    for place in (TopicPartition("news.pages", number) for number in range(2)):
        assert committed.get(place, 0) == len(river.broker.logs[place])


def test_generations_share_the_worker_of_their_process(river: River) -> None:
    for numbers in (range(2), range(2, 4)):
        river.send(numbers)
        river.generation()
    assert river.worker.progress.count == 4
    assert len(river.outcomes()) == 4  # the second generation has gone on where the first one had committed


def test_what_the_tagger_fails_on_is_a_letter_of_its_own_stage() -> None:
    class Failing:
        def call(self, *_: Any) -> Any:
            raise TaggingFault("KeyError: 'lexicon'", reason="unexpected-error")

    with memory_kafka() as broker:
        river = River(broker, Failing())
        river.send(range(1))
        river.generation()
        [letter] = river.letters()
    assert (letter.stage, letter.reason, letter.error) == (Stage.TAG, "unexpected-error", "TaggingFault")


SECRETS = {"api_key": "planted-key-5f1", "username": "planted-user-5f1", "password": "planted-password-5f1"}


def test_no_secret_and_no_settings_travel_with_the_graph() -> None:
    secret = [f"elasticsearch.{name}={value}" for name, value in SECRETS.items()]
    settings = load_settings(assignments=[*SERVERS, *secret], environment={})
    handle = WorkerHandle(ProcessConfig.of(settings))
    handle.open(access=settings.elasticsearch)  # what the process knows is not what the graph knows
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([], streaming=True))
    job.build(pipeline, PARTITIONS, handle)
    steps = list(_steps(pipeline.to_runner_api()))
    assert {"ReadPages", "MakeArticle", "Index", "WriteOutcomes", "WriteDeadLetter"} <= {
        type(step).__name__ for step in steps
    }
    raw = b"".join(map(cloudpickle.dumps, steps)) + pipeline.to_runner_api().SerializeToString()
    assert b"http://memory:9200" in raw  # else nothing is looked at
    assert [value for value in (*SECRETS.values(), "SecretStr", "ElasticsearchSettings") if value.encode() in raw] == []


def _steps(graph: Any) -> Iterator[Any]:
    """Give the DoFns of a graph, unpacked: Beam compresses what it pickles."""
    for transform in graph.components.transforms.values():
        if transform.spec.urn == common_urns.primitives.PAR_DO.urn:
            payload = beam_runner_api_pb2.ParDoPayload.FromString(transform.spec.payload)
            yield pickler.loads(payload.do_fn.payload)[0]


def test_a_worker_elsewhere_takes_its_credentials_from_its_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    config = ProcessConfig.of(SETTINGS)
    monkeypatch.setenv("NEWSRIVER_ELASTICSEARCH__API_KEY", "c2VjcmV0OmtleQ==")
    monkeypatch.setenv("NEWSRIVER_ELASTICSEARCH__URL", "http://elsewhere:9200")
    travelled: WorkerHandle = pickler.loads(pickler.dumps(WorkerHandle(config)))
    elastic = travelled.open().elastic
    assert elastic.url == "http://memory:9200"  # where to write was decided with the graph
    assert "c2VjcmV0OmtleQ==" in elastic._client._headers["authorization"]


def test_all_steps_of_a_process_have_one_worker_and_another_job_has_another() -> None:
    config = ProcessConfig.of(SETTINGS)
    handle, other = WorkerHandle(config), WorkerHandle(config)
    worker = handle.open()
    assert pickler.loads(pickler.dumps(handle)).open() is worker
    assert other.open() is not worker


def other_lane(river: River, numbers: range) -> Lane:
    """Put pages into another topic, the place of each by its number."""
    river.broker.create("news.archive", 2)
    for number in numbers:
        made = message(number)
        river.broker.append(
            TopicPartition("news.archive", number % 2),
            (made.key or "").encode(),
            made.value,
            tuple(made.headers.items()),
        )
        log = river.broker.logs[TopicPartition("news.archive", number % 2)]
        log[-1] = replace(log[-1], timestamp=made.timestamp_ms)
    return Lane("news.archive", "news-archive", share=0.01)


def test_a_second_lane_is_read_beside_the_first_and_committed_in_its_own_group() -> None:
    with memory_kafka() as broker:
        lanes = (*ProcessConfig.of(SETTINGS).lanes, Lane("news.archive", "news-archive", share=0.01))
        river = River(broker, lanes=lanes)
        river.send(range(4))
        other_lane(river, range(4, 8))
        river.generation(bundles=12)
        assert river.articles() == {entry(number).id for number in range(8)}
        pages = [len(broker.logs[TopicPartition("news.pages", number)]) for number in range(2)]
        assert river.committed("news.pages", GROUP) == pages
        assert river.committed("news.archive", "news-archive") == [2, 2]


def test_a_span_is_read_from_its_first_to_its_last_page_and_then_the_process_ends() -> None:
    with memory_kafka() as broker:
        lane = Lane("news.archive", "news-again", spans={0: (1, 3), 1: (0, 2)})
        river = River(broker, lanes=(lane,))
        other_lane(river, range(8))  # four in each partition
        runs = 0

        def generation() -> None:
            nonlocal runs
            runs += 1
            river.generation(bundles=40)

        role._generations(river.worker, river.partitions(), generation)
        assert river.articles() == {entry(number).id for number in (2, 4, 1, 3)}
        assert river.committed("news.archive", "news-again") == [3, 2]
        assert runs == 1
        role._generations(river.worker, river.partitions(), generation)  # started again, it has nothing to do
        assert len(river.outcomes()) == 4


def test_a_shadow_is_written_behind_no_alias_and_leaves_no_line_in_the_ledger() -> None:
    shadow = article_indices("news").shadow("next")
    with memory_kafka() as broker:
        river = River(broker, indices=shadow, writes_outcomes=False)
        river.send(range(3), {2: b"<html>" + b"<div>" * 9000 + b"x" + b"</div>" * 9000})
        river.generation()
        assert {one["_index"] for one in river.index.documents()} == {"news-articles-next-2026.11"}
        assert river.index.aliases == {"news-articles-next-2026.11": {}}
        assert river.outcomes() == []
        assert len(river.letters()) == 1  # nothing vanishes
        searched = {path for _, path in river.index.asked if path.endswith("_search")}
        assert searched == {"/news-articles-next-*/_search"}


def test_what_is_written_for_readers_is_behind_their_alias_at_once(river: River) -> None:
    river.send(range(1))
    river.generation()
    assert river.index.aliases == {"news-articles-2026.11": {"news-articles": {}}}


def test_the_processes_of_a_lane_share_its_partitions(river: River) -> None:
    shares = [role.partitions(river.handle.config, share, 2) for share in range(2)]
    assert [[one.number for one in share] for share in shares] == [[0], [1]]
    absent = replace(river.handle.config, lanes=(Lane("news.nowhere", GROUP),))
    with pytest.raises(ServiceError, match=r"news\.nowhere"):
        role.partitions(absent)


@with_output_types(str, dead=Failure)
class FindTitles(BatchStep[ArticleDraft]):
    """A further step, as one might be written: it looks up many articles at once, and waits while nobody answers."""

    def work(self, batch: list[ArticleDraft]) -> Iterator[Any]:
        docs = [{"_index": "news-articles-2026.11", "_id": draft.entry.id} for draft in batch]
        client = self.worker.elastic
        found: Sequence[Any] = self.worker.patience().until_answered(
            lambda: client.send("POST", "/_mget", {"docs": docs}).body["docs"], f"{len(docs)} articles"
        )
        for draft, one in zip(batch, found, strict=True):
            if one.get("found"):
                yield one["_source"]["title"]
            else:
                yield dead(Failure(draft.message, Stage.INDEX, "unexpected-error", "Missing", "not there"))


TITLES: list[str] = []


def keep(title: str) -> None:
    TITLES.append(title)


def test_a_further_step_has_batches_patience_and_dead_letters_from_what_is_there(river: River) -> None:
    TITLES.clear()
    river.index.indices["news-articles-2026.11"] = {entry(n).id: (1, {"title": f"Title {n}"}) for n in (0, 1)}
    river.index.away = 2
    drafts = [ArticleDraft(message(number), entry(number), facts(number), None) for number in range(3)]

    def add(pipeline: beam.Pipeline) -> None:
        made = pipeline | beam.Create(drafts) | beam.ParDo(FindTitles(river.handle)).with_outputs(DEAD, main="titles")
        made["titles"] | beam.Map(keep)
        made[DEAD] | beam.ParDo(WriteDeadLetter(river.handle))

    river.run(add)
    assert sorted(TITLES) == ["Title 0", "Title 1"]
    assert [path for _, path in river.index.asked] == ["/_mget"] * 3  # one batch, asked again while nobody answered
    assert [letter.article_id for letter in river.letters()] == [entry(2).id]
    assert river.worker.waits.now is None


def message(number: int) -> Message:
    headers = {"entry": entry(number).to_json(), "page": facts(number).to_json()}
    sent = int(facts(number).fetched_at.timestamp() * 1000)
    return Message("news.pages", 0, number, entry(number).url, page(number), headers, sent)


def test_a_bundle_that_failed_leaves_nothing_in_the_next_one(river: River) -> None:
    step = FindTitles(river.handle)
    step.setup()
    assert list(step.process(ArticleDraft(message(1), entry(1), facts(1), None))) == []
    step.start_bundle()
    assert list(step.finish_bundle()) == []
    assert river.index.asked == []


def test_a_batch_is_worked_on_as_soon_as_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    few = load_settings(assignments=[*SERVERS, "elasticsearch.bulk_documents=2"], environment={})
    step = FindTitles(WorkerHandle(ProcessConfig.of(few)))
    sizes: list[int] = []
    monkeypatch.setattr(step, "work", lambda batch: iter([sizes.append(len(batch))]))
    for number in range(5):
        list(step.process(ArticleDraft(message(number), entry(number), facts(number), None)))
    list(step.finish_bundle())
    assert sizes == [2, 2, 1]


def test_what_the_sandbox_says_of_a_page_is_its_failure_alone(river: River) -> None:
    class Killing:
        def call(self, _: Any, of: Page, context: ArticleContext) -> Any:
            if of.entry.id == entry(1).id:
                raise Poison("took more than 5 s of CPU time", reason="killed-cpu")
            return make_article(of, context)

    river.worker.sandbox = Killing()  # type: ignore[assignment] - a stand-in
    step = MakeArticle(river.handle)
    step.setup()
    first, second, third = (next(step.process(message(number))) for number in range(3))
    assert isinstance(first, ArticleDraft)
    assert isinstance(third, ArticleDraft)
    assert (second.tag, second.value.reason, second.value.stage) == (DEAD, "killed-cpu", Stage.CLEAN)  # type: ignore[union-attr]
