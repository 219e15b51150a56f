"""Score the cleaner on pages with known texts: `python tests/quality/extraction.py PACK [--plain] [--half tuning]`.

PACK is a file of JSON lines (id, host, url, html, text, ...), `.zst` or not, with a scorer `score_extraction.py` beside
it (or `--scorer`). Without the pack there is nothing to score: it says so and ends well. Errors are looked for in one
half of the hosts only, so that the other half measures; the digest of the host decides.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trafilatura import extract

from pipelines.errors import RecordFault
from pipelines.extraction import ArticleContext, Page, make_article
from pipelines.settings import CleanSettings
from schemas.records import Entry, PageFacts

HALVES = ("tuning", "measuring")
Method = Callable[[dict[str, Any]], dict[str, Any]]


def half_of(host: str) -> str:
    """Give the half a host belongs to: a pure function of its name."""
    return HALVES[zlib.crc32(host.encode()) % 2]


def rows_of(pack: Path) -> Iterator[dict[str, Any]]:
    """Read the pack's pages."""
    with pack.open("rb") as raw:
        stream: io.BufferedIOBase | Any = raw
        if pack.suffix == ".zst":
            import zstandard

            stream = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(raw)
        for line in io.TextIOWrapper(stream, encoding="utf-8"):
            if line.strip():
                yield json.loads(line)


def ours(row: dict[str, Any]) -> dict[str, Any]:
    """Make an article of one page as the river does, without a feed's help."""
    fetched = datetime.fromisoformat(row.get("fetched") or datetime.now(UTC).isoformat())
    fetched = fetched if fetched.tzinfo else fetched.replace(tzinfo=UTC)
    url = row["url"]
    entry = Entry(id="0" * 32, url=url, link=url, feed_url=url, source="quality", first_seen=fetched)
    facts = PageFacts(url=url, status=200, content_type="text/html", fetched_at=fetched)
    try:
        article = make_article(Page(row["html"].encode(), entry, facts), ArticleContext(CleanSettings()))
    except RecordFault as fault:
        return {"reason": fault.reason}
    published = article.published_at.isoformat() if article.published_at else None
    return {"text": article.body, "title": article.title, "authors": article.authors, "published": published}


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """Extract one page with trafilatura alone."""
    return {"text": extract(row["html"], include_comments=False)}


def predict(pack: Path, half: str | None, method: Method, gold: Path, predictions: Path) -> None:
    """Write the gold without its pages, and a prediction for each; print the speed and what gave no article."""
    seconds, pages, faults = Counter[str](), Counter[str](), Counter[str]()
    with gold.open("w", encoding="utf-8") as known, predictions.open("w", encoding="utf-8") as predicted:
        for row in rows_of(pack):
            if half not in (None, half_of(row["host"])):
                continue
            started = time.process_time()
            got = method(row)
            seconds[row["set"]] += time.process_time() - started
            pages[row["set"]] += 1
            faults.update([got["reason"]] if "reason" in got else [])
            predicted.write(json.dumps({"id": row["id"]} | got) + "\n")
            known.write(json.dumps({key: value for key, value in row.items() if key != "html"}) + "\n")
    for name, count in pages.items():
        sys.stdout.write(f"{name}: {count / seconds[name]:.1f} pages/s of processor time\n")
    sys.stdout.write(f"no article: {dict(faults) or 'none'}\n")
    sys.stdout.flush()


def main() -> int:
    """Clean the pack, print speed, what gave no article, and the scorer's table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path)
    parser.add_argument("--half", choices=HALVES, help="only this half of the hosts")
    parser.add_argument("--scorer", type=Path, help="default: score_extraction.py beside the pack")
    parser.add_argument("--plain", action="store_true", help="score trafilatura alone, to compare with")
    args = parser.parse_args()
    scorer = args.scorer or args.pack.with_name("score_extraction.py")
    missing = [str(path) for path in (args.pack, scorer) if not path.exists()]
    if missing:
        sys.stdout.write(f"skipped: {' and '.join(missing)} not there\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        gold, predictions = Path(folder, "pack.jsonl"), Path(folder, "predictions.jsonl")
        predict(args.pack, args.half, plain if args.plain else ours, gold, predictions)
        return subprocess.run([sys.executable, scorer, gold, predictions], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
