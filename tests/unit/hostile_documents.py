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


def _rss(inner: bytes, head: bytes = b"") -> bytes:
    start = b'<?xml version="1.0"?>' + head + b'<rss version="2.0"><channel><title>t</title>'
    return start + inner + b"</channel></rss>"


def _item(inner: bytes) -> bytes:
    return _rss(b"<item><title>x</title><link>http://ferry.example/1</link>" + inner + b"</item>")


def _numbered(kb: int, piece: bytes) -> bytes:
    """Repeat a piece, each time with another number in place of `{}`, until so many KiB are full."""
    return b"".join(piece.replace(b"{}", b"%d" % number) for number in range(kb * 1024 // len(piece)))


def _laughs(kb: int) -> bytes:
    levels = "".join(f'<!ENTITY a{level} "{f"&a{level - 1};" * 10}">' for level in range(1, 10))
    entities = f'<!DOCTYPE rss [<!ENTITY a0 "{"lol" * kb}">{levels}]>'
    return _rss(b"<item><title>&a9;</title><link>http://ferry.example/1</link></item>", entities.encode())


def _long_entity(kb: int) -> bytes:
    return _rss(
        b"<item><title>" + b"&a;" * (kb * 128) + b"</title></item>",
        f'<!DOCTYPE rss [<!ENTITY a "{"x" * (kb * 512)}">]>'.encode(),
    )


FEEDS: dict[str, Make] = {
    "items": lambda kb: _rss(_numbered(kb, b"<item><title>t{}</title><link>http://a.example/{}</link></item>")),
    "items-without-links": lambda kb: _rss(_numbered(kb, b"<item><title>t{}</title></item>")),
    "open-items": lambda kb: _rss(b"<item>" * (kb * 170)),
    "deep": lambda kb: _item(b"<a>" * (kb * 146) + b"</a>" * (kb * 146)),
    "deep-xhtml": lambda kb: (
        b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><content type="xhtml">'
        + b"<div>" * (kb * 93)
        + b"</div>" * (kb * 93)
        + b"</content></entry></feed>"
    ),
    "attributes": lambda kb: _rss(b"<item " + _numbered(kb, b'a{}="x" ') + b"></item>"),
    "attributes-behind-signs": lambda kb: _rss(b"<item " + _numbered(kb, b'a{}=">" ') + b"></item>"),
    "attributes-of-many": lambda kb: _rss((b"<item " + _numbered(8, b'a{}="x" ') + b"></item>") * (kb // 8)),
    "attributes-unquoted": lambda kb: _rss(b"<item " + _numbered(kb, b"a{}=x ") + b"></item>"),
    "namespaces": lambda kb: b'<rss version="2.0" ' + _numbered(kb, b'xmlns:n{}="u" ') + b"><channel/></rss>",
    "categories": lambda kb: _item(_numbered(kb, b"<category>c{}</category>")),
    "subjects": lambda kb: _item(_numbered(kb, b"<dc:subject>c{}</dc:subject>")),
    "keywords": lambda kb: _item(b"<itunes:keywords>" + _numbered(kb, b"k{},") + b"</itunes:keywords>"),
    "author-name": lambda kb: _item(b"<author>" + b"a" * (kb * 1024) + b"</author>"),
    "author-dots": lambda kb: _item(b"<author>" + b"a." * (kb * 512) + b"@</author>"),
    "creator": lambda kb: _item(b"<dc:creator><![CDATA[" + b"a-" * (kb * 512) + b"]]></dc:creator>"),
    "editor": lambda kb: _rss(b"<managingEditor>" + b"1" * (kb * 1024) + b"</managingEditor>"),
    "authors": lambda kb: _item(b"<author>a@b.example (x)</author>" * (kb * 32)),
    "links": lambda kb: _item(_numbered(kb, b"<link>http://a.example/{}</link>")),
    "atom-links": lambda kb: _item(_numbered(kb, b'<atom:link href="http://a.example/{}"/>')),
    "enclosures": lambda kb: _item(_numbered(kb, b'<enclosure url="http://a.example/{}"/>')),
    "media": lambda kb: _item(_numbered(kb, b'<media:content url="http://a.example/{}"/>')),
    "date": lambda kb: _item(b"<pubDate>" + b"1" * (kb * 1024) + b"</pubDate>"),
    "date-spaces": lambda kb: _item(b"<pubDate>Mon," + b" " * (kb * 1024) + b"x</pubDate>"),
    "date-colons": lambda kb: _item(b"<pubDate>" + b"1:" * (kb * 512) + b"</pubDate>"),
    "link-text": lambda kb: _item(b"<link>http://" + b"a." * (kb * 512) + b"</link>"),
    "link-schemes": lambda kb: _item(b"<link>" + b"http:" * (kb * 204) + b"</link>"),
    "guid": lambda kb: _item(b"<guid>" + b"/" * (kb * 1024) + b"</guid>"),
    "summary-tags": lambda kb: _item(b"<description>" + b"&lt;a " * (kb * 170) + b"</description>"),
    "summary-comments": lambda kb: _item(b"<description>" + b"&lt;!--" * (kb * 146) + b"</description>"),
    "summary-scripts": lambda kb: _item(b"<description>" + b"&lt;script>&lt;/script " * (kb * 45) + b"</description>"),
    "ampersands": lambda kb: _rss(b"<item><title>" + b"&" * (kb * 1024) + b"</title></item>"),
    "signs": lambda kb: _rss(b"<item><title>" + b"<" * (kb * 1024) + b"</title></item>"),
    "declarations": lambda kb: _rss(b"<item><title>" + b"<!" * (kb * 512)),
    "instructions": lambda kb: _rss(b"<item><title>" + b"<?a " * (kb * 256)),
    "open-cdata": lambda kb: _rss(b"<item><title>" + b"<![CDATA[" * (kb * 113)),
    "comments": lambda kb: b"<!---->" * (kb * 146) + b'<rss version="2.0"><channel/></rss>',
    "name-of-an-element": lambda kb: _rss(b"<" + b"a" * (kb * 1024) + b">"),
    "prefixes": lambda kb: _rss(b"<" + b"a:" * (kb * 512) + b">"),
    "laughs": _laughs,
    "long-entity": _long_entity,
    "external-entity": lambda kb: _rss(
        b"<item><title>&x;</title><link>http://ferry.example/1</link></item>" * kb,
        b'<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    ),
    "wide": lambda kb: _rss(_numbered(kb, b"<item><title>t{}</title></item>")).decode().encode("utf-16"),
    "wide-attributes": lambda kb: _rss(b"<item " + _numbered(kb, b'a{}="x" ') + b"/>").decode().encode("utf-16"),
    "high-bytes": lambda kb: _rss(b"<item><title>" + bytes(range(128, 256)) * (kb * 8) + b"</title></item>"),
}
"""RSS and Atom."""

_JSON_HEAD = b'{"version":"https://jsonfeed.org/version/1.1","title":"x","items":['

JSON_FEEDS: dict[str, Make] = {
    "cut": lambda kb: _JSON_HEAD + b"{}," * (kb * 341),
    "cut-blank": lambda kb: _JSON_HEAD + b" " * (kb * 1024),
    "cut-string": lambda kb: _JSON_HEAD + b'{"url":"' + b"\\u0041" * (kb * 170),
    "deep": lambda kb: _JSON_HEAD + b"[" * (kb * 1024),
    "deep-objects": lambda kb: _JSON_HEAD + b'{"a":' * (kb * 204),
    "items": lambda kb: _JSON_HEAD + _numbered(kb, b'{"url":"http://a.example/{}"},') + b"{}]}",
    "tags": lambda kb: _JSON_HEAD + b'{"url":"http://a.example/1","tags":[' + _numbered(kb, b'"t{}",') + b'"x"]}]}',
    "authors": lambda kb: (
        _JSON_HEAD + b'{"url":"http://a.example/1","authors":[' + _numbered(kb, b'{"name":"n{}"},') + b"{}]}]}"
    ),
    "hubs": lambda kb: _JSON_HEAD + b'],"hubs":[' + _numbered(kb, b'{"type":"WebSub","url":"x:{}"},') + b"{}]}",
    "number": lambda kb: _JSON_HEAD + b'{"id":' + b"9" * (kb * 1024) + b"}]}",
    "keys": lambda kb: _JSON_HEAD + b"{" + _numbered(kb, b'"k{}":1,') + b'"url":"http://a.example/1"}]}',
    "quotes": lambda kb: _JSON_HEAD + b'"' * (kb * 1024),
    "items-again": lambda kb: b"{" + b'"items":[' * (kb * 113),
}
"""JSON Feed."""


def _sitemap(inner: bytes) -> bytes:
    return b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url>' + inner + b"</url></urlset>"


SITEMAPS: dict[str, Make] = {
    "deep": lambda kb: _sitemap(b"<a>" * (kb * 146) + b"</a>" * (kb * 146)),
    "rows": lambda kb: _sitemap(_numbered(kb, b"</url><url><loc>https://a.example/{}</loc>")),
    "rows-without-links": lambda kb: _sitemap(b"</url><url>" * (kb * 93)),
    "elements": lambda kb: _sitemap(_numbered(kb, b"<a{}></a{}>")),
    "fields": lambda kb: _sitemap(b"<loc>https://a.example/1</loc>" * (kb * 34)),
    "text": lambda kb: _sitemap(b"<loc>" + b"a" * (kb * 1024) + b"</loc>"),
    "pieces-of-text": lambda kb: _sitemap(b"<loc>" + b"a<!---->" * (kb * 128) + b"</loc>"),
    "attributes": lambda kb: _sitemap(b"<loc " + _numbered(kb, b'a{}="x" ') + b"/>"),
    "ampersands": lambda kb: _sitemap(b"<loc>" + b"&" * (kb * 1024) + b"</loc>"),
    "dates": lambda kb: _sitemap(_numbered(kb, b"</url><url><lastmod>2026-01-01T00:00:{}+00:00</lastmod>")),
    "long-date": lambda kb: _sitemap(b"<lastmod>" + b"2026-" * (kb * 204) + b"</lastmod>"),
    "entities": lambda kb: b'<!DOCTYPE urlset [<!ENTITY a "' + b"x" * (kb * 1024) + b'">]>' + _sitemap(b"&a;" * kb),
    "index": lambda kb: (
        b"<sitemapindex>" + _numbered(kb, b"<sitemap><loc>https://a.example/{}</loc></sitemap>") + b"</sitemapindex>"
    ),
    "ends": lambda kb: _sitemap(b"<a" + b"</urlset " * (kb * 113)),
}
"""Sitemaps and sitemap indexes."""


def _opml(inner: bytes) -> bytes:
    return b"<opml><body>" + inner + b"</body></opml>"


LISTS: dict[str, Make] = {
    "opml-outlines": lambda kb: _opml(_numbered(kb, b'<outline xmlUrl="https://a.example/{}"/>')),
    "opml-deep": lambda kb: _opml(b"<outline>" * (kb * 113)),
    "opml-open": lambda kb: _opml(b'<outline xmlUrl="' * (kb * 60)),
    "opml-attributes": lambda kb: _opml(b"<outline " + _numbered(kb, b'a{}="x" ') + b"/>"),
    "opml-signs": lambda kb: _opml(b'<outline text="' + b"<a " * (kb * 341)),
    "opml-quotes": lambda kb: _opml(b"<outline " + b"\"'" * (kb * 512)),
    "opml-spaces": lambda kb: _opml(b"<outline a" + b" " * (kb * 1024) + b"/>"),
    "opml-comments": lambda kb: b"<!---->" * (kb * 146) + _opml(b""),
    "opml-references": lambda kb: _opml(b'<outline xmlUrl="' + b"&amp;" * (kb * 204) + b'"/>'),
    "opml-laughs": lambda kb: b'<!DOCTYPE opml [<!ENTITY a "' + b"x" * (kb * 1024) + b'">]>' + _opml(b"&a;" * 99),
    "toml-tables": lambda kb: _numbered(kb, b'[[feed]]\nurl = "https://a.example/{}"\n'),
    "toml-deep": lambda kb: b"feed = " + b"[" * (kb * 1024),
    "toml-deep-tables": lambda kb: b"feed = " + b"{a=" * (kb * 341),
    "toml-string": lambda kb: b'feed = "' + b"\\u0041" * (kb * 170),
    "toml-keys": lambda kb: _numbered(kb, b"k{} = 1\n"),
    "toml-number": lambda kb: b"feed = " + b"9" * (kb * 1024),
    "toml-dotted-tables": lambda kb: _numbered(kb, b"[a" + b".a" * 200 + b".b{}]\n"),
    "toml-dates": lambda kb: b"feed = [" + b"2026-01-01," * (kb * 93),
}
"""Feed lists, OPML and TOML."""

SLOW_LIST = b"a" + b".a" * 100_000 + b" = 1\n"
"""A list that takes the reader of TOML half a minute and more."""
