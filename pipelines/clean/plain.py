"""Plain text to paragraphs: blank lines part them, and lines wrapped at a column are joined again."""

from __future__ import annotations

import re
from statistics import median

WRAPPED_WIDTH = (45, 100)
"""Median length of lines, in characters, that some editor wrapped."""
WRAPPED_LINES = 3

_BLANK = re.compile(r"\n\s*\n")


def paragraphs(text: str) -> list[str]:
    """Split plain text into its paragraphs, one a string; inner spacing is kept, for it tells menus from sentences."""
    found: list[str] = []
    for block in _BLANK.split(text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = [line for line in block.split("\n") if line.strip()]
        found += [" ".join(line.strip() for line in lines)] if is_wrapped(lines) else lines
    return found


def is_wrapped(lines: list[str]) -> bool:
    """Say whether a block's lines are one paragraph: of like length, all but the last ending in mid-sentence."""
    if len(lines) < WRAPPED_LINES:
        return False
    widths = [len(line) for line in lines[:-1]]
    low, high = WRAPPED_WIDTH
    return low <= median(widths) <= high and min(widths) > median(widths) * 0.6 and max(widths) <= high + 20
