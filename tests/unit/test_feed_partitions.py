"""Where feeds live: all of a host together, spread over the partitions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipelines.feeds.partitions import feed_partition
from pipelines.kafka import partition_of


def test_all_feeds_of_a_host_are_in_one_partition_however_it_is_spelt() -> None:
    urls = ["https://a.example/feed", "https://A.example:443/other?x=1", "http://a.example/", "https://a.example./b"]
    assert {feed_partition(url, 64) for url in urls} == {partition_of("a.example", 64)}
    assert feed_partition("https://a.example:8443/feed", 64) == partition_of("a.example:8443", 64)


def test_hosts_are_spread() -> None:
    assert {feed_partition(f"https://{number}.example/feed", 8) for number in range(100)} == set(range(8))


@given(st.text(max_size=60), st.integers(1, 100))
def test_any_text_has_a_place(url: str, partitions: int) -> None:
    assert 0 <= feed_partition(url, partitions) < partitions
