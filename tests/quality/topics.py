"""Score topics and languages on labelled articles: `./run quality topics PACK [--out predictions.jsonl]`.

PACK is a file of JSON lines: `id`, `title`, `text`, and `labels` (top classes, all of them asked for) or `allowed` (any
of them is right for the first topic); optionally `language`, `source` and `broad` (the label stands for too much: the
row is left out). Printed per language and source, and over all:

tagged       share of articles with a topic
P@1          share whose first topic is right; none counts as wrong. P@1|t: of the tagged
R@3          share with a right one among the first three
micro, macro F1 over all (article, topic) pairs and mean F1 of the topics asked for (only with `labels`)
language     share whose detected language is the row's

Below that: how often a first topic of each band of scores is right, and articles per CPU second. Errors are looked for
in one half of a pack only (`--half looking`), so that the other measures; the digest of an article's id decides.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipelines.language import language as language_of
from pipelines.topics.tagger import tag
from schemas.records import TopicTag

HALVES = ("looking", "measuring")
BANDS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.01)


def half_of(article_id: str) -> str:
    """Give the half an article belongs to: a pure function of its id."""
    return HALVES[zlib.crc32(article_id.encode()) % 2]


@dataclass(slots=True)
class Scored:
    """One article, what it was given and what would be right."""

    row: dict[str, Any]
    topics: list[TopicTag]
    language: str
    right: set[str] = field(default_factory=set)

    @property
    def first_is_right(self) -> bool:
        """Whether the first topic is right."""
        return bool(self.topics) and self.topics[0].id in self.right


def read_pack(path: Path, half: str | None = None) -> list[dict[str, Any]]:
    """Read the rows that count."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [row for row in rows if not row.get("broad") and half in (None, half_of(row["id"]))]


def score(rows: list[dict[str, Any]], fallback: str) -> tuple[list[Scored], float]:
    """Tag every row; give the CPU seconds that tagging alone took, too."""
    found, seconds = [], 0.0
    for row in rows:
        language = language_of(f"{row['title']}\n{row['text']}")
        started = time.process_time()
        topics = tag(row["title"], row["text"], row.get("language", fallback))
        seconds += time.process_time() - started
        found.append(Scored(row, topics, language, set(row.get("allowed") or row.get("labels") or ())))
    return found, seconds


def figures(scored: Sequence[Scored]) -> dict[str, float]:
    """Give every measure of some articles by its name; empty for none."""
    if not scored:
        return {}
    first = sum(each.first_is_right for each in scored)
    tagged = sum(bool(each.topics) for each in scored)
    among = sum(any(topic.id in each.right for topic in each.topics[:3]) for each in scored)
    n = len(scored)
    said = {"tagged": tagged / n, "P@1": first / n, "P@1|t": first / max(tagged, 1), "R@3": among / n}
    if all("labels" in each.row for each in scored):
        said |= f1_scores([({topic.id for topic in each.topics}, each.right) for each in scored])
    known = [each for each in scored if "language" in each.row]
    if known:
        said["language"] = sum(each.language == each.row["language"] for each in known) / len(known)
    return said


def f1_scores(pairs: Sequence[tuple[set[str], set[str]]]) -> dict[str, float]:
    """Give micro- and macro-F1 of (given, asked for), the latter over the topics that are asked for."""
    asked = set().union(*(right for _, right in pairs))
    by_topic = {topic: _f1([(given & {topic}, right & {topic}) for given, right in pairs]) for topic in asked}
    return {"micro": _f1(pairs), "macro": sum(by_topic.values()) / max(len(by_topic), 1)}


def _f1(pairs: Sequence[tuple[set[str], set[str]]]) -> float:
    both = sum(len(given & right) for given, right in pairs)
    return 2 * both / max(sum(len(given) + len(right) for given, right in pairs), 1)


def calibration(scored: Sequence[Scored]) -> list[tuple[float, float, int, float]]:
    """Give for each band of scores: from, to, first topics in it, and the share of them that is right."""
    found = []
    for low, high in pairwise(BANDS):
        inside = [each for each in scored if each.topics and low <= each.topics[0].score < high]
        if inside:
            found.append((low, min(high, 1.0), len(inside), sum(e.first_is_right for e in inside) / len(inside)))
    return found


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def report(scored: Sequence[Scored], seconds: float) -> None:
    """Print all measures."""
    groups: dict[str, list[Scored]] = {}
    for each in scored:
        name = f"{each.row.get('language', '-')}/{each.row.get('source', '-')}"
        groups.setdefault(name, []).append(each)
    for name, some in [*sorted(groups.items()), ("all", list(scored))]:
        measures = "  ".join(f"{key} {value:.3f}" for key, value in figures(some).items())
        _say(f"{name:28} {len(some):5}  {measures}")
    for low, high, count, right in calibration(scored):
        _say(f"score {low:.1f} to {high:.1f}: {count:5} first topics, {right:.2f} right")
    _say(f"{len(scored) / max(seconds, 1e-9):.0f} articles per CPU second")


def differences(scored: Sequence[Scored]) -> None:
    """List the articles whose first topic is not right."""
    for each in scored:
        if not each.first_is_right:
            _say(f"\n{each.row['id']} {each.row['title']}\n  right {sorted(each.right)}")
            for topic in each.topics:
                _say(f"  {topic.score:.2f} {topic.id} {topic.label}: {topic.evidence}")


def main(argv: Sequence[str] | None = None) -> int:
    """Tag the pack, print the table, and write the predictions when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path)
    parser.add_argument("--out", type=Path, help="write id, topics (best first), scores and language, a line each")
    parser.add_argument("--half", choices=HALVES, help="score only this half")
    parser.add_argument("--language", default="en", help="of rows that name none")
    parser.add_argument("--differences", action="store_true", help="list articles whose first topic is not right")
    args = parser.parse_args(argv)
    rows = read_pack(args.pack, args.half)
    scored, seconds = score(rows, args.language)
    if args.out:
        lines = [
            {
                "id": each.row["id"],
                "topics": [topic.id for topic in each.topics],
                "scores": {topic.id: topic.score for topic in each.topics},
                "language": each.language,
            }
            for each in scored
        ]
        args.out.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    report(scored, seconds)
    if args.differences:
        differences(scored)
    return 0


if __name__ == "__main__":
    sys.exit(main())
