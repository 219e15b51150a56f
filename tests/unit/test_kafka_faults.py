"""Which of Kafka's errors pass by themselves, and what is said of the others."""

from __future__ import annotations

import inspect

import pytest
from kafka import errors

from pipelines.errors import ServiceError
from pipelines.kafka.faults import Away, answering, lasting, missing, refusal

ERRORS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.KafkaError)]


def made(kind: type[errors.KafkaError]) -> errors.KafkaError:
    return kind({}) if kind is errors.LogTruncationError else kind()


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_what_the_client_calls_retriable_is_waited_for_and_every_refusal_is_one_line(
    kind: type[errors.KafkaError],
) -> None:
    error = made(kind)
    if error.retriable:
        assert not lasting(error)
    said = str(refusal(error, "kafka:9092"))
    assert said.startswith("Kafka at kafka:9092 refuses: ")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (errors.TopicAuthorizationFailedError({"news.pages"}), "no right to topic news.pages"),
        (errors.TopicAuthorizationFailedError("news.pages"), "no right to topic news.pages"),
        (errors.GroupAuthorizationFailedError("news-fetch"), "no right to consumer group news-fetch"),
        (errors.ClusterAuthorizationFailedError(), "no right to do that"),
        (errors.SaslAuthenticationFailedError("bad password"), "the login failed"),
        (errors.UnsupportedVersionError("too old"), "its version lacks what is needed"),
        (errors.IncompatibleBrokerVersion("too old"), "its version lacks what is needed"),
        (errors.FencedInstanceIdError(), "another process has taken this one's place"),
        (errors.InvalidTopicError("a b"), "InvalidTopicError"),
    ],
)
def test_what_a_person_must_mend_ends_with_its_name(error: errors.KafkaError, said: str) -> None:
    assert lasting(error)
    found = refusal(error, "kafka:9092")
    assert said in str(found)
    assert found.exit_code == 3


@pytest.mark.parametrize(
    "error",
    [
        errors.CommitFailedError(),
        errors.RebalanceInProgressError(),
        errors.IllegalGenerationError(),
        errors.UnknownMemberIdError(),
        errors.UnknownBrokerIdError(3),
        errors.UnknownError(),
        ConnectionRefusedError(),
    ],
    ids=repr,
)
def test_a_group_that_forms_anew_and_a_broker_that_hiccups_pass(error: Exception) -> None:
    assert not lasting(error)


def test_one_question_is_answered_or_said_in_one_line() -> None:
    with pytest.raises(Away, match="does not answer"), answering("kafka:9092"):
        raise errors.KafkaTimeoutError
    with pytest.raises(Away, match="does not answer"), answering("nonsense"):
        int("nonsense")
    with pytest.raises(ServiceError, match=r"no right to topic news\.pages"), answering("kafka:9092"):
        raise errors.TopicAuthorizationFailedError({"news.pages"})


def test_missing_topics_are_counted() -> None:
    assert "topic news.pages does not exist" in str(missing(["news.pages"]))
    assert "topic news.entries and 2 more does not exist" in str(missing(["news.entries", "news.pages", "x"]))
    assert "newsriver setup" in str(missing(["news.pages"]))
