"""A text from outside the package that the site serves as a page of bare lines, where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pipelines.demo.feeds import SampleItem
from pipelines.demo.outlets import Outlet
from pipelines.demo.templates import LONG
from pipelines.demo.timetable import Timetable

SEED_OUTLET, SEED_PATH = "brackwater-bulletin", "/from-our-readers.htm"
_TITLE_CHARACTERS = 110


@dataclass(frozen=True)
class Seed:
    """A text from outside that is served as a page of bare lines.

    Attributes:
        title: its first sentence, cut.
        lines: all its lines but empty ones, furniture included.
    """

    title: str
    lines: tuple[str, ...]

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """Its text."""
        return tuple(line for line in self.lines if len(line) >= LONG)

    @property
    def furniture(self) -> tuple[str, ...]:
        """Its short lines."""
        return tuple(line for line in self.lines if len(line) < LONG)


def read_seed(path: Path | None) -> Seed | None:
    """Read the text; None where there is no such file or no paragraph in it."""
    if path is None or not path.is_file():
        return None
    lines = tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    paragraphs = [line for line in lines if len(line) >= LONG]
    if not paragraphs:
        return None
    sentence = paragraphs[0].split(". ")[0]
    cut = sentence if len(sentence) <= _TITLE_CHARACTERS else sentence[:_TITLE_CHARACTERS].rsplit(" ", 1)[0] + "…"
    return Seed(title=cut, lines=lines)


def seed_item(outlet: Outlet, seed: Seed, times: Timetable) -> SampleItem:
    """Give the text as its outlet's feed announces it: without a summary or an author."""
    url = times.url(outlet, SEED_PATH)
    published = (times.start - timedelta(hours=1)).replace(microsecond=0)
    return SampleItem(link=url, url=url, title=seed.title, summary="", author="", section="abroad", published=published)
