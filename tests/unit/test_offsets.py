from hypothesis import given
from hypothesis import strategies as st

from pipelines.kafka.offsets import PartitionProgress


def test_position_waits_for_the_first_unfinished_record() -> None:
    progress = PartitionProgress()
    for offset in (5, 6, 9):  # 7 and 8 were compacted away
        progress.began(offset)
    progress.finished(9)
    progress.finished(6)
    assert progress.to_commit() is None
    progress.finished(5)
    assert progress.to_commit() == 10
    progress.committed(10)
    assert progress.to_commit() is None


@given(
    st.lists(st.integers(0, 10_000), unique=True, min_size=1).flatmap(
        lambda offsets: st.tuples(st.just(sorted(offsets)), st.permutations(offsets))
    )
)
def test_never_past_an_unfinished_record_and_complete_at_the_end(case: tuple[list[int], list[int]]) -> None:
    offsets, finishing = case
    progress = PartitionProgress()
    for offset in offsets:
        progress.began(offset)
    open_offsets = set(offsets)
    for offset in finishing:
        progress.finished(offset)
        open_offsets.discard(offset)
        position = progress.to_commit()
        if position is not None:
            assert all(position <= still_open for still_open in open_offsets)
    assert progress.to_commit() == offsets[-1] + 1
    assert progress.open == 0


def test_a_record_of_a_partition_that_came_back_is_ignored() -> None:
    progress = PartitionProgress()
    progress.finished(3)
    progress.began(4)
    assert progress.to_commit() is None
