"""Which partitions a member of a consumer group holds, and which of them truly left it in a rebalance. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

Place = tuple[str, int]
"""Topic and partition."""


class AssignmentChange(NamedTuple):
    """What a rebalance changed for one member.

    Attributes:
        left: partitions whose progress is void: they went to another member, or may have been with one in between.
        came: partitions to be read from their committed offsets; one may be in both.
    """

    left: frozenset[Place]
    came: frozenset[Place]


class Assignment:
    """The partitions of one member from rebalance to rebalance.

    In Kafka's eager protocol all partitions are announced as revoked before every rebalance, also those that the
    member gets again. Those keep their position and their paused flag in the client (kafka-python 3.0.12), so their
    progress must be kept with them: forgotten, the next finished record would be committed past those under way.
    A partition stays when the member held it in the generation right before. Generations are numbered without gaps,
    so one that was missed shows; another member may have read on and committed meanwhile.
    """

    def __init__(self) -> None:
        self.held: frozenset[Place] = frozenset()
        self._generation = 0

    def assigned(self, places: Collection[Place], generation: int) -> AssignmentChange:
        """Take in the outcome of a rebalance.

        Args:
            places: all partitions that the member holds from now on.
            generation: number of the group's generation that gives them.
        """
        held = frozenset(places)
        # The same number again: the broker answered a member that asked once more without a rebalance.
        stayed = held & self.held if generation - self._generation in (0, 1) else frozenset()
        change = AssignmentChange(left=self.held - stayed, came=held - stayed)
        self.held, self._generation = held, generation
        return change

    def lost(self) -> AssignmentChange:
        """Note that the group went on without this member, which has nothing left."""
        change = AssignmentChange(left=self.held, came=frozenset())
        self.held = frozenset()
        return change
