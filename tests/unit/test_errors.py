import pickle
from collections.abc import Iterator

import pytest

from pipelines import errors
from pipelines.errors import FetchFault, NewsriverError, RecordFault


def tree(kind: type[NewsriverError]) -> Iterator[type[NewsriverError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from tree(child)


def example(kind: type[NewsriverError]) -> NewsriverError:
    if kind is FetchFault:
        return FetchFault("no answer", reason="timeout", retryable=True, status=503, retry_after=9.0, resource="u")
    if issubclass(kind, RecordFault) and kind is not errors.AddressRefused:
        return kind("too deep", reason="too-deep", resource="u")
    return (
        kind("it happened", resource="u")
        if kind is errors.AddressRefused
        else kind("it happened", hint="do", resource="u")
    )


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


def test_repr_of_a_fault_carries_its_reason() -> None:
    """Beam's dead letters keep only class, repr and trace of an exception."""
    assert repr(errors.Poison("page is 400 deep", reason="too-deep")).partition(": ")[0] == "too-deep"
