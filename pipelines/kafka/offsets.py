"""Which offsets may be committed: everything before them has had its effect. Pure."""

from __future__ import annotations

from collections import deque


class PartitionProgress:
    """The records of one partition that are under way, and how far all before are done.

    Records may finish in any order; the position to commit only moves over a contiguous run of finished ones, so
    that a restart repeats work but never skips it.
    """

    def __init__(self) -> None:
        self._under_way: deque[int] = deque()
        self._open: set[int] = set()
        self._finished: set[int] = set()
        self._position: int | None = None
        self._committed: int | None = None

    def began(self, offset: int) -> None:
        """Note that a record was handed out; offsets come in ascending order, with gaps where a topic has them.

        One that is handed out again while it is under way counts once.
        """
        if offset not in self._open:
            self._open.add(offset)
            self._under_way.append(offset)

    def finished(self, offset: int) -> None:
        """Note that a record's effects are acknowledged; an offset that is not under way is ignored."""
        if offset not in self._open:
            return
        self._finished.add(offset)
        while self._under_way and self._under_way[0] in self._finished:
            done = self._under_way.popleft()
            self._finished.discard(done)
            self._open.discard(done)
            self._position = done + 1

    @property
    def open(self) -> int:
        """Number of records handed out and not covered by the position."""
        return len(self._under_way)

    def to_commit(self) -> int | None:
        """Give the position to commit, or None when it has not moved since the last commit."""
        return self._position if self._position != self._committed else None

    def committed(self, position: int) -> None:
        """Note that the broker took a position."""
        self._committed = position
