"""`newsriver extract`: one page as the river would index it, without any server."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.text import Text

from pipelines.cli.console import err, line, out, plain, print_json
from pipelines.cli.context import Context
from pipelines.errors import RecordFault, UsageError
from pipelines.settings import Settings
from pipelines.urls import article_id, canonical_url, host_of
from schemas.records import Article, Entry, PageFacts


@click.command()
@click.argument("target", metavar="URL|FILE")
@click.option("--json", "as_json", is_flag=True, help="Print the article record as JSON.")
@click.pass_obj
def extract(context: Context, target: str, as_json: bool) -> int:
    """Show the article of a web page or of a file (HTML or plain text, told by its content)."""
    from pipelines.extraction import ArticleContext, Page, article_sandbox, make_article

    settings = context.settings
    with closing(article_sandbox(settings.clean)) as sandbox:
        if _is_url(target):
            sandbox.prepare()
            body, url, facts = _fetched(target, settings)
        else:
            body, url, facts = _read(target, settings)
        try:
            page = Page(body, _entry(url, facts.fetched_at), facts)
            article = sandbox.call(make_article, page, ArticleContext(settings.clean))
        except RecordFault as fault:
            err.print(f"newsriver: no article, {fault.reason}: {line(str(fault))}")
            return fault.exit_code
    if as_json:
        print_json({"article": article.model_dump(mode="json")})
    else:
        out.print(describe(article))
    return 0


def describe(article: Article) -> Text:
    """Give the article as people read it; nothing of its text can control the terminal."""
    published = f"{article.published_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if article.published_at else "no date"
    facts = [published, ", ".join(article.authors), article.language, f"{article.words:,} words"]
    text = Text(line(article.title), style="bold")
    text = Text.assemble(text, "\n", (line(" · ".join(fact for fact in facts if fact)), "dim"))
    text.append(f"\n{line(article.url)}", style="cyan")
    if said := _rights(article):
        text.append(f"\n{line(said)}", style="yellow")
    for topic in article.topics:
        text.append(f"\n{topic.score:.2f} {line(topic.label)}", style="green")
        text.append(f" ({line(topic.id)}): {line(', '.join(topic.evidence))}", style="dim")
    for paragraph in article.body.split("\n"):
        text.append(f"\n\n{plain(paragraph)}")
    return text


def _rights(article: Article) -> str:
    """Say in one line what the publisher says of the article's use; nothing where nothing is said."""
    reserved = ", ".join(article.rights)
    said = [
        f"reserved: {reserved}" if reserved else "",
        f"mining policy {article.tdm_policy}" if article.tdm_policy else "",
        f"licence {article.license}" if article.license else "",
        "not free to read" if article.free is False else "",
    ]
    return " · ".join(part for part in said if part)


def _is_url(target: str) -> bool:
    return target.lower().startswith(("http://", "https://"))


def _fetched(url: str, settings: Settings) -> tuple[bytes, str, PageFacts]:
    """Fetch a page.

    Raises:
        FetchFault: the page did not come.
        FeedFault: the URL is none.
    """
    from pipelines.http.client import Client

    canonical = canonical_url(url)

    async def get() -> tuple[bytes, PageFacts]:
        async with Client(settings) as client:
            answer = await client.get(url, max_bytes=settings.fetch.max_page_bytes)
        return answer.body, PageFacts(
            url=answer.url,
            status=answer.status,
            content_type=answer.content_type,
            fetched_at=datetime.now(UTC),
            redirects=list(answer.redirects),
            headers=dict(answer.headers),
            elapsed_ms=answer.elapsed_ms,
        )

    body, facts = asyncio.run(get())
    return body, canonical, facts


def _read(target: str, settings: Settings) -> tuple[bytes, str, PageFacts]:
    """Read a file, as far as a page may be long in any encoding.

    Raises:
        UsageError: there is no such file, or it cannot be read.
    """
    path = Path(target).resolve()
    try:
        with path.open("rb") as file:
            body = file.read(4 * settings.clean.max_html_bytes + 1)
    except OSError as error:
        raise UsageError(
            f"cannot read {target}: {error.strerror}",
            resource=target,
            hint="give a file, or an address with http(s)://",
        ) from None
    return body, path.as_uri(), PageFacts(url=path.as_uri(), status=200, fetched_at=datetime.now(UTC))


def _entry(url: str, now: datetime) -> Entry:
    """Stand in for the feed: it says nothing."""
    source = "file" if url.startswith("file:") else host_of(url)
    return Entry(id=article_id(url), url=url, link=url, feed_url=url, source=source, first_seen=now)
