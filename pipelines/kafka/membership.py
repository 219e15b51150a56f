"""A member of a consumer group, where kafka-python 3.0.12 has no public way or is at fault.

Everything private of its consumer is used here alone; `setup.py` pins the library below 3.1.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from kafka import KafkaConsumer
from kafka.coordinator.base import MemberState

from pipelines.errors import ServiceError
from pipelines.kafka.assignment import Place
from pipelines.worker_environment import MEMBER


class Membership:
    """Watches over the group side of a consumer.

    Args:
        consumer: subscribes to topics as a member of a group.
    """

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._coordinator = consumer._coordinator  # noqa: SLF001 - see the module
        self._subscription = consumer._subscription  # noqa: SLF001 - see the module
        self._answer: tuple[Any, bytes] | None = None
        self._join = self._coordinator._do_join_and_sync_async  # noqa: SLF001 - see the module
        self._coordinator._do_join_and_sync_async = self._join_once  # noqa: SLF001 - see the module

    @property
    def generation(self) -> int:
        """Number of the group's generation that this member joined last."""
        return int(self._coordinator._generation.generation_id)  # noqa: SLF001 - see the module

    def before_poll(self) -> None:
        """Finish what the client would forget.

        A rebalance that it began because topics changed and that outlasts one poll: the group gives us partitions and
        we never take them. Java's client had the same fault (KAFKA-9815).
        """
        if self._coordinator.rejoining:
            self._coordinator.rejoin_needed = True

    def after_poll(self) -> None:
        """Look whether this is still a member.

        Raises:
            ServiceError: another process has come under this one's name and taken its place; the client would end its
                heartbeats and read on.
        """
        member = self._coordinator
        if member.group_instance_id and member.stable() and not member._heartbeat_enabled:  # noqa: SLF001 - see the module
            raise ServiceError(
                f"another process has taken this one's place in the consumer group {member.group_id}",
                hint=f"give each copy a {MEMBER} of its own",
                resource=member.group_instance_id,
            )

    def forget_positions(self, places: Collection[Place]) -> None:
        """Read partitions from their committed offsets, although the client has kept where it was in them."""
        everything = list(self._subscription.assigned_partitions())
        self._subscription.assign_from_subscribed([each for each in everything if tuple(each) not in places])
        self._subscription.assign_from_subscribed(everything)

    def leave_for_good(self) -> None:
        """Have closing say that this member leaves.

        A named one does not say so by itself: it might come back. Ours goes for good here; one that is to come back
        under its name was killed.
        """
        self._coordinator.is_dynamic_member = lambda: True

    async def _join_once(self) -> bytes:
        """Join the group, unless the answer to the last request is there and was not taken.

        An answer that comes between two polls is thrown away by the client, which asks again and so sends all members
        into another rebalance: with short polls again and again, 3 s each, while nobody reads.
        """
        member = self._coordinator
        answer, self._answer = self._answer, None
        if answer is not None and member.state is MemberState.REBALANCING and answer[0] == member._generation:  # noqa: SLF001 - see the module
            return answer[1]
        assignment: bytes = await self._join()
        self._answer = member._generation, assignment  # noqa: SLF001 - see the module
        return assignment
