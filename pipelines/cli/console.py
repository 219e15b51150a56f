"""What the terminal shows: results on stdout, messages on stderr, JSON where a program reads."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from rich.console import Console
from rich.markup import escape

_WIDE = 160
"""Columns where nobody watches: a table in a file or a pipe is not folded to a terminal of eighty."""


HUNG_UP = 141
"""Exit code when the reader of a pipe hangs up: 128 + SIGPIPE, as a shell says of other tools."""


class ReaderGoneError(SystemExit):
    """The reader of our output hung up, as `head` does when it has read enough."""


@contextmanager
def readers() -> Iterator[None]:
    """Turn a broken pipe into `ReaderGoneError`, before click makes an exit with 1 of it.

    Raises:
        ReaderGoneError: the reader hung up.
    """
    try:
        yield
    except BrokenPipeError:
        raise ReaderGoneError(HUNG_UP) from None


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise ReaderGoneError(HUNG_UP)


def _width(stream: TextIO) -> int | None:
    return None if stream.isatty() else _WIDE


out = _Console(highlight=False, soft_wrap=True, width=_width(sys.stdout))
"""Results."""

err = _Console(stderr=True, highlight=False, soft_wrap=True, width=_width(sys.stderr))
"""Messages, progress and errors."""

# C0 and C1 controls but tab and newline, and the bidirectional overrides that reorder what a reader sees.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """Drop terminal control from text from outside; for `rich.text.Text`, which knows no markup."""
    return _UNSAFE.sub("", text)


def safe(text: str) -> str:
    """Make text from outside safe to print: no terminal control, no console markup."""
    return escape(plain(text))


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Write one JSON document to stdout, readable by people and by programs."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    # JSON escapes C0 controls by itself; the others reach a terminal too.
    sys.stdout.write(_UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")
    sys.stdout.flush()
