"""What the terminal shows: results on stdout, messages on stderr, JSON where a program reads.

Everything that a command prints goes through this module (a test says so), which makes foreign text fit for a
terminal: control characters become visible escapes, credentials in addresses are masked, and only `styled` knows
markup, in its template alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from string import Formatter
from typing import Any, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from pipelines.errors import UsageError
from pipelines.printable import escaped, escaped_line, json_escaped
from pipelines.redaction import redacted

_WIDE = 160
"""Columns where nobody watches: a table in a file or a pipe is not folded to a terminal of eighty."""


_HIGH = 25
_WIDEST = 20_000
"""Columns of a table that is not to be folded: an address may have 4,096 characters."""

_SLOT = "\ue000"
"""Stands for a value while a template's markup is read; of private use, so that no template holds it."""

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
    """A console on which a plain string is plain, and nothing that is shown can steer the terminal."""

    def __init__(self, stream: TextIO, *, stderr: bool = False, width: int | None = None) -> None:
        width = width or (None if stream.isatty() else _WIDE)
        # With a width alone rich takes 80 columns on a dumb terminal all the same.
        height = _HIGH if width else None
        super().__init__(
            stderr=stderr, width=width, height=height, highlight=False, markup=False, emoji=False, soft_wrap=True
        )

    def on_broken_pipe(self) -> None:
        raise ReaderGoneError(HUNG_UP)

    def render_str(self, text: str, **how: Any) -> Text:  # noqa: ANN401 - rich's signature
        """Clean before the text is measured: a table is laid out for what it shows."""
        return super().render_str(plain(text), **how)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Clean all that is rendered, whatever it is part of; cursor movements of live displays are rich's own.

        A narrow terminal folds what is in a table's cells; rich would cut long words.
        """
        if isinstance(renderable, Table):
            for column in renderable.columns:
                column.overflow = "fold" if column.overflow == "ellipsis" else column.overflow
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(plain(segment.text), segment.style)


out = _Console(sys.stdout)
"""Results."""

err = _Console(sys.stderr, stderr=True)
"""Messages and progress."""


def print_whole(table: Table) -> None:
    """Print a table one line a row, as wide as it needs to be: the terminal folds it, and an address can be copied."""
    for column in table.columns:
        column.no_wrap = True
    options = out.options.update(max_width=_WIDEST)
    width = max(out.width, out.measure(table, options=options).maximum)
    _Console(sys.stdout, width=width).print(table)


def styled(template: str, *values: object) -> Text:
    """Give text with rich's markup, as `styled("[bold]{}[/] {:,}", name, count)`.

    Args:
        template: our own text with markup and fields of `str.format` without names.
        values: put in each as one line, no markup in them is read; numbers and dates take a format.
    """
    pieces, specs = [], []
    for literal, name, spec, _ in Formatter().parse(template):
        pieces.append(literal if name is None else literal + _SLOT)
        specs += [] if name is None else [spec or ""]
    # The markup is read before the values are in: how rich reads a bracket depends on what stands beside it.
    text = Text.from_markup("".join(pieces), emoji=False)
    filled, at = Text(), 0
    for value, spec in zip(values, specs, strict=True):
        slot = text.plain.index(_SLOT, at)
        shown = Text(format(value if isinstance(value, int | float | date) else line(str(value)), spec))
        for span in text[slot].spans:
            shown.stylize(span.style)
        filled.append_text(text[at:slot]).append_text(shown)
        at = slot + 1
    return filled.append_text(text[at:])


def plain(text: str) -> str:
    """Make foreign text of several lines visible; for `rich.text.Text`, whose width is measured before it is shown."""
    return escaped(redacted(text))


def line(text: str) -> str:
    """Make foreign text one visible line, runs of white space as one blank."""
    return escaped_line(redacted(" ".join(text.split())))


def print_json(value: Any, *, indent: int | None = 2) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Write one JSON document to stdout, readable by people and by programs; `indent=None` gives one line."""
    # JSON escapes C0 controls by itself; the others reach a terminal too.
    write(json_escaped(json.dumps(value, ensure_ascii=False, indent=indent, default=str)) + "\n")


def write(text: str) -> None:
    """Write a document to stdout, byte for byte where a program reads it, cleaned for a terminal."""
    sys.stdout.write(escaped(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


def write_bytes(data: bytes) -> None:
    """Write bytes that a user asked to have raw to stdout, but never to a terminal.

    Raises:
        UsageError: stdout is a terminal, which the bytes could steer.
    """
    if sys.stdout.isatty():
        raise UsageError("raw bytes could steer your terminal", hint="send them to a file or a pipe: > FILE")
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def complain(text: str) -> None:
    """Write an error to stderr, cleaned."""
    sys.stderr.write(plain(text) + "\n")
