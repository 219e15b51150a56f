"""Positions of shards: what Elasticsearch says of their operations, and which are to be evaluated. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pipelines.index.documents import IndexFamily
from schemas.records import ShardPosition

_BEFORE = timedelta(minutes=10)


def positions_of(stats: Mapping[str, Any], alias: str) -> list[ShardPosition]:
    """Give each shard's global checkpoint: the operation up to which all are kept, whatever dies.

    Args:
        stats: the indices' statistics with `level=shards`.
        alias: what the names of the indices begin with.
    """
    found = []
    for index, facts in sorted(stats.get("indices", {}).items()):
        if not index.startswith(f"{alias}-"):
            continue
        for number, copies in sorted(facts.get("shards", {}).items()):
            # A copy that is behind knows of less; the primary knows of all.
            known = [copy["seq_no"]["global_checkpoint"] for copy in copies if copy.get("routing", {}).get("primary")]
            found += [ShardPosition(index=index, uuid=facts["uuid"], shard=int(number), seq_no=one) for one in known]
    return found


def placed(
    shards: Sequence[ShardPosition], ends: Sequence[ShardPosition], family: IndexFamily, now: datetime
) -> list[ShardPosition]:
    """Give the positions with those of shards that were never seen.

    A new month's index is evaluated from its first operation on. One that takes another's place (made anew under its
    name, or filled beside it and put behind the alias) holds what was evaluated before: of it only what was fetched a
    short time ago, or later, is new.

    Args:
        shards: the positions that are known.
        ends: the shards there are.
        family: the articles' indices; a name that is not one of theirs is of an index that was filled beside them.
        now: the present.
    """
    known = {(one.uuid, one.shard) for one in shards}
    names = {one.index for one in shards}
    new = []
    for end in ends:
        if (end.uuid, end.shard) in known:
            continue
        anew = not family.has(end.index) or end.index in names
        new.append(end.model_copy(update={"seq_no": -1, "floor": now - _BEFORE if anew else None}))
    lasting = {one.index: one.uuid for one in ends}
    return [*(one for one in shards if lasting.get(one.index, one.uuid) == one.uuid), *new]


def behind(shards: Sequence[ShardPosition], ends: Sequence[ShardPosition]) -> list[ShardPosition]:
    """Give the ends of the shards that are not evaluated up to there."""
    places = {(one.uuid, one.shard): one.seq_no for one in shards}
    return [end for end in ends if places.get((end.uuid, end.shard), -1) < end.seq_no]


def updated(shards: Sequence[ShardPosition], ends: Sequence[ShardPosition]) -> list[ShardPosition]:
    """Give the positions moved on to these ends, where they are behind them."""
    moved = {(end.uuid, end.shard): end.seq_no for end in behind(shards, ends)}
    return [one.model_copy(update={"seq_no": moved.get((one.uuid, one.shard), one.seq_no)}) for one in shards]
