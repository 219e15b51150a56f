"""Tests of `pipelines.lab.chaos.rig`."""

from __future__ import annotations

import pytest

from pipelines.errors import NewsriverError, ServiceError
from pipelines.lab.chaos.rig import answered, wait_for


def test_a_server_that_cannot_answer_yet_is_asked_again() -> None:
    answers = iter([ServiceError("no shard is there", hint="", resource="es"), 0, 7])

    def find() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert wait_for(find, "seven") == 7


def test_what_no_server_says_ends_the_wait() -> None:
    def broken() -> int:
        raise NewsriverError("the request is wrong")

    assert answered(lambda: 3) == 3
    with pytest.raises(NewsriverError, match="wrong"):
        wait_for(broken, "nothing")
    with pytest.raises(NewsriverError, match="in vain for a thing"):
        wait_for(lambda: None, "a thing", seconds=0)
