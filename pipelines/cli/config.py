"""`newsriver config`: show the settings, or write a file with all of them."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from pipelines.cli.console import err, out, print_json, styled
from pipelines.cli.context import Context
from pipelines.cli.reference import settings_rows, settings_toml
from pipelines.errors import UsageError
from pipelines.private_files import write_private
from pipelines.settings import FILE_NAME


@click.group()
def config() -> None:
    """Show the settings, or write a file with all of them."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def show(context: Context, as_json: bool) -> None:
    """Show every setting: its value, its default, its meaning; secrets are never printed."""
    if as_json:
        print_json(context.settings.model_dump(mode="json"))
        return
    table = Table("setting", "value", "default", "meaning", box=None, pad_edge=False)
    for row in settings_rows(context.settings):
        value = styled("{}" if row.value == row.default else "[bold]{}[/]", row.value)
        table.add_row(row.name, value, row.default, row.about)
    out.print(table)


@config.command()
@click.option("--file", "path", type=click.Path(path_type=Path), default=FILE_NAME, show_default=True)
@click.option("--force", is_flag=True, help="Replace the file when it exists.")
@click.pass_obj
def init(context: Context, path: Path, force: bool) -> None:  # noqa: ARG001 - every command takes the context
    """Write a settings file, for your eyes only, with every option, its default and meaning, commented out."""
    if path.exists() and not force:
        raise UsageError(f"{path} exists", hint="--force replaces it", resource=str(path))
    write_private(path, settings_toml())
    err.print(f"wrote {path}")
