"""Score the tagger on labelled articles: `python tests/quality/topics.py PACK [--half looking|measuring]`.

PACK is a file of JSON lines (id, title, text, labels) with a scorer `score_topics.py` beside it (or `--scorer`). Errors
are looked for in one half of the pack only, so that the other half measures; the digest of an article's id decides.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

from pipelines.topics.tagger import tag

HALVES = ("looking", "measuring")


def half_of(article_id: str) -> str:
    """Give the half an article belongs to: a pure function of its id."""
    return HALVES[zlib.crc32(article_id.encode()) % 2]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def main() -> int:
    """Tag the pack, print the scorer's table and the speed, and list what differs when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path)
    parser.add_argument("--half", choices=HALVES, help="score only this half")
    parser.add_argument("--scorer", type=Path, help="default: score_topics.py beside the pack")
    parser.add_argument("--language", default="en")
    parser.add_argument("--differences", action="store_true", help="list articles whose topics are not the labels")
    args = parser.parse_args()
    rows = [json.loads(line) for line in args.pack.read_text(encoding="utf-8").splitlines() if line.strip()]
    rows = [row for row in rows if args.half in (None, half_of(row["id"]))]
    started = time.process_time()
    tagged = [tag(row["title"], row["text"], args.language) for row in rows]
    seconds = time.process_time() - started
    with tempfile.TemporaryDirectory() as folder:
        pack, predictions = Path(folder, "pack.jsonl"), Path(folder, "predictions.jsonl")
        pack.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        lines = [{"id": row["id"], "topics": [t.id for t in topics]} for row, topics in zip(rows, tagged, strict=True)]
        predictions.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        scorer = args.scorer or args.pack.with_name("score_topics.py")
        status = subprocess.run([sys.executable, scorer, pack, predictions], check=False).returncode
    if args.differences:
        for row, topics in zip(rows, tagged, strict=True):
            if {t.id for t in topics} != set(row["labels"]):
                _say(f"\n{row['id']} {row['title']}\n  labels {row['labels']}")
                for topic in topics:
                    _say(f"  {topic.score:.2f} {topic.id} {topic.label}: {topic.evidence}")
    _say(f"{len(rows) / seconds:.0f} articles/s, mean {sum(len(r['text']) for r in rows) / len(rows):.0f} characters")
    return status


if __name__ == "__main__":
    sys.exit(main())
