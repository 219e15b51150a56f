"""The audit of the servers' log: planted violations of each kind are found, and clean logs give none."""

from hypothesis import given
from hypothesis import strategies as st

from pipelines.lab.internet.audit import (
    GAVE_UP_TOLERANCE_SECONDS,
    TOLERANCE_SECONDS,
    Manners,
    Violation,
    ViolationKind,
    audit,
    counts,
)
from pipelines.lab.internet.log import GAVE_UP, LoggedRequest, read

HOST = "127.64.0.1"
DELAY = 1.0
PRIVATE = Manners(forbids=lambda path: path.startswith("/private/"))
SLOW_ROBOTS = Manners(crawl_delay=4.0)


def asked(
    start: float, path: str = "/feed/1", *, took: float = 0.1, status: int = 200, wait: float | None = None
) -> LoggedRequest:
    return LoggedRequest(start, start + took, HOST, path, status, None if wait is None else start + took + wait)


def found(*requests: LoggedRequest, manners: Manners | None = None) -> list[Violation]:
    return audit(requests, {HOST: manners or Manners()}, DELAY)


def kinds(*requests: LoggedRequest, manners: Manners | None = None) -> list[ViolationKind]:
    return [violation.kind for violation in found(*requests, manners=manners)]


class TestPauses:
    def test_a_request_during_another_is_concurrent(self) -> None:
        [violation] = found(asked(0, took=3), asked(2.5))
        assert violation.kind is ViolationKind.CONCURRENCY
        assert violation.early == 0.5

    def test_a_request_soon_after_another_is_early_by_what_is_left_of_the_pause(self) -> None:
        [violation] = found(asked(0), asked(0.7, "/robots.txt"))
        assert (violation.kind, round(violation.early, 6)) == (ViolationKind.DELAY, 0.4)
        assert violation.between_roles

    def test_other_hosts_do_not_count(self) -> None:
        assert audit([asked(0, took=3), asked(1)._replace(host="127.64.0.2")], {}, DELAY) == []

    def test_a_few_milliseconds_are_forgiven_and_no_more(self) -> None:
        assert kinds(asked(0), asked(1.1 - 0.9 * TOLERANCE_SECONDS)) == []
        assert kinds(asked(0), asked(1.1 - 1.1 * TOLERANCE_SECONDS)) == [ViolationKind.DELAY]
        assert kinds(asked(0, took=3), asked(3 - 2 * TOLERANCE_SECONDS)) == [ViolationKind.CONCURRENCY]

    def test_after_a_request_that_was_given_up_a_little_more_is_forgiven(self) -> None:
        late = 1.1 - 0.9 * GAVE_UP_TOLERANCE_SECONDS
        assert kinds(asked(0, status=GAVE_UP), asked(late)) == []
        assert kinds(asked(0), asked(late)) == [ViolationKind.DELAY]

    def test_the_pause_counts_from_the_one_that_ended_last(self) -> None:
        assert kinds(asked(0, took=5), asked(1, took=0.1), asked(5.5)) == [
            ViolationKind.CONCURRENCY,
            ViolationKind.DELAY,
        ]

    def test_the_order_of_the_log_does_not_matter(self) -> None:
        assert kinds(asked(0.7, "/robots.txt"), asked(0)) == [ViolationKind.DELAY]


class TestRobots:
    def test_a_crawl_delay_counts_from_the_moment_it_was_served(self) -> None:
        robots, page = "/robots.txt", "/news/1/1"
        assert kinds(asked(0), asked(1.2), manners=SLOW_ROBOTS) == []
        assert kinds(asked(0, robots), asked(1.2, page), manners=SLOW_ROBOTS) == [ViolationKind.DELAY]
        assert kinds(asked(0, robots), asked(4.2, page), asked(8.4, page), manners=SLOW_ROBOTS) == []
        assert kinds(asked(0, robots, status=404), asked(1.2, page), manners=SLOW_ROBOTS) == []

    def test_a_page_before_robots_is_a_violation_and_a_feed_is_none(self) -> None:
        assert kinds(asked(0, "/news/1/1")) == [ViolationKind.ROBOTS]
        assert kinds(asked(0, "/feed/1"), asked(2, "/old/1")) == []

    def test_a_forbidden_page_is_a_violation(self) -> None:
        pages = asked(2, "/news/1/1"), asked(4, "/private/1/2")
        [violation] = found(asked(0, "/robots.txt"), *pages, manners=PRIVATE)
        assert (violation.kind, violation.request.path) == (ViolationKind.ROBOTS, "/private/1/2")
        assert kinds(asked(0, "/robots.txt", status=404), *pages, manners=PRIVATE) == []

    def test_while_robots_cannot_be_had_no_page_may_be_asked_for(self) -> None:
        down, page = asked(0, "/robots.txt", status=503), asked(2, "/news/1/1")
        assert kinds(down, page) == [ViolationKind.ROBOTS]
        assert kinds(down, asked(2, "/robots.txt"), asked(4, "/news/1/1")) == []
        assert kinds(asked(0, "/robots.txt", status=GAVE_UP), page) == [ViolationKind.ROBOTS]


class TestRetryAfter:
    def test_nothing_may_be_asked_before_the_wait_is_over(self) -> None:
        busy = asked(0, "/news/1/1", status=429, wait=30)
        robots = asked(-2, "/robots.txt")
        assert kinds(robots, busy, asked(5)) == [ViolationKind.RETRY_AFTER]
        assert kinds(robots, busy, asked(30.2)) == []

    def test_the_longest_wait_counts(self) -> None:
        first, second = asked(0, status=503, wait=30), asked(2, status=429, wait=1)
        assert [round(one.early, 3) for one in found(first, second, asked(20))] == [28.1, 10.1]

    def test_a_request_under_way_meanwhile_is_concurrent_and_not_against_the_wait(self) -> None:
        assert kinds(asked(0, took=2, status=429, wait=30), asked(1)) == [ViolationKind.CONCURRENCY]


def test_counts_name_every_kind() -> None:
    violations = found(asked(0), asked(0.5), asked(0.55), asked(9, "/news/1/1"))
    assert counts(violations) == {"concurrency": 1, "delay": 1, "robots": 1, "Retry-After": 0}


pauses = st.lists(
    st.tuples(st.floats(0, 5), st.floats(0, 3), st.sampled_from(["/feed/1", "/robots.txt", "/news/1/1"])), max_size=20
)


@given(pauses, st.sampled_from([0.0, 3.0]))
def test_a_client_that_keeps_the_rules_is_never_blamed(
    gaps: list[tuple[float, float, str]], crawl_delay: float
) -> None:
    requests, at = [asked(0, "/robots.txt", took=0)], 0.0
    for more, took, path in gaps:
        start = at + max(DELAY, crawl_delay) + more
        requests.append(asked(start, path, took=took))
        at = start + took
    assert found(*requests, manners=Manners(crawl_delay)) == []


@given(pauses, st.integers(0, 19), st.floats(0.01, 0.9))
def test_one_request_too_early_is_found_whatever_is_around_it(
    gaps: list[tuple[float, float, str]], place: int, early: float
) -> None:
    gaps = [*gaps, (0.0, 0.0, "/feed/1")]
    place %= len(gaps)
    requests, at = [asked(0, "/robots.txt", took=0)], 0.0
    for number, (more, took, path) in enumerate(gaps):
        start = at + DELAY + (-early if number == place else more)
        requests.append(asked(start, path, took=took))
        at = start + took
    [violation] = found(*requests)
    assert violation.kind is ViolationKind.DELAY
    assert violation.request == requests[place + 1]
    assert abs(violation.early - early) < 1e-6


@given(st.lists(st.builds(asked, st.floats(0, 1e6), took=st.floats(0, 60), wait=st.none() | st.floats(0, 60))))
def test_the_log_reads_what_it_wrote(requests: list[LoggedRequest]) -> None:
    back = list(read([request.line() for request in requests]))
    assert [(one.host, one.path, one.status) for one in back] == [(one.host, one.path, one.status) for one in requests]
    assert all(abs(a.start - b.start) < 1e-4 and abs(a.end - b.end) < 1e-4 for a, b in zip(back, requests, strict=True))
    assert [one.wait_until is None for one in back] == [one.wait_until is None for one in requests]


def test_a_line_that_was_cut_off_is_left_out() -> None:
    line = asked(0).line()
    assert len(list(read([line, line[:-5]]))) == 1
