"""What Kafka's errors mean: those that pass by themselves are waited out, the others a person must mend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kafka.errors import (
    AuthorizationError,
    BrokerNotAvailableError,
    CommitFailedError,
    FencedInstanceIdError,
    GroupAuthorizationFailedError,
    IllegalGenerationError,
    IllegalSaslStateError,
    KafkaError,
    RebalanceInProgressError,
    SaslAuthenticationFailedError,
    TopicAuthorizationFailedError,
    UnknownBrokerIdError,
    UnknownError,
    UnknownMemberIdError,
    UnsupportedSaslMechanismError,
    UnsupportedVersionError,
)

from pipelines.errors import ServiceError
from pipelines.kafka.handshake import lasting_refusal
from pipelines.worker_environment import MEMBER

CHURN = (CommitFailedError, RebalanceInProgressError, IllegalGenerationError, UnknownMemberIdError)
"""The group forms anew: the next poll joins it."""

_PASSING = (*CHURN, UnknownBrokerIdError, BrokerNotAvailableError, UnknownError)
_LOGIN = (SaslAuthenticationFailedError, UnsupportedSaslMechanismError, IllegalSaslStateError)


class Away(ServiceError):
    """The broker does not answer; waiting helps."""


def away(bootstrap: str, error: BaseException) -> Away:
    """Say that a broker does not answer."""
    return Away(
        f"Kafka at {bootstrap} does not answer: {error}", hint="start it with `newsriver stack up`", resource=bootstrap
    )


def lasting(error: BaseException) -> bool:
    """Tell whether an error stays until somebody mends what is wrong: rights, versions, names."""
    return isinstance(error, KafkaError) and not error.retriable and not isinstance(error, _PASSING)


def refusal(error: BaseException, bootstrap: str) -> ServiceError:
    """Say in one line what Kafka refuses and what to do about it."""
    what, hint = str(error), ""
    if isinstance(error, TopicAuthorizationFailedError):
        what, hint = f"no right to topic {_named(error)}", "grant this user the rights that docs/reference.md names"
    elif isinstance(error, GroupAuthorizationFailedError):
        what, hint = f"no right to consumer group {_named(error)}", "grant this user Read on the group"
    elif isinstance(error, AuthorizationError):
        what, hint = f"no right to do that ({error})", "grant it to this user"
    elif isinstance(error, _LOGIN):
        what, hint = f"the login failed ({error})", "look at the user and the password"
    elif isinstance(error, UnsupportedVersionError):
        what, hint = f"its version lacks what is needed ({error})", "Kafka 2.5 or newer is needed"
    elif isinstance(error, FencedInstanceIdError):
        what, hint = "another process has taken this one's place in the group", f"give each copy a {MEMBER} of its own"
    return ServiceError(f"Kafka at {bootstrap} refuses: {what}", hint=hint, resource=bootstrap)


@contextmanager
def answering(bootstrap: str) -> Iterator[None]:
    """Ask within, once, and have what goes wrong said in one line.

    Raises:
        ServiceError: the broker does not answer, or refuses.
    """
    try:
        yield
    except (KafkaError, OSError, ValueError) as error:  # a ValueError is an address that is none
        if lasting(error):
            raise refusal(error, bootstrap) from None
        raise lasting_refusal(bootstrap) or away(bootstrap, error) from None


def missing(topics: list[str]) -> ServiceError:
    """Say that topics do not exist."""
    name = topics[0] if len(topics) == 1 else f"{topics[0]} and {len(topics) - 1} more"
    return ServiceError(
        f"topic {name} does not exist, or this user may not see it",
        hint="create it with `newsriver setup`",
        resource=topics[0],
    )


def _named(error: KafkaError) -> str:
    """Give what an error names, which may be in a set."""
    named = error.args[0] if error.args else "?"
    return ", ".join(sorted(map(str, named))) if isinstance(named, set | frozenset) else str(named)
