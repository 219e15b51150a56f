"""The breaker's state on Kafka, where every copy and every later start sees it: one compacted record for each role."""

from __future__ import annotations

import logging
import threading
from contextlib import closing
from datetime import UTC, datetime

from pydantic import ValidationError

from pipelines.errors import BreakerTripped, ServiceError
from pipelines.kafka import Admin, Message, Sender, TableFollower, read_last
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.settings import Settings
from schemas.records import BreakerState
from schemas.topics import BREAKER, Role

log = logging.getLogger(__name__)

RESUME = "newsriver dead resume"
"""The command by which a person lets a role go on."""
_POLL_SECONDS = 0.5


def topic(settings: Settings) -> str:
    """Give the full name of the topic that holds the states."""
    return BREAKER.full_name(settings.river.name)


def read(settings: Settings, role: Role = Role.PROCESS) -> BreakerState | None:
    """Give the state of a role's breaker; None where it never tripped.

    Raises:
        ServiceError: Kafka does not answer.
    """
    bootstrap, name = kafka_bootstrap(settings), topic(settings)
    with Admin(bootstrap) as admin:
        partitions = admin.topics().get(name, 0)
    messages = read_last(bootstrap, [(name, number) for number in range(partitions)], client_id="newsriver-breaker")
    states = [state for state in map(state_of, messages) if state is not None and state.role == role]
    return states[-1] if states else None


def reset(settings: Settings, by: str, note: str = "", role: Role = Role.PROCESS) -> BreakerState | None:
    """Let a role go on, and give the state that had stopped it; None where nothing had.

    Raises:
        ServiceError: Kafka does not answer.
    """
    state = read(settings, role)
    if state is None or not state.tripped:
        return None
    now = BreakerState(role=str(role), tripped=False, at=datetime.now(UTC), by=by, note=note)
    with Sender(kafka_bootstrap(settings), client_id="newsriver-breaker") as sender:
        sender.send(topic(settings), now.role, now.to_json())
    return state


def state_of(message: Message) -> BreakerState | None:
    """Read a record of the topic; one that cannot be read is passed over, with a word in the log."""
    try:
        return None if message.value is None else BreakerState.from_json(message.value)
    except ValidationError:
        log.warning("%s is no state of a breaker", message.origin)
        return None


def why(state: BreakerState) -> str:
    """Say in one line why a role has stopped."""
    return (
        f"{state.role} has stopped: pages of {state.failing_sites} of {state.sites} sites end as dead letters by a "
        f"fault of ours, the last one {state.reason}: {state.detail}"
    )


def tripped_error(state: BreakerState) -> BreakerTripped:
    """Give the error by which a role ends."""
    return BreakerTripped(
        why(state),
        hint=f"`newsriver dead show {state.origin}` shows it; when it is mended, `{RESUME}` lets {state.role} go on",
        resource=state.role,
    )


class BreakerWatch:
    """Follows the state of a role's breaker for as long as this process lives.

    Attributes:
        state: the last one; None where there is none, or it is not read yet.
        changes: how many have been read.
    """

    def __init__(self, bootstrap: str, topic_name: str, role: Role = Role.PROCESS) -> None:
        """Prepare to follow.

        Args:
            bootstrap: Kafka's address.
            topic_name: full name of the topic.
            role: whose breaker.
        """
        self.changes = 0
        self.state: BreakerState | None = None
        self._bootstrap, self._topic, self._role = bootstrap, topic_name, role
        self._known = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="watch-breaker")

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait until the state that was there at the start has been read, at most so long, and tell whether it has."""
        return self._known.wait(seconds)

    def _run(self) -> None:
        try:
            self._follow()
        except ServiceError as error:  # no such topic: the role itself says so at its start
            log.warning("the dead-letter breaker's state is not followed: %s", error)
            self._known.set()

    def _follow(self) -> None:
        with closing(TableFollower(self._bootstrap, [self._topic], client_id="newsriver-breaker")) as follower:
            while True:
                for message in follower.poll(_POLL_SECONDS):
                    state = state_of(message)
                    if state is not None and state.role == self._role:
                        self.state = state
                        self.changes += 1
                if not self._known.is_set() and follower.caught_up():
                    self._known.set()


class ResumeWatch:
    """Tells a supervisor whether a role that stopped may go on; looks at Kafka only once it is asked.

    Args:
        settings: for Kafka and the river's name.
        role: whose breaker.
    """

    def __init__(self, settings: Settings, role: Role = Role.PROCESS) -> None:
        self._settings, self._role = settings, role
        self._watch: BreakerWatch | None = None

    def __call__(self) -> bool:
        """Tell whether the breaker is known not to have tripped, or to have been reset."""
        if self._watch is None:
            self._watch = BreakerWatch(kafka_bootstrap(self._settings), topic(self._settings), self._role)
            self._watch.start()
        return self._watch.wait(0) and (self._watch.state is None or not self._watch.state.tripped)
