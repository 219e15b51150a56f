"""`newsriver article`: one article, whole."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import click

from pipelines.cli.console import line, out, plain, print_json, styled
from pipelines.cli.context import Context
from pipelines.cli.queries import answered, as_json

if TYPE_CHECKING:
    from schemas.records import Article


@click.command()
@click.argument("name", metavar="URL|ID")
@as_json
@click.pass_obj
def article(context: Context, name: str, *, as_json: bool) -> None:
    """Show one article by its id or by any of its addresses."""
    found = answered(context, lambda ask: ask.article(name))
    if as_json:
        print_json(found.to_json())
    else:
        show_article(found.article)


def show_article(article: Article) -> None:
    """Print an article with its facts; nothing of its text can control the terminal."""
    when = article.published_at or article.first_seen
    out.print(styled("[bold]{}[/]", article.title))
    facts = [article.source, f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC", article.language, *article.authors]
    out.print(styled("[dim]{}[/]", " · ".join(facts)))
    out.print(styled("[cyan]{}[/]  {}", article.url, article.id))
    if article.topics:
        out.print(line("; ".join(f"{topic.label} ({', '.join(topic.evidence)})" for topic in article.topics)))
    if article.rights:
        out.print(f"reserved: {line(', '.join(article.rights))}")
    for paragraph in article.body.splitlines():
        out.print()
        out.print(plain(paragraph))
