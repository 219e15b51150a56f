"""`newsriver search`: articles that hold the words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
from rich.text import Text

from pipelines.cli.console import err, line, out, print_json
from pipelines.cli.context import Context
from pipelines.search.qualifiers import find_topic, parse_language, parse_rights, parse_time
from pipelines.search.question import MATCH_END, MATCH_START, Gone, Question, Sort
from pipelines.search.results import Hit

Command = TypeVar("Command", bound=Callable[..., Any])

_EXCLUDED = "\ue000"
"""Put before a word that begins with a hyphen while click looks for options; of private use, so that no word has it."""

_FILTERS = (
    click.option("--since", metavar="TIME", help="Published since: 2d, 12h, or a date such as 2026-11-01."),
    click.option("--until", metavar="TIME", help="Published until, a bare date included."),
    click.option("--topic", metavar="TOPIC", help="Topic: its id, its label or a part of it, such as politics."),
    click.option("--source", metavar="NAME", help="Short name of the outlet."),
    click.option("--lang", metavar="CODE", help="Language, such as en."),
    click.option(
        "--rights", metavar="NAME", help="What the publisher reserves, such as noai; -noai: does not reserve."
    ),
    click.option(
        "--gone",
        type=click.Choice([gone.value for gone in Gone]),
        help="With, without or only what its site has removed; by default as search.show_gone says.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print JSON."),
)


def filters(command: Command) -> Command:
    """Add the options that say which articles are looked at."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


class QueryCommand(click.Command):
    """A command whose argument is a query: `-word` excludes a word and is no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, words with a hyphen among them."""
        names = {name: param for param in self.get_params(ctx) for name in param.opts}
        marked: list[str] = []
        value_of = False
        for place, argument in enumerate(args):
            if argument == "--":
                return super().parse_args(ctx, marked + args[place:])
            excluded = not value_of and argument[:1] == "-" and argument[:2] not in ("-", "--")
            marked.append(_EXCLUDED + argument if excluded and argument not in names else argument)
            option = None if value_of else names.get(argument)
            value_of = isinstance(option, click.Option) and not option.is_flag and not option.count
        return super().parse_args(ctx, marked)


def words(command: Command) -> Command:
    """Add the argument QUERY: all words typed, quoted or not."""

    def joined(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> str:
        return " ".join(word.removeprefix(_EXCLUDED) for word in value)

    return click.argument("query", nargs=-1, required=True, callback=joined)(command)


def question_of(query: str, asked: Mapping[str, str | None], *, show_gone: bool = True) -> Question:
    """Make the question from what was typed.

    Args:
        query: the words.
        asked: the options that `filters` adds, by name.
        show_gone: whether articles that their sites have removed are found where nothing is asked of them.

    Raises:
        UsageError: a time, a topic, a language or a right cannot be understood.
    """
    now = datetime.now(UTC)
    since, until, topic, lang = (asked[name] for name in ("since", "until", "topic", "lang"))
    return Question(
        text=query.strip(),
        since=parse_time(since, now) if since else None,
        until=parse_time(until, now, end=True) if until else None,
        topic=find_topic(topic) if topic else "",
        source=asked["source"] or "",
        language=parse_language(lang) if lang else "",
        rights=parse_rights(rights) if (rights := asked.get("rights")) else "",
        gone=Gone(asked.get("gone") or (Gone.WITH if show_gone else Gone.WITHOUT)),
    )


@click.command(cls=QueryCommand)
@words
@filters
@click.option(
    "--sort",
    type=click.Choice([order.value for order in Sort]),
    default=Sort.RELEVANCE.value,
    show_default=True,
    help="Order.",
)
@click.option("--limit", type=click.IntRange(0, 1000), default=10, show_default=True, help="Most articles shown.")
@click.pass_obj
def search(context: Context, /, query: str, as_json: bool, sort: str, limit: int, **asked: str | None) -> None:
    """Search the articles for QUERY.

    All words must occur, in any inflection; "a phrase" as it is; -word excludes; a|b is one or the other; pre* begins
    a word; * alone finds all.
    """
    from pipelines.index.elastic import connect
    from pipelines.search import execute as searching

    asked_for = question_of(query, asked, show_gone=context.settings.search.show_gone)
    question = replace(asked_for, sort=Sort(sort), limit=limit)
    client = connect(context.settings)
    try:
        found = searching.search(client, context.settings.river.name, question)
    finally:
        client.close()
    if as_json:
        print_json({"query": query, "total": found.total, "articles": [hit.to_json() for hit in found.hits]})
        return
    if not found.indexed:
        err.print(f"river {context.settings.river.name} has no article yet; `newsriver run` brings some")
    out.print(f"{found.total:,} article{'' if found.total == 1 else 's'}")
    for number, hit in enumerate(found.hits, start=1):
        out.print()
        out.print(describe(number, hit))


def describe(number: int, hit: Hit) -> Text:
    """Give one article as a numbered paragraph; nothing of its text can control the terminal."""
    article = hit.article
    when = article.published_at or article.first_seen
    facts = [
        article.source,
        f"{when.astimezone(UTC):%Y-%m-%d %H:%M}",
        article.language,
        "; ".join(topic.label for topic in article.topics),
        f"removed by its site, seen {article.gone_at.astimezone(UTC):%Y-%m-%d}" if article.gone_at else "",
    ]
    text = Text(f"{number:>3}. ")
    text.append(line(article.title), style="bold")
    text.append("\n     " + line(" · ".join(fact for fact in facts if fact)), style="dim")
    for snippet in hit.snippets:
        text.append("\n     ")
        text.append_text(_emphasised(snippet))
    text.append("\n     " + line(article.url), style="cyan")
    return text


def _emphasised(snippet: str) -> Text:
    """Show the matched words of a snippet in bold yellow."""
    text = Text()
    for part in line(snippet).split(MATCH_START):
        matched, _, rest = part.rpartition(MATCH_END)
        text.append(matched, style="bold yellow")
        text.append(rest)
    return text
