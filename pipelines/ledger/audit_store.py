"""What an audit has read, on disk and given back article by article, so that memory does not grow with the ledger.

Every rule of the books is about one article, so the whole is never needed at once: what is read is written to a
temporary database as it comes, sorted there by article (SQLite's external merge sort), and balanced in batches of
whole articles. The database is SQLite's private temporary file (https://www.sqlite.org/inmemorydb.html, "Temporary
Databases"): readable by its owner, without a name, and gone with its process. It lies where TMPDIR says, else in
/var/tmp; a line of the ledger takes some 60 bytes there, and as much again while it is sorted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

from pipelines.errors import NewsriverError
from pipelines.ledger.outcomes import OutcomeLine
from pipelines.ledger.reconcile import Finding, Problem, Reconciliation
from schemas.records import OutcomeKind, Stage

BATCH = 20_000
"""Events in the books at a time, and as many more as complete the last article: some 20 MB."""

CHUNK = 4000
"""Articles given at a time: as many as one query may name."""

_BUFFER = 5000
_PRAGMAS = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;
PRAGMA cache_size = -8192;
"""
_EVENTS = """
CREATE TABLE event (article BLOB, what INTEGER, visit INTEGER, place TEXT, kind TEXT, reason TEXT, feed TEXT,
                    flag INTEGER, version INTEGER, document TEXT);
CREATE TABLE asked (article BLOB PRIMARY KEY) WITHOUT ROWID;
"""
_FINDINGS = "CREATE TABLE finding (problem TEXT, article BLOB, visit INTEGER);"
_ENTRY, _PAGE, _COMING, _LINE = range(4)


class _Database:
    """A temporary database; each error of it says that the disk is the reason."""

    def __init__(self, schema: str) -> None:
        with _disk():
            self._database = sqlite3.connect("", isolation_level=None)
            self._database.executescript(_PRAGMAS + schema + "BEGIN;")  # one transaction that nobody commits

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def _many(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        with _disk():
            self._database.executemany(statement, rows)

    def _ask(self, statement: str, *values: object) -> Iterator[tuple[Any, ...]]:
        with _disk():
            yield from self._database.execute(statement, values)


class Events(_Database):
    """Takes in what `Reconciliation` take in, in any order, and gives it back as books of some articles at a time.

    Raises:
        NewsriverError: the disk is full.
    """

    def __init__(self) -> None:
        super().__init__(_EVENTS)
        self._new: list[tuple[Any, ...]] = []

    def line(self, line: OutcomeLine, *, recorded: bool = True) -> None:
        """Take in a line of the ledger; not `recorded` when it still waits on Kafka."""
        # Only a repeated announcement is told by its feed; of all else it counts whether there is one.
        feed = line.feed_url if line.kind is OutcomeKind.DUPLICATE_URL else line.feed_url[:1]
        stage, kind = line.stage.value, line.kind.value
        what = _LINE if recorded else _COMING
        rest = (line.next_visit, line.version, line.document_id or None)
        self._put(line.article_id, what, line.visit, stage, kind, line.reason, feed, *rest)

    def entry(self, article_id: str, visit: int, topic: str, *, again: bool = False) -> None:
        """Take in an Entry that fetch has yet to commit, as `Reconciliation.entry`."""
        self._put(article_id, _ENTRY, visit, topic, None, None, None, again, None, None)

    def page(self, article_id: str, visit: int, *, committed: bool) -> None:
        """Take in a page of the raw topic."""
        self._put(article_id, _PAGE, visit, None, None, None, None, committed, None, None)

    def books(self) -> Iterator[Reconciliation]:
        """Give books of some whole articles at a time, each article once."""
        self._flush()
        books, taken, last = Reconciliation(), 0, b""
        for article, what, visit, *rest in self._ask("SELECT * FROM event ORDER BY article, rowid"):
            if taken >= BATCH and article != last:
                yield books
                books, taken = Reconciliation(), 0
            _fill(books, article.hex(), what, visit, rest)
            taken, last = taken + 1, article
        if taken:
            yield books

    def clear(self) -> None:
        """Drop all events."""
        self._new.clear()
        for _ in self._ask("DELETE FROM event"):
            pass

    def ask_for(self, articles: Collection[str]) -> None:
        """Note articles that are asked for by name."""
        self._many("INSERT OR IGNORE INTO asked VALUES (?)", ((bytes.fromhex(article_id),) for article_id in articles))

    def asked(self) -> Iterator[list[str]]:
        """Give the articles that are asked for by name, some at a time."""
        query = "SELECT article FROM asked WHERE article > ? ORDER BY article LIMIT ?"
        last = b""
        while found := [row[0] for row in self._ask(query, last, CHUNK)]:
            yield [article.hex() for article in found]
            last = found[-1]

    def asks_for(self, article_id: str) -> bool:
        """Tell whether an article is asked for by name."""
        return any(self._ask("SELECT 1 FROM asked WHERE article = ?", bytes.fromhex(article_id)))

    def _put(self, article_id: str, *event: object) -> None:
        self._new.append((bytes.fromhex(article_id), *event))
        if len(self._new) >= _BUFFER:
            self._flush()

    def _flush(self) -> None:
        self._many("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", self._new)
        self._new.clear()


def _fill(books: Reconciliation, article_id: str, what: int, visit: int, rest: Sequence[Any]) -> None:
    """Put one event into the books."""
    place, kind, reason, feed, flag, version, document = rest
    if what == _ENTRY:
        books.entry(article_id, visit, place, again=bool(flag))
    elif what == _PAGE:
        books.page(article_id, visit, committed=bool(flag))
    else:
        line = OutcomeLine(
            article_id, visit, Stage(place), OutcomeKind(kind), reason, feed, bool(flag), version, document or ""
        )
        books.line(line, recorded=what == _LINE)


class Findings(_Database):
    """What is wrong in the end, however much.

    Raises:
        NewsriverError: the disk is full.
    """

    def __init__(self) -> None:
        super().__init__(_FINDINGS)

    def add(self, findings: Iterable[Finding]) -> None:
        """Note findings."""
        rows = ((problem.value, bytes.fromhex(article_id), visit) for problem, article_id, visit in findings)
        self._many("INSERT INTO finding VALUES (?, ?, ?)", rows)

    def by_article(self) -> Iterator[dict[str, list[Finding]]]:
        """Give all findings of some articles at a time, each article once."""
        some: dict[str, list[Finding]] = {}
        for problem, article, visit in self._ask("SELECT * FROM finding ORDER BY article, rowid"):
            finding = Finding(Problem(problem), article.hex(), visit)
            if finding.article_id not in some and len(some) >= CHUNK:
                yield some
                some = {}
            some.setdefault(finding.article_id, []).append(finding)
        if some:
            yield some

    def articles(self) -> int:
        """Count the articles of which something is wrong."""
        return int(next(self._ask("SELECT count(DISTINCT article) FROM finding"))[0])

    def __len__(self) -> int:
        """Count the findings."""
        return int(next(self._ask("SELECT count(*) FROM finding"))[0])


@contextmanager
def _disk() -> Iterator[None]:
    """Say where a full disk is.

    Raises:
        NewsriverError: SQLite cannot write.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        raise NewsriverError(
            f"the audit cannot write its temporary file: {error}",
            hint="it needs some 120 bytes for each line of the ledger; TMPDIR names another folder",
            resource="TMPDIR",
        ) from None
