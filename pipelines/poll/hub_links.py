"""The WebSub hub of a feed, as its headers or the feed itself name it (https://www.w3.org/TR/websub/, 4). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.feed_formats import ParsedFeed, address
from pipelines.http.answer import Response
from schemas.records import FeedState

_MAX_HEADER = 16_384
_TARGET = re.compile(r"[\s,]*<([^<>]*)>")
_PARAMETER = re.compile(r"\s*;\s*([\w!#$%&'*+.^`|~-]+)\s*(?:=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s\",;]*)))?")


def with_hub(state: FeedState, answer: Response, parsed: ParsedFeed | None) -> FeedState:
    """Note the hub of a feed and its topic there; headers go before what the feed says.

    A feed that names a hub and not itself is known there by the address it was found at.

    Args:
        state: the feed's state.
        answer: what the server sent.
        parsed: what the feed says; None when it has not changed, and then what was known stays.
    """
    found: dict[str, list[str]] = {"hub": [], "self": []}
    for target, rels in links(answer.headers.get("link", "")):
        for rel in rels & found.keys():
            found[rel].append(target)
    hub, topic = address(answer.url, found["hub"]), address(answer.url, found["self"])
    if parsed is None and hub is None:
        return state
    if parsed is not None:
        hub, topic = hub or parsed.hub, topic or parsed.self_url
    return state.model_copy(update={"hub": hub, "hub_topic": (topic or answer.url) if hub else None})


def links(header: str) -> Iterator[tuple[str, set[str]]]:
    """Give the targets of a Link header (RFC 8288, 3), with their relation types in lower case.

    Links with an anchor speak of something else and are left out. What cannot be read ends the header.
    """
    header = header[:_MAX_HEADER]
    place = 0
    while target := _TARGET.match(header, place):
        place = target.end()
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(header, place):
            place = parameter.end()
            parameters.setdefault(parameter[1].lower(), parameter[2] or parameter[3] or "")
        comma = header.find(",", place)
        place = comma if comma >= 0 else len(header)
        if "anchor" not in parameters:
            yield target[1], set(parameters.get("rel", "").lower().split())
