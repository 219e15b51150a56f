"""What the demonstration found, beside what the sample site expects of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.demo.expected import ExpectedCase
from pipelines.index.elastic import Elastic
from pipelines.kafka import Admin, read_whole
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.settings import Settings
from pipelines.urls import article_id, canonical_url
from schemas.records import FeedState, Outcome
from schemas.topics import FEED_STATE

_MOST = 10_000
_REFUSALS = ("skipped", "rejected", "dead")


@dataclass(frozen=True)
class Refusal:
    """Something that did not become an article.

    Attributes:
        what: URL of the page or feed.
        end: how it ended, e.g. `rejected: no-text`.
        detail: the same for people.
    """

    what: str
    end: str
    detail: str


@dataclass(frozen=True)
class Ledger:
    """The river's ledger and feed states, as far as the sample site goes."""

    outcomes: Mapping[str, list[Outcome]]
    feeds: Mapping[str, FeedState]
    bodies: Mapping[str, str]

    def refusals(self) -> list[Refusal]:
        """Name every page and feed that was refused, and why."""
        pages = [
            Refusal(outcome.url, f"{outcome.kind}: {outcome.reason}", outcome.detail)
            for lines in self.outcomes.values()
            for outcome in lines
            if outcome.kind in _REFUSALS
        ]
        feeds = [
            Refusal(state.url, f"feed failed: {state.last_failure}", "asked again later, never abandoned")
            for state in self.feeds.values()
            if state.last_failure
        ]
        return sorted(pages + feeds, key=lambda refusal: (refusal.end, refusal.what))

    def faults(self, case: ExpectedCase) -> list[str]:
        """Say what is wrong about a case; an empty list when it ended as it must."""
        if case.subject == "feed":
            return self._feed_faults(case)
        lines = self.outcomes.get(article_id(canonical_url(case.url)), [])
        ends = [line for line in lines if line.terminal]
        if not any(end.kind in case.kinds and (not case.reasons or end.reason in case.reasons) for end in ends):
            return [f"ended as {[f'{end.kind}: {end.reason}' for end in ends] or 'nothing'}"]
        body = self.bodies.get(article_id(canonical_url(case.url)))
        return case.faults(body) if body is not None else []

    def _feed_faults(self, case: ExpectedCase) -> list[str]:
        state = self.feeds.get(case.url)
        if state is None:
            return ["never asked"]
        right = state.last_failure in case.reasons if case.reasons else not state.last_failure
        return [] if right else [f"failed with {state.last_failure or 'nothing'}"]


def read_ledger(client: Elastic, settings: Settings) -> Ledger:
    """Read outcomes, articles and feed states.

    Raises:
        ServiceError: Kafka or Elasticsearch does not answer.
    """
    river = settings.river.name
    outcomes: dict[str, list[Outcome]] = {}
    for source in _all(client, f"{river}-outcomes"):
        outcome = Outcome.model_validate(source, extra="ignore")
        outcomes.setdefault(outcome.article_id, []).append(outcome)
    bodies = {source["id"]: source["body"] for source in _all(client, f"{river}-articles")}
    return Ledger(outcomes, _feed_states(settings), bodies)


def _feed_states(settings: Settings) -> dict[str, FeedState]:
    """Give the last state of each feed."""
    bootstrap, topic = kafka_bootstrap(settings), FEED_STATE.full_name(settings.river.name)
    with Admin(bootstrap) as admin:
        places = [(topic, partition) for partition in range(admin.topics()[topic])]
    messages = read_whole(bootstrap, places, client_id="newsriver-demo")
    return {message.key: FeedState.from_json(message.value) for message in messages if message.key and message.value}


def _all(client: Elastic, index: str) -> list[dict[str, Any]]:
    answer = client.ask("POST", f"/{index}/_search", {"size": _MOST}, {"ignore_unavailable": "true"})
    return [hit["_source"] for hit in answer["hits"]["hits"]]
