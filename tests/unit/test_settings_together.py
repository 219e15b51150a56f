"""Options that must fit together: what breaks a rule is refused in one line that says what to change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import SettingsError
from pipelines.extraction import article_sandbox
from pipelines.settings import Settings, load_settings
from pipelines.settings.load import option_names
from pipelines.settings.together import TOGETHER, check_together


def test_the_defaults_fit_together() -> None:
    assert check_together(Settings()) == Settings()


def test_rules_name_options_that_exist() -> None:
    assert {name for rule in TOGETHER for name in rule.options} <= set(option_names())


@pytest.mark.parametrize(
    ("assignments", "says", "resource"),
    [
        (
            ["process.stall_seconds=60"],
            "process.stall_seconds = 60 with clean.cpu_seconds = 5",
            "process.stall_seconds",
        ),
        (["clean.cpu_seconds=60"], "set process.stall_seconds to 1460 or more", "process.stall_seconds"),
        (["poll.min_interval_seconds=50000"], "poll.max_interval_seconds = 43200", "poll.min_interval_seconds"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(assignments: list[str], says: str, resource: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(assignments=assignments, environment={})
    assert says in str(caught.value)
    assert caught.value.resource == resource
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@given(st.floats(0.5, 600), st.floats(1, 100_000))
def test_a_page_never_takes_longer_than_a_stall(cpu: float, stall: float) -> None:
    """Whatever is not refused: two tries of one call, each ended by its limit on the clock."""
    try:
        settings = load_settings(
            assignments=[f"clean.cpu_seconds={cpu}", f"process.stall_seconds={stall}"], environment={}
        )
    except SettingsError:
        return
    assert 2 * article_sandbox(settings.clean)._limits.wall_seconds <= settings.process.stall_seconds
