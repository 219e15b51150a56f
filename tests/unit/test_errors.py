import inspect
import pickle
from collections.abc import Iterator

import pytest

from pipelines.errors import NewsriverError


def tree(kind: type[NewsriverError]) -> Iterator[type[NewsriverError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from tree(child)


VALUES = {
    "message": "it happened",
    "hint": "do this",
    "resource": "https://example.org/",
    "reason": "too-deep",
    "retryable": True,
    "status": 503,
    "retry_after": 9.0,
    "seconds": 9.0,
    "host": "example.org",
    "records": (("news.pages", "https://example.org/"),),
}
"""What an error of ours is built from, by parameter name."""


def example(kind: type[NewsriverError]) -> NewsriverError:
    return kind(**{name: VALUES[name] for name in inspect.signature(kind).parameters})


@pytest.mark.parametrize("kind", list(tree(NewsriverError)))
def test_every_error_survives_a_process_border(kind: type[NewsriverError]) -> None:
    error = example(kind)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - made two lines above
    assert type(copy) is kind
    assert copy.__dict__ == error.__dict__
    assert str(copy) == str(error)


def test_an_error_is_one_line_with_resource_and_hint() -> None:
    assert str(NewsriverError("it broke", hint="mend it", resource="x.toml")) == "it broke [x.toml]; mend it"
    assert str(NewsriverError("x.toml broke", resource="x.toml")) == "x.toml broke"
