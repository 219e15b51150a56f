"""Documents made to keep a parser busy, to fill memory or to break it: one generator for each kind.

Each takes a size in KiB, so that a test can ask for one of twice or four times the size.
"""

from __future__ import annotations

from collections.abc import Callable

Make = Callable[[int], bytes]


def _lines(kb: int, line: str, head: str = "User-agent: *\n") -> bytes:
    """Repeat a line, each time with another number in place of `{}`, until so many KiB are full."""
    count = kb * 1024 // len(line)
    return (head + "".join(line.replace("{}", f"{number:x}") for number in range(count))).encode()


def _many_agents(kb: int) -> bytes:
    agents = "".join(f"user-agent:a{number:04x}\n" for number in range(kb * 32))
    return (agents + "user-agent:*\n" + "allow:/a\n" * (kb * 56)).encode()


ROBOTS: dict[str, Make] = {
    "many-agents-many-rules": _many_agents,
    "agents-only": lambda kb: _lines(kb, "user-agent: b{}\n", ""),
    "many-groups": lambda kb: _lines(kb, "user-agent: *\ndisallow: /{}\n", ""),
    "plain-rules": lambda kb: _lines(kb, "disallow: /{}\n"),
    "whole-paths": lambda kb: _lines(kb, "disallow: /{}$\n"),
    "wildcards": lambda kb: _lines(kb, "disallow: /*{}*z\n"),
    "nine-stars": lambda kb: _lines(kb, "disallow: /*a{}*b*c*d*e*f*g*h*z\n"),
    "one-rule-of-stars": lambda kb: b"user-agent: *\ndisallow: /" + b"*a" * (kb * 512) + b"b\n",
    "starred-stars": lambda kb: b"user-agent: *\ndisallow: /" + b"*" * (kb * 1024) + b"b\n",
    "one-long-rule": lambda kb: b"user-agent: *\ndisallow: /" + b"a" * (kb * 1024),
    "needles": lambda kb: b"user-agent: *\n" + (b"disallow: /*" + b"a" * 90 + b"b\n") * (kb * 10),
    "all-lengths": lambda kb: (
        b"user-agent: *\n"
        + b"".join(b"disallow: /" + b"a" * number + b"\n" for number in range(int((kb * 2048) ** 0.5)))
    ),
    "escapes": lambda kb: b"user-agent: *\ndisallow: /" + b"%41" * (kb * 341),
    "broken-escapes": lambda kb: b"user-agent: *\ndisallow: /" + b"%" * (kb * 1024),
    "dollars": lambda kb: b"user-agent: *\ndisallow: /" + b"$" * (kb * 1024),
    "colons": lambda kb: b":" * (kb * 1024),
    "spaces": lambda kb: b"user-agent: *\ndisallow:" + b" " * (kb * 1024) + b"x",
    "words": lambda kb: b"a " * (kb * 512),
    "newlines": lambda kb: b"\n" * (kb * 1024),
    "zeros": lambda kb: b"\0" * (kb * 1024),
    "controls": lambda kb: b"\x01" * (kb * 1024),
    "delays": lambda kb: _lines(kb, "crawl-delay: 1e{}\n"),
    "long-delay": lambda kb: b"user-agent: *\ncrawl-delay: " + b"9" * (kb * 1024),
    "comments": lambda kb: b"#" * (kb * 1024),
}
"""robots.txt."""
