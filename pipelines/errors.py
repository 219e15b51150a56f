"""The one tree of errors: each says what happened, to which resource, and what to do next."""

from __future__ import annotations

from typing import ClassVar

from pipelines.redaction import redacted


class NewsriverError(Exception):
    """Any failure this package raises on purpose; credentials in the addresses it names are masked.

    Attributes:
        message: what happened, one sentence without a full stop.
        hint: what to do next, a command where there is one; empty when nothing can be done.
        resource: what it happened to: a URL, a topic, a file, a setting.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", resource: str = "") -> None:
        super().__init__(redacted(message))
        self.message = redacted(message)
        self.hint = redacted(hint)
        self.resource = redacted(resource)

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling: errors cross process borders, and keyword-only arguments do not by default."""
        return (_rebuild, (type(self), self.__dict__.copy()))

    def __str__(self) -> str:
        """Give the error as one line."""
        where = f" [{self.resource}]" if self.resource and self.resource not in self.message else ""
        what_next = f"; {self.hint}" if self.hint else ""
        return f"{self.message}{where}{what_next}"


def _rebuild(kind: type[NewsriverError], state: dict[str, object]) -> NewsriverError:
    error = kind.__new__(kind)
    error.__dict__.update(state)
    error.args = (state["message"],)
    return error


class UsageError(NewsriverError):
    """The user asked for something that does not exist or cannot be: a flag, a setting, a file."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting is unknown or its value is not allowed; `resource` is its dotted name."""


class FeedListError(UsageError):
    """A feed list cannot be read; `resource` is the file."""


class ServiceError(NewsriverError):
    """Kafka or Elasticsearch cannot be reached, or is not set up; waiting or starting it helps."""

    exit_code = 3


class BreakerTripped(NewsriverError):
    """A role stopped for good because most of what it set aside was its own fault; starting it again changes nothing.

    Its exit code is one of its own, by which a supervisor knows that only a person can let it go on.
    """

    exit_code = 4


class ArticleNotFound(NewsriverError):
    """No article is indexed under the id or address that was given, which is `resource`."""


class SavedSearchNotFound(NewsriverError):
    """There is no saved search of the id or name that was given, which is `resource`."""


class StackError(NewsriverError):
    """The local servers cannot be downloaded, started or stopped; `resource` is the part."""


class RecordFault(NewsriverError):
    """One record's own fault, never the infrastructure's: it becomes an outcome or a dead letter.

    Attributes:
        reason: a short kebab-case name, counted in the ledger.
    """

    def __init__(self, message: str, *, reason: str, hint: str = "", resource: str = "") -> None:
        super().__init__(message, hint=hint, resource=resource)
        self.reason = reason


class Rejected(RecordFault):
    """The page was understood and holds no article; it ends as outcome `rejected: <reason>`."""


class Skipped(RecordFault):
    """The page was understood and the settings say not to keep it; it ends as outcome `skipped: <reason>`."""


class Poison(RecordFault):
    """The payload cannot be processed; it ends as outcome `dead: <reason>` and a dead letter with its payload."""


class RecordsRefused(Poison):
    """Kafka refused records for their size, although their topic was to take them; all others are acknowledged.

    Attributes:
        records: topic and key of each.
    """

    def __init__(self, message: str, *, records: tuple[tuple[str, str], ...], hint: str = "") -> None:
        super().__init__(message, reason="too-large", hint=hint, resource=records[0][1])
        self.records = records


class FeedFault(RecordFault):
    """A feed's bytes are not a feed, or not a whole one."""


class FetchFault(RecordFault):
    """A GET did not give a body.

    Attributes:
        retryable: whether the same request may succeed later.
        retry_after: seconds the server asked us to wait, or None.
        status: the HTTP status, or None when no answer came.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        retryable: bool,
        status: int | None = None,
        retry_after: float | None = None,
        resource: str = "",
    ) -> None:
        super().__init__(message, reason=reason, resource=resource)
        self.retryable = retryable
        self.status = status
        self.retry_after = retry_after


class AddressRefused(FetchFault):
    """The URL leads to a private, loopback or otherwise reserved address that the settings do not allow."""

    def __init__(self, message: str, *, resource: str = "") -> None:
        super().__init__(message, reason="address-refused", retryable=False, resource=resource)
