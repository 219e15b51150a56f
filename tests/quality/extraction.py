"""Score the cleaner on pages with known texts, beside plain trafilatura on the same pages in the same run.

`./run quality extraction [PACK] [--out predictions.jsonl] [--half tuning] [--sample N]`. PACK is a file of JSON lines
(id, set, host, url, html or html_b64, text, ...), `.zst` or not, with a scorer `score_extraction.py` beside it (or
`--scorer`). Without one there is nothing to score: it says so and ends well. Errors are looked for in one half of the
hosts only, so that the other half measures; the digest of the host decides. On the whole of a set that
`extraction_floors.toml` names, a figure below its floor is a failure.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trafilatura import extract, extract_metadata

from pipelines.clean import clean
from pipelines.errors import RecordFault
from pipelines.settings import CleanSettings
from schemas.records import Entry, PageFacts

FLOORS = Path(__file__).with_name("extraction_floors.toml")
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


def body_of(row: dict[str, Any]) -> bytes:
    """Give a page's bytes."""
    return base64.b64decode(row["html_b64"]) if row.get("html_b64") else str(row["html"]).encode()


def ours(row: dict[str, Any]) -> dict[str, Any]:
    """Make an article of one page as the river does, without a feed's help."""
    fetched = datetime.fromisoformat(row.get("fetched") or datetime.now(UTC).isoformat())
    fetched = fetched if fetched.tzinfo else fetched.replace(tzinfo=UTC)
    url = row["url"]
    entry = Entry(id="0" * 32, url=url, link=url, feed_url=url, source="quality", first_seen=fetched)
    facts = PageFacts(url=url, status=200, content_type="text/html", fetched_at=fetched)
    try:
        article = clean(body_of(row), entry, facts, CleanSettings())
    except RecordFault as fault:
        return {"reason": fault.reason}
    published = article.published_at.isoformat() if article.published_at else None
    return {"text": article.body, "title": article.title, "authors": article.authors, "published": published}


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """Extract one page with trafilatura alone: the text first, which is what is timed, then the facts."""
    html = body_of(row) if row.get("html_b64") else row["html"]
    facts = extract_metadata(html, default_url=row["url"])
    if facts is None:
        return {}
    return {"title": facts.title, "authors": facts.author, "published": facts.date}


def plain_text(row: dict[str, Any]) -> dict[str, Any]:
    """Extract one page's text with trafilatura alone."""
    return {"text": extract(body_of(row) if row.get("html_b64") else row["html"], include_comments=False)}


METHODS: dict[str, Method] = {"newsriver": ours, "trafilatura": plain_text}


def chosen(pack: Path, half: str | None, sample: int) -> Iterator[dict[str, Any]]:
    """Give the pack's pages of a half of the hosts, at most so many of each set, spread by their ids."""
    rows = (row for row in rows_of(pack) if half in (None, half_of(row["host"])))
    if not sample:
        yield from rows
        return
    sets: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        sets.setdefault(row["set"], []).append(row)
    for pages in sets.values():
        yield from sorted(pages, key=lambda row: zlib.crc32(row["id"].encode()))[:sample]


class Run:
    """Predictions of both methods, page by page and taking turns at being first, with the time that each took."""

    def __init__(self, folder: Path) -> None:
        self.gold = folder / "pack.jsonl"
        self.predicted = {name: folder / f"{name}.jsonl" for name in METHODS}
        self.seconds: Counter[tuple[str, str]] = Counter()
        self.pages: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()

    def over(self, rows: Iterator[dict[str, Any]]) -> None:
        """Write the gold without its pages, and the predictions."""
        with ExitStack() as files:
            gold = files.enter_context(self.gold.open("w", encoding="utf-8"))
            out = {name: files.enter_context(path.open("w", encoding="utf-8")) for name, path in self.predicted.items()}
            for number, row in enumerate(rows):
                for name in sorted(METHODS, reverse=bool(number % 2)):
                    started = time.process_time()
                    got = METHODS[name](row)
                    self.seconds[row["set"], name] += time.process_time() - started
                    self.faults.update([got["reason"]] if "reason" in got else [])
                    got |= plain(row) if name == "trafilatura" else {}
                    out[name].write(json.dumps({"id": row["id"]} | got) + "\n")
                self.pages[row["set"]] += 1
                gold.write(json.dumps({key: value for key, value in row.items() if "html" not in key}) + "\n")

    def scores(self, scorer: Path) -> dict[str, dict[str, Any]]:
        """Give each method's figures by set, as the scorer counts them."""
        found = {}
        for name, path in self.predicted.items():
            command = [sys.executable, scorer, self.gold, path, "--json"]
            found[name] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        return found


def table(run: Run, scores: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Give the lines of the table: each figure of ours, then trafilatura's."""
    yield "set   pages  F1, P, R, pages under .8, empty; title, date, authors right; pages/s: ours / trafilatura alone"
    for name, pages in run.pages.items():
        both = [scores[method][name] for method in METHODS]
        rates = [pages / max(run.seconds[name, method], 1e-9) for method in METHODS]
        cells = [" / ".join(f"{figures[key]:.4f}"[1:] for figures in both) for key in ("f1", "p", "r")]
        cells += [" / ".join(str(figures[key]) for figures in both) for key in ("bad", "empty")]
        for key in ("title", "date", "authors"):
            cells.append(" / ".join(f"{figures[key]['acc']:.3f}" if figures[key] else "-" for figures in both))
        yield f"{name:5} {pages:5}  {'  '.join(cells)}  {rates[0]:.1f} / {rates[1]:.1f} (x{rates[0] / rates[1]:.2f})"
    yield f"no article: {dict(run.faults) or 'none'}"


def below_floors(run: Run, scores: dict[str, Any]) -> Iterator[str]:
    """Give what falls below its floor, in sets that were scored whole."""
    floors = tomllib.loads(FLOORS.read_text(encoding="utf-8"))
    for name, floor in floors.items():
        if run.pages[name] == floor["pages"]:
            got = scores[name]
            figures = {"f1": got["f1"]} | {key: got[key]["acc"] for key in ("title", "date", "authors") if got[key]}
            for key, least in floor.items():
                if key in figures and figures[key] < least:
                    yield f"{name}: {key} {figures[key]:.4f} is below its floor {least}"
            if got["bad"] > floor.get("most_bad", got["bad"]):
                yield f"{name}: {got['bad']} pages under .8, more than {floor['most_bad']}"


def main() -> int:
    """Clean the pack, print the table, write the predictions; 1 where a figure is below its floor."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path, nargs="?", help="default: the path in QUALITY_PACK")
    parser.add_argument("--out", type=Path, help="write our predictions: id, text, title, authors, published")
    parser.add_argument("--half", choices=HALVES, help="only this half of the hosts")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="only so many pages of each set")
    parser.add_argument("--scorer", type=Path, help="default: score_extraction.py beside the pack")
    args = parser.parse_args()
    pack = args.pack or Path(os.environ.get("QUALITY_PACK", "extraction.jsonl.zst"))
    scorer = args.scorer or pack.with_name("score_extraction.py")
    if missing := [str(path) for path in (pack, scorer) if not path.exists()]:
        sys.stdout.write(f"skipped: {' and '.join(missing)} not there\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder))
        run.over(chosen(pack, args.half, args.sample))
        scores = run.scores(scorer)
        sys.stdout.write("\n".join(table(run, scores)) + "\n")
        if args.out:
            shutil.copyfile(run.predicted["newsriver"], args.out)
    failed = list(below_floors(run, scores["newsriver"]))
    sys.stdout.write("".join(f"{line}\n" for line in failed))
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
