"""The bulk writer: documents in, one verdict for each out, however long that takes.

Back-pressure is never an error here: what `pipelines.index.verdict` says can pass by waiting is sent again, only that,
with a capped and jittered pause, for ever and visibly, until it is done or the process is asked to stop. How much goes
in one request follows what the server takes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from pipelines.errors import ServiceError
from pipelines.index.documents import Document, IndexFamily, batches
from pipelines.index.elastic import Elastic
from pipelines.index.patience import Patience
from pipelines.index.verdict import (
    NO_ACCESS_HINT,
    Verdict,
    Wait,
    Whole,
    control_lines,
    judge,
    judge_alone,
    judge_request,
)
from pipelines.metrics.declared import BULK_DOCUMENTS, BULK_SECONDS
from pipelines.runtime.heartbeat import Waits
from pipelines.runtime.limits import AdaptiveWindow
from schemas.records import OutcomeKind

log = logging.getLogger(__name__)

MOST_SERVER_ERRORS = 6
"""Times that the server may fail on one document while it takes its neighbours; then the document is at fault."""

_BULK_ANSWER = {"filter_path": "items.*.status,items.*.result,items.*.error"}
_SMALLEST_LIMIT = 10_000
_NOT_FOUND, _TOO_LARGE, _SERVER_ERROR = 404, 413, 500
_NO_ACCESS = (401, 403)


class BulkLimits(Protocol):
    """What one bulk request may hold."""

    @property
    def bulk_documents(self) -> int:
        """Most documents."""

    @property
    def bulk_bytes(self) -> int:
        """Most bytes."""


class Sink:
    """Writes documents to Elasticsearch."""

    def __init__(
        self, client: Elastic, limits: BulkLimits, stop: threading.Event | None = None, waits: Waits | None = None
    ) -> None:
        """Prepare to write.

        Args:
            client: the cluster.
            limits: of one bulk request.
            stop: once set, waiting ends with an error instead of going on.
            waits: told what documents wait for.
        """
        self._client = client
        self._patience = Patience(client.url, stop, waits)
        self._most = limits.bulk_documents
        self._window = AdaptiveWindow(self._most)
        self._failed: dict[str, int] = {}
        self._most_bytes = limits.bulk_bytes
        self._ready: set[str] = set()

    @property
    def waiting(self) -> Wait | None:
        """Why documents wait just now; None while writing goes on."""
        return self._patience.waiting

    def write(self, documents: Sequence[Document]) -> list[Verdict]:
        """Write documents and give a verdict for each, in their order.

        Raises:
            ServiceError: the process is asked to stop while documents wait; nothing may be committed.
        """
        verdicts: dict[int, Verdict] = {}
        self._failed.clear()
        left = list(range(len(documents)))
        rounds = 0
        while left:
            waits: dict[int, Wait] = {}
            for position, judged in zip(left, self._try([documents[position] for position in left]), strict=True):
                BULK_DOCUMENTS.add(kind="wait" if isinstance(judged, Wait) else judged.kind)
                if isinstance(judged, Wait):
                    waits[position] = judged
                else:
                    verdicts[position] = judged
            if waits:
                rounds = rounds + 1 if len(waits) == len(left) else 1  # progress makes it impatient again
                self._patience.pause(rounds, f"{len(waits)} documents", next(iter(waits.values())))
            left = list(waits)
        self._patience.go_on()
        return [verdicts[position] for position in range(len(documents))]

    def _try(self, documents: Sequence[Document]) -> list[Verdict | Wait]:
        """Send each document once, but those that wait for their index."""
        families = {document.index: document.family for document in documents}
        closed = {index: self._prepare(index, family) for index, family in families.items()}
        answers = iter(self._send_all([document for document in documents if closed[document.index] is None]))
        return [closed[document.index] or next(answers) for document in documents]

    def _send_all(self, documents: Sequence[Document]) -> list[Verdict | Wait]:
        """Send documents in as many requests as it takes; when one is refused whole, the rest need not be tried."""
        answers: list[Verdict | Wait] = []
        while len(answers) < len(documents):
            batch = next(batches(documents[len(answers) :], self._window.size, self._most_bytes))
            answers += self._send(batch)
            if isinstance(answers[-1], Wait) and answers[-1].whole:
                answers += [answers[-1]] * (len(documents) - len(answers))
        return answers

    def _send(self, batch: Sequence[Document]) -> list[Verdict | Wait]:
        """Send one bulk request, or its halves where the server does not take it whole."""
        body = b"".join([document.lines() for document in batch])
        began = time.monotonic()
        try:
            answer = self._client.send("POST", "/_bulk", body, _BULK_ANSWER)
            BULK_SECONDS.observe(time.monotonic() - began)
        except ServiceError as error:
            judged: Whole | Wait = Wait("no-answer", error.message, whole=True)
        else:
            judged = judge_request(answer.status, answer.reason, answer.error_type)
        if judged is Whole.ITEMS:
            return self._judge_items(batch, answer.body)
        # Whether documents are at fault is tried with a request that has none.
        if judged is Whole.SPLIT and (len(batch) == 1 or answer.status != _TOO_LARGE) and not self._takes_any(batch[0]):
            judged = Wait("refused", f"whatever is sent, status {answer.status}: {answer.reason}", whole=True)
        if isinstance(judged, Wait):
            self._window.choked()
            return [judged] * len(batch)
        if len(batch) == 1:
            return [self._tell(judge_alone(batch[0], answer.status, answer.reason))]
        if answer.status == _TOO_LARGE:
            self._most_bytes = max(_SMALLEST_LIMIT, min(self._most_bytes, len(body) // 2))
            log.info(
                "requests of %d bytes are too large for Elasticsearch: %d from now on", len(body), self._most_bytes
            )
        middle = len(batch) // 2
        return self._send(batch[:middle]) + self._send(batch[middle:])

    def _takes_any(self, like: Document) -> bool:
        """Tell whether the server takes bulk requests at all, by one that changes nothing."""
        try:
            answer = self._client.send("POST", "/_bulk", control_lines(like.index), _BULK_ANSWER)
        except ServiceError:
            return False
        return judge_request(answer.status, "") is Whole.ITEMS

    def _judge_items(self, batch: Sequence[Document], body: object) -> list[Verdict | Wait]:
        items = body.get("items") if isinstance(body, dict) else None
        if not isinstance(items, list) or len(items) != len(batch):
            return [Wait("no-answer", "the answer does not match the request")] * len(batch)
        contents = [item.get("index", {}) for item in items]
        judged = [judge(document, content) for document, content in zip(batch, contents, strict=True)]
        judged = self._blame(batch, [content.get("status") == _SERVER_ERROR for content in contents], judged)
        if any(isinstance(one, Wait) and one.reason == "busy" for one in judged):
            self._window.choked()
        else:
            self._window.passed()
        for document, one in zip(batch, judged, strict=True):
            if isinstance(one, Wait):
                self._ready.discard(document.index)  # look at the index again before the next try
            else:
                self._tell(one)
        return judged

    def _blame(
        self, batch: Sequence[Document], failed: Sequence[bool], judged: Sequence[Verdict | Wait]
    ) -> list[Verdict | Wait]:
        """End documents on which the server fails again and again while it takes others into the same index.

        Alone, a document is never blamed: the fault may be the index's. Other statuses than 500 say that a shard or a
        node is away, and that passes.
        """
        taken = {one.document.index for one in judged if isinstance(one, Verdict)}
        blamed = list(judged)
        for number, (document, one) in enumerate(zip(batch, judged, strict=True)):
            if not failed[number] or not isinstance(one, Wait):
                continue
            if document.id in self._failed or document.index in taken:
                self._failed[document.id] = self._failed.get(document.id, 0) + 1
            if self._failed.get(document.id, 0) > MOST_SERVER_ERRORS:
                blamed[number] = Verdict(document, OutcomeKind.DEAD, one.reason, one.detail, alarm=True)
        return blamed

    def _tell(self, verdict: Verdict) -> Verdict:
        if verdict.alarm:
            log.error("document %s: unforeseen answer, set aside: %s", verdict.document.id, verdict.detail)
        return verdict

    def _prepare(self, index: str, family: IndexFamily) -> Wait | None:
        """See that an index is there and behind its alias, if any; create it where its template is there."""
        if index in self._ready:
            return None
        try:
            wait = self._look(index, family)
        except ServiceError as error:
            wait = Wait("no-answer", error.message)
        if wait is None:
            self._ready.add(index)
        return wait

    def _look(self, index: str, family: IndexFamily) -> Wait | None:
        found = self._client.send("GET", f"/{index}", params={"features": "aliases"})
        if found.ok:
            if not family.alias or family.alias in found.body.get(index, {}).get("aliases", {}):
                return None
            return Wait("no-alias", f"index {index} is not in alias {family.alias}: run `newsriver setup`")
        if found.status in _NO_ACCESS:
            return Wait("no-access", f"status {found.status}: {found.reason}; {NO_ACCESS_HINT}")
        if found.status != _NOT_FOUND:
            return Wait("no-index", found.reason)
        return self._create(index, family)

    def _create(self, index: str, family: IndexFamily) -> Wait | None:
        # Without its template an index would be made with guessed types: hours of lost articles.
        described = self._client.send("GET", f"/_index_template/{family.template}")
        if described.status == _NOT_FOUND:
            return Wait("no-template", f"index template {family.template} is missing: run `newsriver setup`")
        if not described.ok:
            return Wait("no-template", described.reason)
        # At once with its alias: whoever reads must not miss what is written first.
        created = self._client.send("PUT", f"/{index}", {"aliases": {family.alias: {}}} if family.alias else None)
        if created.ok or created.error_type == "resource_already_exists_exception":
            return None
        return Wait("no-index", created.reason)
