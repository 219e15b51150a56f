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
    SettingsRule(
        ("kafka.username", "kafka.security_protocol"),
        lambda s: s.kafka.uses_sasl and not s.kafka.username,
        lambda _: "a user is to log in and none is named",
        lambda _: "set kafka.username and kafka.password_file",
    ),
    SettingsRule(
        ("kafka.security_protocol", "kafka.username"),
        lambda s: not s.kafka.uses_sasl and bool(s.kafka.username),
        lambda _: "a user is named and nobody would log in",
        lambda _: "set kafka.security_protocol to SASL_SSL, or leave kafka.username out",
    ),
    SettingsRule(
        ("kafka.sasl_mechanism", "kafka.security_protocol"),
        lambda s: s.kafka.security_protocol == "SASL_PLAINTEXT" and s.kafka.sasl_mechanism == "PLAIN",
        lambda _: "the password would cross the network for all to read",
        lambda _: "set kafka.security_protocol to SASL_SSL, or kafka.sasl_mechanism to SCRAM-SHA-512",
    ),
    SettingsRule(
        ("elasticsearch.ca_certs", "elasticsearch.ca_fingerprint"),
        lambda s: bool(s.elasticsearch.ca_certs and s.elasticsearch.ca_fingerprint),
        lambda _: "only one of them can decide",
        lambda _: "keep one",
    ),
)


def check_together(settings: Settings) -> Settings:
    """Give settings that fit together back as they are.

    Raises:
        SettingsError: they break a rule; `resource` is the first of its options.
    """
    for rule in TOGETHER:
        if rule.broken(settings):
            values = " with ".join(f"{name} = {_value(settings, name)}" for name in rule.options)
            problem = f"settings {values}: {rule.why(settings)}"
            raise SettingsError(problem, hint=rule.hint(settings), resource=rule.options[0])
    return settings


def _value(settings: Settings, name: str) -> str:
    section, _, key = name.partition(".")
    value = getattr(getattr(settings, section), key)
    return f"{value:g}" if isinstance(value, float | int) else str(value)
