"""What the repository holds a copy of is what the code says."""

from pathlib import Path

import pytest

from pipelines.cli.reference import COPIES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", COPIES)
def test_the_copy_is_fresh(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == COPIES[name](), "run `python -m pipelines.cli.reference`"
