"""Pages for benchmarks: the size and the shape of news pages, our own words, another page for each number. Pure.

Sizes are log-normal with a median of 197 KB and a 95th percentile of 783 KB. What costs time in cleaning is the number
of tags and what they carry, so that too follows news pages: about 2,200 tags at the median size, growing with the root
of the size; the rest of the bytes are scripts, styles and state as JSON. A quarter of the pages says nothing of itself
in JSON-LD, so that date and author must be looked for (docs/benchmarks.md compares the cost with that of real pages).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from random import Random

from pipelines.lab.bench import prose
from pipelines.urls import article_id
from schemas.records import Entry, PageFacts

MEDIAN_BYTES = 197_000
P95_BYTES = 783_000
MOST_BYTES = 3_000_000
LEAST_BYTES = 30_000

_SIGMA = math.log(P95_BYTES / MEDIAN_BYTES) / 1.645  # 95 % of a normal distribution lie below 1.645 deviations
_MEDIAN_TAGS = 2000
_WITHOUT_JSON_LD = 0.25
_TAGS_PER_TEASER = 28
_SECTIONS = ("Politics", "Business", "Sport", "Culture", "Science", "Health", "Travel", "Opinion", "Weather", "Local")
_CLASSES = (
    "flex-col", "items-center", "md:grid-cols-4", "text-neutral-700", "u-margin-top--small", "css-1kx9f2", "is-lazy",
    "o-layout__item", "hover:underline", "c-card--horizontal", "tracking-tight", "lg:mb-8", "js-observe", "w-full",
)  # fmt: skip
_POOL_CHARACTERS = 1 << 20


@dataclass(frozen=True, slots=True)
class BenchPage:
    """One generated page.

    Attributes:
        number: which of the pages of its seed.
        title: the headline.
        body: the HTML in UTF-8.
    """

    number: int
    title: str
    body: bytes


def page(seed: int, number: int) -> BenchPage:
    """Make one page; the same arguments make the same page."""
    random = _random(seed, number)
    size = min(MOST_BYTES, max(LEAST_BYTES, round(random.lognormvariate(math.log(MEDIAN_BYTES), _SIGMA))))
    tags = _MEDIAN_TAGS * math.sqrt(size / MEDIAN_BYTES) * random.lognormvariate(0, 0.2)
    title, author, site = prose.headline(random), prose.person(random), f"{random.choice(prose.PLACES)} Courier"
    story = _story(random, title, author, random.randint(300, 900))
    around = _around(random, max(10, round((tags - story.count("<")) / _TAGS_PER_TEASER)))
    known = _head(random, title, author, site)
    rest = size - sum(map(len, (story, known, *around)))
    style, state = _filler(random, max(1_000, round(rest * 0.35))), _filler(random, max(1_000, round(rest * 0.65)))
    body = (
        f'<!doctype html>\n<html lang="en"><head>{known}<style>{style}</style></head>\n<body class="page page--story">'
        f"{around[0]}<main>{story}{around[1]}</main>{around[2]}"
        f"<script>window.__STATE__={json.dumps(state)};</script></body></html>\n"
    )
    return BenchPage(number, title, body.encode())


def key(made: BenchPage) -> str:
    """Give the key of a page on Kafka: the same for every run, so that its partition is, too."""
    return f"{_site(made)}/news/{made.number}"


def announced(made: BenchPage, run: str, first_seen: datetime) -> tuple[Entry, PageFacts]:
    """Give the entry and the facts with which a page travels.

    Args:
        made: the page.
        run: makes another article of the same page: part of its URL.
        first_seen: when it was discovered; the pages of one run are fetched a millisecond apart.
    """
    site = _site(made)
    url = f"{site}/news/{run}/{made.number}"
    entry = Entry(
        id=article_id(url),
        url=url,
        link=url,
        feed_url=f"{site}/feed.xml",
        source=site.removeprefix("https://"),
        title=made.title,
        first_seen=first_seen,
    )
    facts = PageFacts(
        url=url,
        status=200,
        content_type="text/html; charset=utf-8",
        fetched_at=first_seen + timedelta(milliseconds=made.number),
        headers={"content-language": "en"},
    )
    return entry, facts


def _site(made: BenchPage) -> str:
    return f"https://{prose.PLACES[made.number % len(prose.PLACES)].split()[0].lower()}.example.org"


def _random(*parts: object) -> Random:
    return Random("/".join(map(str, parts)))  # noqa: S311 - pages, not secrets


def _head(random: Random, title: str, author: str, site: str) -> str:
    published = f"2026-11-{random.randint(1, 20):02}T{random.randint(0, 23):02}:{random.randint(0, 59):02}:00Z"
    described = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": title,
        "datePublished": published,
        "author": [{"@type": "Person", "name": author}],
        "publisher": {"@type": "NewsMediaOrganization", "name": site},
    }
    crumbs = [{"@type": "ListItem", "position": n, "name": name} for n, name in enumerate(_SECTIONS[:3], 1)]
    trail = {"@context": "https://schema.org", "@type": "BreadcrumbList", "itemListElement": crumbs}
    told = (described, trail) if random.random() >= _WITHOUT_JSON_LD else ()
    names = {"robots": "index,follow,max-image-preview:large", "theme-color": "#1d3557"}
    graph = {"og:title": title, "og:site_name": site, "og:type": "article", "article:published_time": published}
    loads = "".join(f'<link rel="preload" as="script" href="/static/{random.getrandbits(64):x}.js">' for _ in range(12))
    scripts = "".join(f"<script async src=/static/{random.getrandbits(64):x}.js></script>" for _ in range(14))
    return (
        f"<meta charset=utf-8><title>{title} - {site}</title>"
        + "".join(f'<meta name="{name}" content="{value}">' for name, value in names.items())
        + "".join(f'<meta property="{name}" content="{value}">' for name, value in graph.items())
        + "".join(f'<script type="application/ld+json">{json.dumps(data)}</script>' for data in told)
        + f"{loads}{scripts}<script>{_filler(random, 6_000)}</script>"
    )


def _story(random: Random, title: str, author: str, words: int) -> str:
    """The article itself, with what news sites put between its paragraphs."""
    first, *others = prose.paragraphs(random, words)
    head = (
        f'<article class="story"><header><h1 class="story__headline">{title}</h1>'
        f'<p class="story__standfirst">{next(prose.sentences(random))}</p>'
        f'<div class="byline">By <a rel="author" href="/by/{random.randint(1, 400)}">{author}</a></div>'
        f"{_share(random)}</header>{_picture(random)}"
        f'<div class="story__body"><p>{first}</p>'
    )
    parts = [head]
    for number, text in enumerate(others):
        if number % 4 == 2:
            parts.append(
                f'<aside class="ad-slot" data-slot="{random.getrandbits(32):x}">'
                "<div><span>Advertisement</span></div></aside>"
            )
        if number % 5 == 3:
            parts.append(f'<div class="related-inline"><a href="/news/{random.getrandbits(24)}">'
                         f"{prose.headline(random)}</a></div>")  # fmt: skip
        if number % 6 == 4:
            parts.append(_picture(random))
        before, link, after = _linked(text)
        parts.append(f'<p data-id="{random.getrandbits(48):x}">{before}<a href="/topic/{number}">{link}</a>{after}</p>')
    parts.append(f"</div><footer>{_share(random)}</footer></article>")
    return "\n".join(parts)


def _linked(text: str) -> tuple[str, str, str]:
    """Cut a paragraph so that its third and fourth words can be a link."""
    words = text.split(" ")
    return " ".join(words[:2]) + " ", " ".join(words[2:4]), " " + " ".join(words[4:])


def _picture(random: Random) -> str:
    name = f"{random.getrandbits(48):x}"
    widths = ", ".join(f"/img/{name}-{width}.webp {width}w" for width in (320, 480, 640, 960, 1280, 1920))
    return (
        f'<figure class="picture"><picture><source type="image/webp" srcset="{widths}" sizes="(max-width:700px) 100vw">'
        f'<img loading="lazy" src="/img/{name}-640.jpg" alt="{prose.headline(random)}"></picture>'
        f"<figcaption>{prose.headline(random)}. <span>Photo: {prose.person(random)}</span></figcaption></figure>"
    )


def _share(random: Random) -> str:
    path = f"M{random.randint(1, 9)} 12h{random.randint(3, 9)}z"
    icon = f'<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{path}"></path></svg>'
    names = ("Share", "Mail", "Copy")
    items = "".join(f"<li><button type=button>{icon}<span>{name}</span></button></li>" for name in names)
    return f'<ul class="share">{items}</ul>'


def _around(random: Random, teasers: int) -> tuple[str, str, str]:
    """Navigation, teasers of other articles beside and below the story, and the footer."""
    links = "".join(
        f'<li class="menu__item"><a href="/{name.lower()}"><span>{name}</span></a></li>' for name in _SECTIONS
    )
    header = f'<header class="top"><nav aria-label="Main"><ul class="menu">{links}</ul></nav></header>'
    cards = [_teaser(random) for _ in range(teasers)]
    rails = [
        f'<section class="rail"><h2>{name}</h2><div>{"".join(cards[start : start + 8])}</div></section>'
        for name, start in zip(_SECTIONS * 20, range(0, teasers, 8), strict=False)
    ]
    middle = len(rails) // 3
    below = "".join(f'<li><a href="/about/{number}">{name} archive</a></li>' for number, name in enumerate(_SECTIONS))
    footer = (
        f'<footer class="bottom"><ul>{below}</ul><p>The Courier is printed and published by its readers.'
        " All rights reserved.</p></footer>"
    )
    return header, f'<aside class="side">{"".join(rails[:middle])}</aside>', "".join(rails[middle:]) + footer


def _teaser(random: Random) -> str:
    """One teaser card: 28 tags, most of them with as many classes as today's style sheets ask for."""
    name, title = f"{random.getrandbits(40):x}", prose.headline(random)
    outer, inner, box, text, line = (_classes(random) for _ in range(5))
    return (
        f'<div class="teaser {outer}" data-id="{name}"><div class="{box}"><div class="{inner}"><a class="teaser__link '
        f'{line}" href="/news/{name}"><picture class="{box}"><source srcset="/img/{name}-320.webp 320w, '
        f'/img/{name}-640.webp 640w"><img alt="" class="{inner}" src="/img/{name}.jpg"></picture></a></div>'
        f'<div class="teaser__text {text}"><span class="teaser__kicker {line}">{random.choice(_SECTIONS)}</span>'
        f'<h3 class="{text}"><a class="{line}" href="/news/{name}">{title}</a></h3><ul class="teaser__meta {box}">'
        f'<li class="{line}"><time>{random.randint(1, 59)} minutes ago</time></li><li class="{line}"><span>'
        f"{random.randint(2, 12)} min read</span></li></ul></div></div></div>\n"
    )


def _classes(random: Random) -> str:
    return " ".join(random.choices(_CLASSES, k=3))


@lru_cache(maxsize=1)
def _pool() -> str:
    """A megabyte of what scripts and styles look like, cut anew for every page: no markup, no quotes to escape."""
    random = _random("pool")
    names = ("slot", "width", "margin", "render", "module", "state", "track", "queue", "lazy", "grid", "props", "hash")
    parts: list[str] = []
    size = 0
    while size < _POOL_CHARACTERS:
        name = random.choice(names)
        rule = f"{random.choice(names)}:{random.randint(0, 999)}px;id:{random.getrandbits(64):x}"
        part = f".{name}-{random.getrandbits(28):x}{{{rule}}}\n"
        parts.append(part)
        size += len(part)
    return "".join(parts)


def _filler(random: Random, characters: int) -> str:
    """Cut so many characters out of the pool, from any place on, round its end."""
    pool = _pool()
    start = random.randrange(len(pool))
    times = (start + characters) // len(pool) + 1
    return (pool * times)[start : start + characters]
