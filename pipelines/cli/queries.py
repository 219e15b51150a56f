"""What the commands that ask about articles share: the query and its options, the call, and how articles are shown."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.text import Text

from pipelines.cli.console import err, line
from pipelines.cli.context import Context
from pipelines.errors import UsageError
from pipelines.search.qualifiers import find_topic, parse_language, parse_rights, parse_time
from pipelines.search.query import Part, Query, parse_query
from pipelines.search.tree import quoted

if TYPE_CHECKING:
    from pipelines.search.operations import Search
    from pipelines.search.results import Hit

Command = TypeVar("Command", bound=Callable[..., Any])
T = TypeVar("T")

_EXCLUDED = "\ue000"
"""Put before a word that begins with a hyphen while click looks for options; of private use, so that no word has it."""

_GONE = ("with", "without", "only")

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
        type=click.Choice(_GONE),
        help="With, without or only what its site has removed; by default as search.show_gone says.",
    ),
)

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
"""The option that asks for JSON."""


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


def takes_query(*, required: bool = True) -> Callable[[Command], Command]:
    """Add the argument QUERY, all words typed, quoted or not, and the options that filter.

    Args:
        required: whether there must be a query; else all articles are looked at without one.
    """

    def joined(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> str:
        return " ".join(word.removeprefix(_EXCLUDED) for word in value)

    def add(command: Command) -> Command:
        for option in (*reversed(_FILTERS),):
            command = option(command)
        return click.argument("query", nargs=-1, required=required, callback=joined)(command)

    return add


def query_of(words: str, asked: Mapping[str, str | None], now: datetime | None = None) -> Query:
    """Make the query from what was typed; an option is a qualifier that must be right.

    Args:
        words: the words.
        asked: the options that `takes_query` adds, by name.
        now: the present.

    Raises:
        UsageError: a time, a topic, a language or a right cannot be understood.
    """
    now = now or datetime.now(UTC)
    given = {name: value for name, value in asked.items() if value}
    right: dict[str, Callable[[str], str]] = {
        "since": lambda text: f"after:{quoted(parse_time(text, now).isoformat())}",
        "until": lambda text: f"before:{quoted(parse_time(text, now, end=True).isoformat())}",
        "topic": lambda text: f"topic:{quoted(find_topic(text))}",
        "source": lambda text: f"source:{quoted(text)}",
        "lang": lambda text: f"lang:{parse_language(text)}",
        "rights": lambda text: f"rights:{parse_rights(text)}",
        "gone": lambda text: f"gone:{text}",
    }
    extra = [right[name](value) for name, value in given.items() if name in right]
    read = parse_query(words, now)
    if not extra:
        return read
    # A group of its own: what an open parenthesis or quotation mark of the words would swallow stays outside.
    return parse_query(" ".join([*extra, *([] if read.root is None else [str(read)])]), now)


def answered(context: Context, ask: Callable[[Search], Awaitable[T]]) -> T:
    """Ask the settings' Elasticsearch one thing and hang up.

    Raises:
        ServiceError, NewsriverError, UsageError: as the operation.
    """

    async def call() -> T:
        from pipelines.search.operations import Search

        async with Search.connect(context.settings) as search:
            return await ask(search)

    return asyncio.run(call())


def say_understood(parts: tuple[Part, ...]) -> None:
    """Say on stderr what of a query was corrected or ignored."""
    for part in parts:
        if part.note:
            err.print(f"{line(part.text)}: {part.note}" if part.text else part.note)


def shown(number: int, total: int) -> int:
    """Check the number of a result of a page.

    Raises:
        UsageError: the page has no such result.
    """
    if not 1 <= number <= total:
        raise UsageError(f"there is no result {number}, only {total}", resource="--open")
    return number - 1


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
    if hit.explained is not None:
        one = hit.explained
        text.append(
            f"\n     score {one.total:.2f}: text {one.text:.2f}, recency {one.recency:.2f}, story {one.story:.2f}"
        )
    return text


def _emphasised(snippet: str) -> Text:
    """Show the matched words of a snippet in bold yellow."""
    from pipelines.search.bodies import MATCH_END, MATCH_START

    text = Text()
    for part in line(snippet).split(MATCH_START):
        matched, _, rest = part.rpartition(MATCH_END)
        text.append(matched, style="bold yellow")
        text.append(rest)
    return text
