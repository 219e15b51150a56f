"""The extractor for monsters: plainer text, but in time linear in the page's tags. The only importer of resiliparse."""

from __future__ import annotations

from resiliparse.extract.html2text import extract_plain_text


def plain_lines(text: str) -> list[str]:
    """Give the lines of the page's main text; empty when there is none."""
    plain: str = extract_plain_text(text, main_content=True, alt_texts=False, list_bullets=False, noscript=False)
    return [line for line in plain.split("\n") if line.strip()]
