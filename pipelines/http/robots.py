"""robots.txt (RFC 9309): read in time linear in its bytes, kept as the rules that concern us, matched in bounded time.

Pure. `read_robots` runs in the sandbox. What is kept is what the group that names us says, or else the group for all:
the starts of paths in one dictionary, whole paths in another, patterns with wildcards in a list. Of several rules
that match, the longest counts, and of equals the one that allows (RFC 9309, 2.2.2).
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from pipelines.content_coding import decode
from pipelines.errors import FetchFault

ROBOTS_BYTES = 512_000
"""Bytes of a robots.txt that are read; what comes after them is passed over (RFC 9309, 2.5: at least 500 KiB)."""
AGENT = "newsriver"
"""Our product token: the name by which a robots.txt speaks of us."""
MOST_STEPS = 20_000_000
"""Characters of a path times those of all patterns with wildcards, up to which it is looked at: 2 ms at the worst."""
LEAST_PATH = 100
"""A shorter path counts as so many characters: each pattern costs something."""

_GZIP = b"\x1f\x8b"
_LONGEST_DELAY = 86_400.0
_MOST_CONTROLS = 0.1  # share of control characters beyond which a file is no text
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\v\f\r\x1b")
_RULES = {
    "allow": True,
    **dict.fromkeys(("disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw"), False),
}
_AGENTS = frozenset({"user-agent", "useragent", "user agent"})
_DELAYS = frozenset({"crawl-delay", "crawl delay"})
_OF_THE_SITE = frozenset({"sitemap", "sitemaps", "site-map", "host"})  # belong to no group and end none
_FIELDS = frozenset({*_RULES, *_AGENTS, *_DELAYS, *_OF_THE_SITE})
_MOST_WORDS = 2
_TOKEN = re.compile(r"\*|[a-z0-9_-]+")
_STARS = re.compile(r"\*+")
_ESCAPE = re.compile(rb"%([0-9a-fA-F]{2})")
_PATH_KEPT, _PATTERN_KEPT = frozenset(b"/%"), frozenset(b"/%*")

Wildcard = tuple[int, tuple[str, ...], bool]
"""A pattern with wildcards: its weight, the texts between the stars, whether the last one must end the path."""


@dataclass(frozen=True, slots=True)
class Robots:
    """What a site's robots.txt says to us.

    A rule's weight is twice its length, one more where it allows: the greatest weight that matches decides.

    Attributes:
        starts: weights by the start of a path.
        lengths: the lengths of these starts.
        paths: weights by the whole path.
        wildcards: patterns with wildcards, the weightiest first.
        burden: characters of all of these.
        delay_seconds: the crawl-delay the site asks for, or None.
        fault: why the file could not be had or read, which means to keep out for now.
        size: about how many bytes all this takes in memory.
    """

    starts: dict[str, int] = field(default_factory=dict)
    lengths: tuple[int, ...] = ()
    paths: dict[str, int] = field(default_factory=dict)
    wildcards: tuple[Wildcard, ...] = ()
    burden: int = 0
    delay_seconds: float | None = None
    fault: FetchFault | None = None
    size: int = 1500

    def allows(self, url: str) -> bool:
        """Tell whether the site lets us fetch a URL; a site whose robots.txt cannot be had does not, for now."""
        return self.refusal(url) is None

    def refusal(self, url: str) -> str | None:
        """Give why we are kept out of a URL, or None where we are not.

        Returns:
            `robots`; `robots-too-complex` where path and patterns are so long that looking would take too long; the
            fault's reason where there is one.
        """
        if self.fault is not None:
            return self.fault.reason
        if not self.lengths and not self.paths and not self.wildcards:
            return None
        path = _path(url)
        weight = self.paths.get(path, -1)
        for length in self.lengths:
            weight = max(weight, self.starts.get(path[:length], -1))
        if max(len(path), LEAST_PATH) * self.burden > MOST_STEPS:
            return "robots-too-complex"
        for pattern in self.wildcards:
            if pattern[0] <= weight:
                break
            if _matches(pattern, path):
                weight = pattern[0]
                break
        return None if weight < 0 or weight & 1 else "robots"


def read_robots(body: bytes) -> Robots:
    """Read a robots.txt; a file without rules, such as a web page in its place, allows everything.

    Args:
        body: its bytes, as many as were read; UTF-8, or UTF-16 with or without a byte order mark, also packed by gzip.

    Raises:
        FetchFault: it is no text (`not-text`), or packed and broken (`bad-encoding`, `truncated`).
    """
    ours: list[tuple[bool, str]] = []
    of_all: list[tuple[bool, str]] = []
    delays: dict[str, float] = {}
    named: set[str] = set()
    group: set[str] = set()
    in_names = False
    for name, value in _directives(_text(body)):
        if name in _AGENTS:
            if not in_names:
                group, in_names = set(), True
            token = _TOKEN.match(value.lower())
            group |= {token[0]} & {AGENT, "*"} if token else set()
            named |= group
            continue
        if name in _OF_THE_SITE:
            continue
        in_names = False
        if name in _RULES and value:
            for of, rules in ((AGENT, ours), ("*", of_all)):
                if of in group:
                    rules.append((_RULES[name], value))
        elif name in _DELAYS and (seconds := _seconds(value)) is not None:
            delays |= dict.fromkeys(group, seconds)
    found = ours if AGENT in named else of_all
    return _compact(found, delays.get(AGENT if AGENT in named else "*"))


def robots_after(fault: FetchFault) -> Robots:
    """Decide what a robots.txt that could not be had means (RFC 9309, 2.3.1).

    A 4xx and a redirect that leads nowhere mean that there is none: all is allowed. A 429, a 5xx, a site that cannot
    be reached and a file that cannot be read mean to keep out for now.
    """
    if fault.status is not None and 400 <= fault.status < 500 and fault.status != 429:
        return Robots()
    if fault.reason in ("too-many-redirects", "redirect-loop", "bad-redirect"):
        return Robots()
    return Robots(fault=fault)


def _text(body: bytes) -> str:
    if body.startswith(_GZIP):
        body = decode(body, "gzip", ROBOTS_BYTES, cut=True)
    body = body[:ROBOTS_BYTES]
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.decode("utf-16", "replace")
    head = body[:400]
    for encoding, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if len(head) >= 4 and zeros.count(0) > 0.4 * len(zeros) and head.count(0) < 0.7 * len(head):
            return body.decode(encoding, "replace")
    body = body.rstrip(b"\0")
    if len(body) - len(body.translate(None, _CONTROLS)) > _MOST_CONTROLS * len(body):
        raise FetchFault("robots.txt is no text", reason="not-text", retryable=True)
    return body.decode("utf-8-sig", "replace")


def _directives(text: str) -> Iterator[tuple[str, str]]:
    """Give the field, in lower case, and the value of each line that has one.

    As lenient as the large readers: a missing colon, two words for one and the usual misspellings pass.
    """
    for line in text.splitlines():
        bare = line.partition("#")[0].strip()
        name, colon, value = bare.partition(":")
        name = name.strip().lower()
        if colon and (name in _FIELDS or not value or value[0].isspace()):
            yield name, value.strip()
            continue
        words = bare.split(maxsplit=_MOST_WORDS)
        for count in range(1, min(_MOST_WORDS, len(words)) + 1):
            if " ".join(words[:count]).lower() in _FIELDS:
                yield " ".join(words[:count]).lower(), " ".join(words[count:])
                break
        else:
            if colon:
                yield name, value.strip()


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return min(seconds, _LONGEST_DELAY) if math.isfinite(seconds) and seconds >= 0 else None


def _compact(rules: list[tuple[bool, str]], delay: float | None) -> Robots:
    starts: dict[str, int] = {}
    paths: dict[str, int] = {}
    wildcards: dict[tuple[tuple[str, ...], bool], int] = {}
    for allowed, value in rules:
        for text, anchored in _spellings(value, allowed=allowed):
            weight = 2 * (len(text) + anchored) + allowed
            parts = tuple(_STARS.split(text))
            if len(parts) == 1 or (len(parts) == 2 and not parts[1]):
                # A star at the end says nothing: what starts so matches, anchored or not.
                whole = paths if anchored and len(parts) == 1 else starts
                whole[parts[0]] = max(whole.get(parts[0], -1), weight)
            else:
                key = (parts, anchored)
                wildcards[key] = max(wildcards.get(key, -1), weight)
    ordered = sorted(((weight, *key) for key, weight in wildcards.items()), key=lambda each: -each[0])
    burden = sum(len(part) + 1 for _, parts, _ in ordered for part in parts)
    texts = sum(len(text) + 110 for text in (*starts, *paths))
    return Robots(
        starts=starts,
        lengths=tuple(sorted({len(start) for start in starts})),
        paths=paths,
        wildcards=tuple(ordered),
        burden=burden,
        delay_seconds=delay,
        size=1500 + texts + burden + sum(180 + 60 * len(parts) for _, parts, _ in ordered),
    )


def _spellings(value: str, *, allowed: bool) -> Iterator[tuple[str, bool]]:
    """Give a rule's pattern, escaped in the one way, and whether it must end the path."""
    anchored = value.endswith("$")
    text = _escaped(value[:-1] if anchored else value, _PATTERN_KEPT, "/%=*")
    if not text.startswith(("/", "*")):
        return  # matches no path
    yield text, anchored
    if allowed and text.endswith("/index.html"):  # whoever allows the page allows its folder, as the large readers do
        yield text.removesuffix("index.html"), True


def _matches(pattern: Wildcard, path: str) -> bool:
    """Match greedily from star to star: whatever comes first fits best, so that nothing is tried twice."""
    _, parts, anchored = pattern
    if not path.startswith(parts[0]):
        return False
    at = len(parts[0])
    for part in parts[1:-1]:
        at = path.find(part, at)
        if at < 0:
            return False
        at += len(part)
    last = parts[-1]
    if anchored:
        return len(path) - len(last) >= at and path.endswith(last)
    return path.find(last, at) >= 0


def _path(url: str) -> str:
    """Give path and query of a URL, escaped in the one way."""
    bare = url.partition("#")[0]
    rest = bare.partition("://")[2]
    start = next((at for at, character in enumerate(rest) if character in "/?"), len(rest))
    path = _escaped(rest[start:], _PATH_KEPT, "/%=")
    return path if path.startswith("/") else f"/{path}"


def _escaped(text: str, kept: frozenset[int], safe: str) -> str:
    """Undo the percent-encoding but for `kept`, and do it again, so that two spellings of a path are one."""

    def undone(match: re.Match[bytes]) -> bytes:
        code = int(match[1], 16)
        return match[0].upper() if code in kept else bytes((code,))

    data = text.encode("utf-8", "replace")
    return quote(_ESCAPE.sub(undone, data) if b"%" in data else data, safe=safe)
