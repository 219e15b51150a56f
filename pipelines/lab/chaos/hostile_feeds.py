"""Feeds and robots.txt that a hostile site sends: known ways to keep a reader busy or to fill its memory. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pipelines.lab.chaos.hostile_http import bomb

_JSON = '{"version":"https://jsonfeed.org/version/1.1","title":"x","items":['
_ITEM = "<item><title>x</title><link>http://feed.invalid/1</link>{}</item>"
_ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>'
    '<entry><title>x</title><content type="xhtml">{}</content></entry></feed>'
)


def rss(items: str = "", title: str = "A hostile feed", before: str = "") -> str:
    """Give an RSS feed with these items."""
    head = f"<title>{title}</title><link>http://feed.invalid/</link><description>d</description>"
    return f'<?xml version="1.0"?>{before}<rss version="2.0"><channel>{head}{items}</channel></rss>'


def listing(links: Iterable[str]) -> str:
    """Give a feed of ordinary form."""
    return rss("".join(f"<item><title>Page {link[-6:]}</title><link>{link}</link></item>" for link in links))


def _numbered(form: str, count: int) -> str:
    return "".join(map(form.format, range(count)))


def _group(agents: int, rules: int) -> str:
    return _numbered("user-agent:a{:04x}\n", agents) + "user-agent:*\n" + "allow:/a\n" * rules


def _entities() -> str:
    layers = (f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE rss [<!ENTITY e0 "haha">{"".join(layers)}]>'


FEEDS: dict[str, Callable[[], str | bytes]] = {
    "author-pattern": lambda: rss(_ITEM.format(f"<author>{'a' * 150_000}</author>")),
    "author-dots": lambda: rss(_ITEM.format(f"<author>{'a.' * 75_000}@</author>")),
    "distinct-attributes": lambda: rss("<item " + _numbered('a{}="x" ', 30_000) + "></item>"),
    "broken-attributes": lambda: rss("<item " + "a=" * 150_000),
    "namespaces": lambda: rss("<item " + _numbered('xmlns:n{}="u" ', 15_000) + "></item>"),
    "json-cut": lambda: _JSON + "{}," * 330_000,
    "json-deep": lambda: _JSON + "[" * 500_000,
    "sitemap-deep": lambda: "<urlset><url>" + "<a>" * 36_000 + "</a>" * 36_000 + "</url></urlset>",
    "rss-deep": lambda: rss(_ITEM.format("<a>" * 40_000 + "</a>" * 40_000)),
    "xhtml-deep": lambda: _ATOM.format("<div>" * 20_000 + "</div>" * 20_000),
    "laughing-entities": lambda: rss(_ITEM.format("<author>&e9;</author>"), "&e9;", _entities()),
    "quadratic-entity": lambda: rss("&a;" * 20_000, before=f'<!DOCTYPE rss [<!ENTITY a "{"x" * 50_000}">]>'),
    "external-entity": lambda: rss(
        _ITEM.format("<author>&x;</author>"), "&x;", '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    ),
    "open-cdata": lambda: rss("<item><title><![CDATA[" + "<![CDATA[" * 100_000),
    "instructions": lambda: rss("<item><title>" + "<?a " * 200_000),
    "ampersands": lambda: rss(f"<item><title>{'&' * 800_000}</title></item>"),
    "categories": lambda: rss(_ITEM.format("<category>abcd</category>" * 40_000)),
    "escapes": lambda: rss(
        _ITEM.format("<author>\u009b31m\u202e [red]r[/red] &#155;2J</author>"), "\u009b32m\u202eT\u2066"
    ),
    "gzip-bomb": lambda: bomb(1),
}
"""Feeds by name."""

ROBOTS: dict[str, Callable[[], str]] = {
    "robots-agents-times-rules": lambda: _group(1400, 2600),
    "robots-more-agents-times-rules": lambda: _group(5000, 9000),
    "robots-stars": lambda: "User-agent: *\nDisallow: /" + "*a" * 200_000 + "b\n",
    "robots-many-stars": lambda: "User-agent: *\n" + "Disallow: /*a*b*c*d*e*f*g*h*z\n" * 40_000,
    "robots-escapes": lambda: "User-agent: *\nDisallow: /\x1b[31m\nSitemap: \x1b]0;x\x07\n" + "\0" * 1000,
    "robots-of-3-mb": lambda: "User-agent: *\n" + "Disallow: /abc\n" * 200_000,
}
"""Robots.txt by name; the pages of their sites are ordinary ones."""
