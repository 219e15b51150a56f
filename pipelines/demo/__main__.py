"""`python -m pipelines.demo` serves the sample news site alone, for a look."""

from __future__ import annotations

import threading
from pathlib import Path

import click

from pipelines.cli.console import out
from pipelines.demo.catalogue import site_index
from pipelines.demo.outlets import load_outlets
from pipelines.demo.site import SampleSite
from pipelines.demo.timetable import DEFAULT_PORT


@click.command()
@click.option("--port", default=DEFAULT_PORT, show_default=True, help="First port of the site.")
@click.option("--seed-article", type=click.Path(path_type=Path), help="Text file to serve as one page more.")
def main(port: int, seed_article: Path | None) -> None:
    """Serve the sample news site until Ctrl-C."""
    with SampleSite(port, seed_article=seed_article) as site:
        out.print(site_index(site.feed_list()))
        for outlet in load_outlets():
            out.print(f"{site.times.base(outlet.address)}/  {outlet.title}")
        threading.Event().wait()


if __name__ == "__main__":
    main()
