"""Values of a query's qualifiers as users write them: times, languages, topics, rights. Pure."""

from __future__ import annotations

import difflib
import re
from datetime import UTC, datetime, timedelta

from pipelines.errors import UsageError
from pipelines.search.tree import Filter, Node, Period
from schemas.mapping import STEM_ANALYZERS
from schemas.media_topics import TOP_TOPICS
from schemas.records import Right

FILTERS = ("source", "site", "lang", "topic", "author", "title", "url", "story", "rights", "gone")
PERIODS = ("after", "before", "last")
NAMES = (*FILTERS, *PERIODS)
"""All qualifiers."""

_ALIASES = {
    "language": "lang",
    "since": "after",
    "until": "before",
    "host": "site",
    "domain": "site",
    "by": "author",
    "intitle": "title",
}
_GONE = ("with", "without", "only")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d{1,6})\s*([mhdw])")
_TOPIC_ID = re.compile(r"(?:medtop:)?(\d{8})")
_REST_OF_DATE = {4: "-01-01", 7: "-01"}  # of a year and of a month
_LANGUAGE = re.compile(r"[a-z]{2,3}")


def parse_time(text: str, now: datetime, *, end: bool = False) -> datetime:
    """Read a time as users write it: `2d` and `12h` ago, `2026-11-01`, `2026-11-01T09:30+01:00`.

    Args:
        text: what was written; a date without a time zone is in UTC.
        now: the present.
        end: whether a bare date means the end of its day.

    Raises:
        UsageError: it is none of these.
    """
    text = text.strip()
    try:
        if span := _SPAN.fullmatch(text.lower()):
            return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
        when = datetime.fromisoformat(text + _REST_OF_DATE.get(len(text), ""))
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return when + timedelta(days=1) if end and not re.search("[T ]", text) else when
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is no time", hint="write 2d, 12h, 30m, 3w, or a date: 2026-11-01") from None


def parse_language(text: str) -> str:
    """Read a language code; a region is dropped: `en-GB` is `en`.

    Raises:
        UsageError: it is no code.
    """
    code = re.split(r"[-_]", text.strip().lower())[0]
    if not _LANGUAGE.fullmatch(code):
        raise UsageError(f"{text!r} is no language code", hint="write two or three letters, such as en or de")
    return code


def parse_rights(text: str) -> str:
    """Read the name of what publishers reserve, such as `noai`, with `-` before it for articles that lack it.

    Raises:
        UsageError: there is no such name; the message gives the nearest, or all.
    """
    wanted = text.strip().lower()
    name = wanted.removeprefix("-")
    known = [right.value for right in Right]
    if name in known:
        return wanted
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"it may be {_some(known, len(known))}"
    raise UsageError(f"no publisher reserves {text!r}", hint=hint, resource=text)


def find_topic(text: str) -> str:
    """Find the id of a topic by its id, its label, or a part of the label that no other has.

    Raises:
        UsageError: there is none, or more than one; the message names the nearest.
    """
    wanted = text.strip().lower()
    if number := _TOPIC_ID.fullmatch(wanted):
        return f"medtop:{number[1]}"
    labels = {topic.label: topic.id for topic in TOP_TOPICS}
    if wanted in labels:
        return labels[wanted]
    found = [label for label in labels if wanted and re.search(rf"\b{re.escape(wanted)}", label)]
    if len(found) == 1:
        return labels[found[0]]
    if found:
        raise UsageError(f"topic {text!r} may be {_some(found)}", hint="write more of the label", resource=text)
    words = {word: label for label in labels for word in [label, *re.findall(r"\w{3,}", label)]}
    near = difflib.get_close_matches(wanted, words, n=1, cutoff=0.5)
    hint = f"did you mean {words[near[0]]!r}?" if near else f"topics are {_some(list(labels), len(labels))}"
    raise UsageError(f"no topic {text!r}", hint=hint, resource=text)


def _some(labels: list[str], most: int = 4) -> str:
    return ", ".join(repr(label) for label in labels[:most]) + (" ..." if len(labels) > most else "")


def known_name(text: str) -> str:
    """Give the qualifier that a text names; empty for none."""
    name = text.lower()
    return name if name in NAMES else _ALIASES.get(name, "")


def nearest_name(text: str) -> str:
    """Give the qualifier that was probably meant; empty for none."""
    near = difflib.get_close_matches(text.lower(), NAMES, n=1, cutoff=0.75)
    return near[0] if near else ""


def qualified(name: str, wanted: list[str], excluded: list[str], now: datetime) -> tuple[Node | None, str]:
    """Make a filter of a qualifier's values and say what was corrected; None where nothing is left of it."""
    if name in PERIODS:
        return _period(name, [*wanted, *excluded], now)
    notes: list[str] = []
    read = [_readings(name, value, notes) for value in wanted], [_readings(name, value, notes) for value in excluded]
    values, without = (tuple(dict.fromkeys(one for some in side for one in some)) for side in read)
    if name == "gone":
        values, without = values[:1], ()
    if not values and not without:
        return None, "; ".join(notes) or f"{name}: has no value"
    return Filter(name, values, without), "; ".join(dict.fromkeys(notes))


def _period(name: str, written: list[str], now: datetime) -> tuple[Node | None, str]:
    if not written:
        return None, f"{name}: has no value"
    note = f"{name}: takes one value" if len(written) > 1 else ""
    try:
        when = parse_time(written[0], now)
    except UsageError as error:
        return None, str(error)
    if name == "last" and not _SPAN.fullmatch(written[0].strip().lower()):
        return None, f"{written[0]!r} is no span of time; write 12h, 7d or 3w"
    if name == "before":
        return Period(name, written[0], until=when), note
    return Period(name, written[0], since=when), note


def _readings(name: str, value: str, notes: list[str]) -> list[str]:
    """Read one value of a filter: those it stands for, what was corrected added to the notes."""
    if name == "lang":
        return _languages(value, notes)
    if name == "topic":
        return [_topic(value, notes)]
    if name in ("rights", "gone"):
        known = [right.value for right in Right] if name == "rights" else list(_GONE)
        wanted = value.lower()
        near = difflib.get_close_matches(wanted, known, n=1, cutoff=0.5)
        if near and near[0] != wanted:
            notes.append(f"{value!r} understood as {near[0]!r}")
        if not near and name == "gone":
            notes.append(f"gone: is one of {', '.join(_GONE)}")
            return []
        if not near:
            notes.append(f"no publisher reserves {value!r}")
        return [near[0] if near else wanted]
    if name == "site":
        host = re.sub(r"^(?:https?://)?(?:www\.|\*\.|\.)?", "", value.lower()).split("/")[0].rstrip(".")
        return [host] if host else []
    return [value]


def _languages(value: str, notes: list[str]) -> list[str]:
    """Read a language by code or by its English name."""
    named = [code for code, analyzer in STEM_ANALYZERS.items() if analyzer == value.lower() != "cjk"]
    if named:
        return named
    try:
        return [parse_language(value)]
    except UsageError as error:
        notes.append(str(error))
        return [value.lower()]


def _topic(value: str, notes: list[str]) -> str:
    """Read a topic: the id of a top class by its label or part of it, or any other label as it is."""
    try:
        return find_topic(value)
    except UsageError as error:
        near = re.fullmatch(r"did you mean '(.*)'\?", error.hint)
        if near:
            notes.append(f"{value!r} understood as {near[1]!r}")
            return find_topic(near[1])
        notes.append(f"{error.message}; searched as a topic's label")
        return value
