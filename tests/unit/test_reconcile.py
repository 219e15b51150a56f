"""The books, filled from a model of the river that makes every move the real one may make, in any order."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ledger.outcomes import OutcomeLine
from pipelines.ledger.reconcile import Balance, Finding, Problem, Reconciliation, Row, Side
from schemas.records import OutcomeKind, Stage

FEED = "https://gazette.example.org/feed"
TIER = "entries-later-15m"
FAILURES = (OutcomeKind.DEAD, OutcomeKind.SKIPPED, OutcomeKind.REJECTED)
MOVES = st.lists(st.integers(0, 1_000_000), max_size=120)


def line(
    article: str, visit: int, stage: Stage, kind: OutcomeKind, *, next_visit: bool = False, version: int | None = None
) -> OutcomeLine:
    return OutcomeLine(article, visit, stage, kind, "", FEED, next_visit, version)


class River:
    """A river of few articles; each move leaves it in a state that a crash at that moment would leave, too."""

    revisits = 2

    def __init__(self) -> None:
        self.announced = 0
        self.entries: list[tuple[str, int, str]] = []
        self.pages: list[tuple[str, int]] = []
        self.processed: list[tuple[str, int]] = []
        self.outcomes: list[OutcomeLine] = []
        self.lines: dict[tuple[str, int, str], OutcomeLine] = {}
        self.index: dict[str, int] = {}
        self.clock = 0

    @property
    def ledger(self) -> list[OutcomeLine]:
        """All lines."""
        return list(self.lines.values())

    def move(self, choice: int) -> None:
        """Make one of the moves that are possible."""
        moves: list[Callable[[int], None]] = [self.announce] if self.announced < 4 else []
        moves += [self.announce_again] if self.announced else []
        moves += [self.fetch, self.fetch, self.fetch_and_die] if self.entries else []
        moves += [self.process, self.process_and_die] if self.pages else []
        moves += [self.record] if self.outcomes else []
        if moves:
            self.clock += 1
            moves[choice % len(moves)](choice // len(moves))

    def finish(self) -> None:
        """Let everything that is under way come to its end."""
        while self.entries or self.pages or self.outcomes:
            self.clock += 1
            if self.entries:
                self.fetch(self.clock)
            elif self.pages:
                self.process(self.clock)
            else:
                self.record(0)

    def announce(self, choice: int) -> None:  # noqa: ARG002 - a move's signature
        article = f"a{self.announced}"
        self.announced += 1
        self.entries.append((article, 0, "entries"))
        self.outcomes.append(line(article, 0, Stage.POLL, OutcomeKind.DISCOVERED))

    def announce_again(self, choice: int) -> None:
        """Let another feed bring an article: a line, and an Entry that is marked and never taken into the books."""
        again = line(f"a{choice % self.announced}", 0, Stage.POLL, OutcomeKind.DUPLICATE_URL)
        self.outcomes.append(again._replace(feed_url=f"https://other.example.org/{choice % 3}"))

    def fetch(self, choice: int) -> None:
        """Make one try, all its effects, then commit."""
        entry = self.entries[choice % len(self.entries)]
        self._effects_of_fetch(entry, choice // 7)
        self.entries.remove(entry)

    def fetch_and_die(self, choice: int) -> None:
        """Make one try, all its effects, and no commit: it will be repeated."""
        self._effects_of_fetch(self.entries[choice % len(self.entries)], choice // 7)

    def _effects_of_fetch(self, entry: tuple[str, int, str], choice: int) -> None:
        article, visit, _ = entry
        again = visit < self.revisits
        result = choice % 8
        if result == 0:
            self.outcomes.append(line(article, visit, Stage.FETCH, FAILURES[choice % 3]))
        elif result == 1 and self.clock % 3:  # a retry, not for ever
            self.entries.append((article, visit, TIER))
        elif result == 2 and visit:
            self.outcomes.append(line(article, visit, Stage.FETCH, OutcomeKind.UNCHANGED, next_visit=again))
            self._later(article, visit)
        else:
            self.pages.append((article, visit))
            self.outcomes.append(line(article, visit, Stage.FETCH, OutcomeKind.FETCHED, next_visit=again))
            self._later(article, visit)

    def _later(self, article: str, visit: int) -> None:
        if visit < self.revisits:
            self.entries.append((article, visit + 1, TIER))

    def process(self, choice: int) -> None:
        page = self.pages[choice % len(self.pages)]
        self._effects_of_process(page, choice // 5)
        self.pages.remove(page)
        self.processed.append(page)

    def process_and_die(self, choice: int) -> None:
        self._effects_of_process(self.pages[choice % len(self.pages)], choice // 5)

    def _effects_of_process(self, page: tuple[str, int], choice: int) -> None:
        article, visit = page
        if choice % 5 == 0:
            self.outcomes.append(line(article, visit, Stage.CLEAN, OutcomeKind.REJECTED))
        elif choice % 5 == 1:
            self.outcomes.append(line(article, visit, Stage.CLEAN, OutcomeKind.DEAD))
        else:
            kind = OutcomeKind.UPDATED if article in self.index else OutcomeKind.INDEXED
            self.index[article] = self.clock
            self.outcomes.append(line(article, visit, Stage.INDEX, kind, version=self.clock))

    def record(self, choice: int) -> None:
        """Write an outcome: of a visit's ends the first success stays, else the last failure, as versions have it."""
        new = self.outcomes.pop(choice % len(self.outcomes))
        old = self.lines.get(key := (new.article_id, new.visit, _step(new)))
        if old is None or old.kind in FAILURES:
            self.lines[key] = new


class Look:
    """Reads the model as the audit reads the real river, with moves of the river between the reads."""

    def __init__(self, river: River, moves: list[int]) -> None:
        self.books = Reconciliation()
        self._river = river
        self._moves = iter(moves)

    def first(self) -> Balance:
        """Read everything once."""
        self._read(None)
        return self.books.balance()

    def again(self, articles: set[str]) -> Balance:
        """Read suspects once more."""
        for page in self.books.take_out(articles):
            self.books.page(*page, committed=True)
        self._read(articles)
        for each in self._river.ledger:
            if each.article_id in articles:
                self.books.line(each._replace(next_visit=False))
        return self.books.balance()

    def _read(self, articles: set[str] | None) -> None:
        def wanted(article: str) -> bool:
            return articles is None or article in articles

        river, books = self._river, self.books
        for each in [each for each in river.ledger if wanted(each.article_id)]:
            books.line(each)
        self._let_flow()
        for entry in [entry for entry in river.entries if wanted(entry[0])]:
            books.entry(*entry)
        self._let_flow()
        for done, pages in ((False, river.pages), (True, river.processed if articles is None else [])):
            for page in [page for page in pages if wanted(page[0])]:
                books.page(*page, committed=done)
        self._let_flow()
        for each in [each for each in river.outcomes if wanted(each.article_id)]:
            books.line(each, recorded=False)
        self._let_flow()
        for article in [article for article in river.index if wanted(article)]:
            books.document(article, river.index[article])

    def _let_flow(self) -> None:
        for choice in [choice for choice, _ in zip(self._moves, range(6), strict=False)]:
            self._river.move(choice)


def flowed(moves: list[int]) -> River:
    river = River()
    for choice in moves:
        river.move(choice)
    return river


def assert_sides_equal(balance: Balance) -> None:
    for again in (False, True):
        right = balance.total(Side.ENDED, Side.IN_FLIGHT, Side.UNACCOUNTED, again=again)
        assert balance.total(Side.BEGUN, again=again) == right


@given(MOVES)
def test_whatever_state_the_river_is_in_nothing_is_unaccounted(moves: list[int]) -> None:
    balance = Look(flowed(moves), []).first()
    assert balance.findings == []
    assert_sides_equal(balance)


@given(MOVES, MOVES, MOVES)
def test_whatever_moves_while_one_looks_no_alarm_is_false(
    before: list[int], during: list[int], later: list[int]
) -> None:
    river = flowed(before)
    balance = Look(river, during).first()
    assert_sides_equal(balance)
    look = Look(river, during)
    suspects = {finding.article_id for finding in look.first().findings}
    for choice in later:
        river.move(choice)
    assert look.again(suspects).findings == []


@given(MOVES, st.integers(0, 1000))
def test_any_line_that_is_lost_is_noticed(moves: list[int], which: int) -> None:
    river = flowed([0, *moves])
    river.finish()
    visits = [key for key, each in river.lines.items() if each.kind is not OutcomeKind.DUPLICATE_URL]
    lost = river.lines.pop(visits[which % len(visits)])
    balance = Look(river, []).first()
    assert lost.article_id in {finding.article_id for finding in balance.findings}
    assert_sides_equal(balance)


def _step(each: OutcomeLine) -> str:
    if each.kind is OutcomeKind.DUPLICATE_URL:
        return f"{each.kind}/{each.feed_url}"
    return "end" if each.kind.terminal else str(each.kind)


@given(MOVES, st.integers(0, 1000))
def test_any_document_that_is_lost_is_noticed(moves: list[int], which: int) -> None:
    river = flowed([0, *moves])
    river.finish()
    stored = [each.article_id for each in river.ledger if each.version is not None]
    if not stored:
        return
    lost = stored[which % len(stored)]
    del river.index[lost]
    assert Finding(Problem.NOT_IN_INDEX, lost, None) in Look(river, []).first().findings


END = line("a", 0, Stage.INDEX, OutcomeKind.INDEXED, version=7)
WHOLE = [line("a", 0, Stage.POLL, OutcomeKind.DISCOVERED), line("a", 0, Stage.FETCH, OutcomeKind.FETCHED), END]


@pytest.mark.parametrize(
    ("versions", "problem"),
    [
        ([7], None),
        ([9], None),
        ([], Problem.NOT_IN_INDEX),
        ([6], Problem.OLD_IN_INDEX),
        ([7, 7], Problem.TWICE_IN_INDEX),
    ],
)
def test_the_document_must_be_the_one_the_ledger_speaks_of(versions: list[int], problem: Problem | None) -> None:
    books = Reconciliation()
    for each in WHOLE:
        books.line(each)
    for version in versions:
        books.document("a", version)
    assert [finding.problem for finding in books.balance().findings] == ([problem] if problem else [])


def test_a_lost_document_is_on_its_way_when_its_page_is_or_an_entry_that_was_sent_again() -> None:
    books = Reconciliation()
    for each in WHOLE:
        books.line(each)
    books.entry("a", 1, TIER)
    assert [finding.problem for finding in books.balance().findings] == [Problem.NOT_IN_INDEX]
    books.entry("a", 0, "entries", again=True)
    assert books.balance().findings == []
    books.take_out({"a"})
    for each in WHOLE:
        books.line(each)
    books.page("a", 0, committed=True)
    assert [finding.problem for finding in books.balance().findings] == [Problem.NOT_IN_INDEX]
    books.page("a", 0, committed=False)
    assert books.balance().findings == []


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_each_lost_line_has_its_own_name(lost: int) -> None:
    books = Reconciliation()
    for number, each in enumerate(WHOLE):
        if number != lost:
            books.line(each)
    books.document("a", 7)
    names = [Problem.NOT_DISCOVERED, Problem.NOT_FETCHED, Problem.NO_END]
    assert books.balance().findings == [Finding(names[lost], "a", 0)]


def test_a_revisit_that_was_arranged_and_never_came_is_named() -> None:
    books = Reconciliation()
    books.line(WHOLE[0])
    books.line(WHOLE[1]._replace(next_visit=True))
    books.line(END)
    books.document("a", 7)
    assert books.balance().findings == [Finding(Problem.NO_END, "a", 1)]
    books.entry("a", 1, TIER)
    balance = books.balance()
    assert balance.findings == []
    assert balance.counts[Row(Side.IN_FLIGHT, TIER, "", True)] == 1


def test_an_entry_in_hand_stands_for_all_that_follows_from_it() -> None:
    """Its page was processed and its revisit announced before its `fetched` line came to Kafka."""
    books = Reconciliation()
    books.entry("a", 0, "entries")
    books.line(END)
    books.document("a", 7)
    books.line(line("a", 1, Stage.FETCH, OutcomeKind.UNCHANGED, next_visit=True))
    assert books.balance().findings == []


def test_a_revisit_that_is_skipped_for_its_rights_balances_and_leaves_the_document() -> None:
    books = Reconciliation()
    for each in WHOLE:
        books.line(each)
    books.document("a", 7)
    books.line(line("a", 0, Stage.FETCH, OutcomeKind.FETCHED, next_visit=True))
    books.line(line("a", 1, Stage.FETCH, OutcomeKind.FETCHED))
    books.page("a", 1, committed=True)
    books.line(line("a", 1, Stage.CLEAN, OutcomeKind.SKIPPED)._replace(reason="rights-noai"))
    balance = books.balance()
    assert balance.findings == []
    assert balance.counts[Row(Side.ENDED, "skipped", "rights-noai", True)] == 1
    assert balance.pages == {"in the index": 1}


def test_a_page_of_the_raw_topic_is_a_visit_whatever_the_ledger_says() -> None:
    books = Reconciliation()
    books.page("a", 0, committed=True)
    balance = books.balance()
    assert balance.findings == [Finding(Problem.NO_END, "a", 0)]
    assert balance.pages == {"missing": 1}
    books.page("b", 0, committed=False)
    assert books.balance().pages == {"missing": 1, "in flight": 1}


def test_lines_that_begin_and_end_at_once_need_no_discovery() -> None:
    books = Reconciliation()
    books.line(line("a", 0, Stage.POLL, OutcomeKind.SKIPPED))
    books.line(line("b", 0, Stage.CLEAN, OutcomeKind.DEAD)._replace(feed_url=""))
    books.line(line("c", 0, Stage.POLL, OutcomeKind.DUPLICATE_URL))
    books.line(line("c", 0, Stage.POLL, OutcomeKind.DUPLICATE_URL)._replace(feed_url="https://other.example.org/"))
    balance = books.balance()
    assert balance.findings == []
    assert {(row.side, row.name): count for row, count in balance.counts.items()} == {
        ("begun", "refused by poll"): 1,
        ("begun", "unreadable record"): 1,
        ("begun", "duplicate-url"): 2,
        ("ended", "skipped"): 1,
        ("ended", "dead"): 1,
        ("ended", "duplicate-url"): 2,
    }


def test_a_success_stays_whatever_a_replay_says() -> None:
    for order in (1, -1):
        books = Reconciliation()
        for each in [*WHOLE, line("a", 0, Stage.CLEAN, OutcomeKind.DEAD)][::order]:
            books.line(each)
        assert books.balance().counts[Row(Side.ENDED, "indexed", "", False)] == 1
