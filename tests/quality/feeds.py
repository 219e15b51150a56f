"""Read a pack of feed files: `python tests/quality/feeds.py PACK [--out predictions.jsonl]`.

PACK is a file of JSON lines (name, b64; url and content_type where they are known), `.zst` or not. To `--out` goes a
JSON line for each file: name, entries (url, title, published), and `refused` with its reason where it is no feed. What
is refused is counted by its reason; a fault of the parser's own counts as `crashed-<error>` and ends with exit 1.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from pipelines.errors import FeedFault
from pipelines.feed_formats import ParsedEntry, parse_feed

URL = "https://feed.example/"
"""Where a file of unknown origin is taken to come from."""


@dataclass
class Count:
    """What was read.

    Attributes:
        files: files of the pack.
        entries: usable entries in all of them.
        dropped: entries that lead nowhere.
        reasons: why files were refused.
        formats: formats of the others.
        seconds: processor time in the parser, and nothing else.
    """

    files: int = 0
    entries: int = 0
    dropped: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def crashed(self) -> int:
        """How many files the parser could not take although it has to take all."""
        return sum(count for reason, count in self.reasons.items() if reason.startswith("crashed-"))


def lines_of(pack: Path) -> Iterator[str]:
    """Read the pack's lines."""
    with pack.open("rb") as raw:
        stream: io.BufferedIOBase | Any = raw
        if pack.suffix == ".zst":
            import zstandard

            stream = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(raw)
        yield from (line for line in io.TextIOWrapper(stream, encoding="utf-8", errors="replace") if line.strip())


def read(line: str, at: int, count: Count) -> dict[str, Any]:
    """Read one line of the pack; whatever it holds, there is an answer."""
    count.files += 1
    answer: dict[str, Any] = {"name": f"line {at}", "entries": []}
    try:
        row = json.loads(line)
        answer["name"] = row["name"]
        data = base64.b64decode(row["b64"])
        url, content_type = str(row.get("url") or URL), str(row.get("content_type") or "")
    except (ValueError, TypeError, LookupError, AttributeError):
        return refused(answer, "bad-line", count)
    started = time.process_time()
    try:
        feed = parse_feed(data, url=url, content_type=content_type)
    except FeedFault as fault:
        return refused(answer, fault.reason, count)
    except Exception as error:  # noqa: BLE001 - a crash is a finding, not the end of the measurement
        return refused(answer, f"crashed-{type(error).__name__}", count)
    finally:
        count.seconds += time.process_time() - started
    count.entries += len(feed.entries)
    count.dropped += len(feed.refused)
    count.formats[feed.format] += 1
    return answer | {"entries": [shown(entry) for entry in feed.entries]}


def refused(answer: dict[str, Any], reason: str, count: Count) -> dict[str, Any]:
    """Note why a file gave nothing."""
    count.reasons[reason] += 1
    return answer | {"refused": reason}


def shown(entry: ParsedEntry) -> dict[str, Any]:
    """Give an entry with its address as the feed has it, made absolute."""
    published = entry.published_at.isoformat() if entry.published_at else None
    return {"url": entry.link, "title": entry.title, "published": published}


def show(count: Count) -> None:
    """Print the table."""
    good = count.files - count.reasons.total()
    lines = [f"{count.files:,} files, {good:,} read, {count.reasons.total():,} refused"]
    lines += [f"  {number:6,}  {reason}" for reason, number in count.reasons.most_common()]
    lines += [f"{count.entries:,} entries, {count.dropped:,} more lead nowhere"]
    lines += [f"  {number:6,}  {name}" for name, number in count.formats.most_common()]
    speed = f"{count.files / count.seconds:,.0f}" if count.seconds else "no"
    lines += [f"{speed} files/s of processor time ({count.seconds:.2f} s)"]
    sys.stdout.write("\n".join(lines) + "\n")


def write(pack: Path, out: TextIO | None) -> Count:
    """Read the whole pack."""
    count = Count()
    for at, line in enumerate(lines_of(pack), 1):
        answer = read(line, at, count)
        if out is not None:
            out.write(json.dumps(answer) + "\n")
    return count


def main(arguments: list[str] | None = None) -> int:
    """Read the pack, print what was read and how fast."""
    parser = argparse.ArgumentParser(prog="./run quality feeds", description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path)
    parser.add_argument("--out", type=Path, help="write a JSON line for each file here")
    args = parser.parse_args(arguments)
    if not args.pack.exists():
        sys.stdout.write(f"skipped: {args.pack} not there\n")
        return 0
    if args.out is None:
        count = write(args.pack, None)
    else:
        with args.out.open("w", encoding="utf-8") as out:
            count = write(args.pack, out)
    show(count)
    return 1 if count.crashed else 0


if __name__ == "__main__":
    sys.exit(main())
