"""`newsriver keys`: API keys of the HTTP server."""

from __future__ import annotations

import click
from rich.table import Table

from pipelines.cli.console import err, line, out, print_json, styled, write
from pipelines.cli.context import Context


@click.group()
def keys() -> None:
    """API keys: who is not on the server's own machine needs one, unless serve.keys says otherwise."""


@keys.command()
@click.argument("name")
@click.pass_obj
def add(context: Context, name: str) -> None:
    """Make a key for NAME and print it; only its hash is kept."""
    from pipelines.web.keys import KeyStore

    write(KeyStore(context.settings.serve.keys_file).add(name) + "\n")
    err.print("This is shown once. Send it as `Authorization: Bearer KEY`; browsers and feed readers: as password.")


@keys.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """List the keys' names and when each was made."""
    from pipelines.web.keys import KeyStore

    held = KeyStore(context.settings.serve.keys_file).stored()
    if as_json:
        print_json([{"name": key.name, "made_at": key.made_at.isoformat()} for key in held])
        return
    table = Table("name", "made", box=None, pad_edge=False)
    for key in held:
        table.add_row(line(key.name), f"{key.made_at:%Y-%m-%d %H:%M}")
    out.print(table if held else "no keys; `newsriver keys add NAME` makes one")


@keys.command()
@click.argument("name")
@click.pass_obj
def revoke(context: Context, name: str) -> None:
    """Take NAME's key away; servers refuse it from the next request on."""
    from pipelines.web.keys import KeyStore

    KeyStore(context.settings.serve.keys_file).revoke(name)
    err.print(styled("the key {} is revoked", name))
