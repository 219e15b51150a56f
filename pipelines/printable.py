r"""Foreign text made fit for terminals and logs: what could steer either becomes a visible escape. Pure.

Everything that a stranger can choose (titles, reason phrases, names of codings, addresses, error texts) may hold
terminal control (ECMA-48, C0 and C1), bidirectional overrides (UAX 9), or line breaks that forge a log line. Two
boundaries use this module: `pipelines.runtime.logs` for log messages, `pipelines.cli.console` for what a command
prints.
"""

from __future__ import annotations

import re
from datetime import timedelta

# C0, DEL and C1 but tab and newline; line and paragraph separators; bidirectional embeddings, overrides and isolates;
# lone surrogates, which no encoding takes. Marks (U+200E, U+200F), joiners and tags stay: honest text needs them.
_UNSAFE = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_IN_LINES = re.compile(f"[{_UNSAFE}]")
_IN_ONE_LINE = re.compile(f"[{_UNSAFE}\n]")
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))
_NAMED = {"\n": r"\n", "\r": r"\r"}


def escaped(text: str) -> str:
    r"""Give text of several lines with `\x1b` in place of the control character, `\u202e` in place of the override.

    Tabs and newlines stay. A backslash stays as it is, so the original cannot always be told back; it is for eyes.
    """
    return _IN_LINES.sub(_escape, text)


def escaped_line(text: str) -> str:
    r"""Give the same as one line: a newline becomes `\n`."""
    return _IN_ONE_LINE.sub(_escape, text)


def json_escaped(text: str) -> str:
    """Give a JSON document with the same characters as JSON's own escapes: it means what it meant.

    Only strings of a JSON document can hold such characters; newlines between its parts stay.
    """
    return _IN_LINES.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    return _NAMED.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def span(length: timedelta) -> str:
    """Give a length of time in its largest unit: `3 d`, `2 h`, `12 min`, `40 s`."""
    seconds = abs(length.total_seconds())
    return next((f"{seconds / size:.0f} {unit}" for size, unit in _UNITS if seconds >= size), f"{seconds:.0f} s")
