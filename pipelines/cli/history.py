"""`newsriver history`: what changed in one article."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import click
from rich.text import Text

from pipelines.cli.console import line, out, plain, print_json, styled
from pipelines.cli.context import Context
from pipelines.cli.queries import answered, as_json

if TYPE_CHECKING:
    from pipelines.search.history import ArticleVersion, TextChange

_STYLES = {"same": "", "added": "green", "removed": "red strike"}
_MARKS = {"same": ("", ""), "added": ("{+", "+}"), "removed": ("[-", "-]")}
_CONTEXT = 120


@click.command()
@click.argument("name", metavar="URL|ID")
@as_json
@click.pass_obj
def history(context: Context, name: str, *, as_json: bool) -> None:
    """Show each text that an article had and what changed: [-removed-], {+added+}.

    Changes of the headline are marked, and silent edits: the text differs, the times that the page states do not.
    """
    found = answered(context, lambda ask: ask.history(name))
    if as_json:
        print_json(found.to_json())
        return
    out.print(line(found.url))
    for number, version in enumerate(found.versions, start=1):
        _show(number, version)


def _show(number: int, version: ArticleVersion) -> None:
    marks = [
        mark
        for mark, holds in (("headline changed", version.headline_changed), ("silent edit", version.silent))
        if holds
    ]
    when = f"{version.fetched_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    out.print(styled("\n[bold]{}.[/] {} UTC  [yellow]{}[/]", number, when, ", ".join(marks)))
    out.print(_changed(version.title_changes))
    if number > 1:
        out.print(_changed(version.changes))


def _changed(changes: tuple[TextChange, ...]) -> Text:
    """Show changes with their surroundings; marks tell them apart where there is no colour."""
    text = Text()
    for change in changes:
        before, after = _MARKS[change.kind]
        shown = change.text
        if change.kind == "same" and len(shown) > 2 * _CONTEXT:
            shown = f"{shown[:_CONTEXT]} ... {shown[-_CONTEXT:]}"
        text.append(before + plain(shown) + after, style=_STYLES[change.kind])
    return text
