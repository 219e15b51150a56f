"""Which options must fit together: each rule once, with what to do when it is broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pipelines.errors import SettingsError
from pipelines.settings.options import Settings


class SettingsRule(NamedTuple):
    """A rule about several options.

    Attributes:
        options: dotted names of the options, the one to change first.
        broken: tells whether settings break the rule.
        why: gives what is wrong with them, after the options' names and values.
        hint: gives what to do.
    """

    options: tuple[str, ...]
    broken: Callable[[Settings], bool]
    why: Callable[[Settings], str]
    hint: Callable[[Settings], str]


TOGETHER: tuple[SettingsRule, ...] = (
    SettingsRule(
        ("process.stall_seconds", "clean.cpu_seconds"),
        lambda s: s.process.stall_seconds < s.clean.longest_call_seconds,
        lambda s: (
            f"a page may take {s.clean.longest_call_seconds:g} s on a busy machine before it becomes a dead letter; "
            "a process that is ended before, as if it hung, reads the same page again for ever"
        ),
        lambda s: f"set process.stall_seconds to {s.clean.longest_call_seconds:g} or more, or lower clean.cpu_seconds",
    ),
    SettingsRule(
        ("poll.min_interval_seconds", "poll.max_interval_seconds"),
        lambda s: s.poll.min_interval_seconds > s.poll.max_interval_seconds,
        lambda _: "no time between two polls is both",
        lambda _: "lower the first or raise the second",
    ),
)


def check_together(settings: Settings) -> Settings:
    """Give settings that fit together back as they are.

    Raises:
        SettingsError: they break a rule; `resource` is the first of its options.
    """
    for rule in TOGETHER:
        if rule.broken(settings):
            values = " with ".join(f"{name} = {_value(settings, name):g}" for name in rule.options)
            problem = f"settings {values}: {rule.why(settings)}"
            raise SettingsError(problem, hint=rule.hint(settings), resource=rule.options[0])
    return settings


def _value(settings: Settings, name: str) -> float:
    section, _, key = name.partition(".")
    value: float = getattr(getattr(settings, section), key)
    return value
