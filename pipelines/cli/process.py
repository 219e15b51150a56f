"""`newsriver process`: clean, tag and index pages."""

from __future__ import annotations

import click

from pipelines.cli.context import Context
from schemas.roles import Role


@click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.option("--worker", type=click.IntRange(min=0), default=0, show_default=True, help="Share to read, from 0.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Number of shares.")
@click.argument("beam_arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def process(context: Context, worker: int, workers: int, beam_arguments: tuple[str, ...]) -> None:
    """Clean, tag and index pages until SIGTERM; unknown options go to Beam untouched.

    When most sites' pages become dead letters by a fault of ours, all copies stop with exit code 4, and stay stopped
    until `newsriver dead resume`.
    """
    if worker >= workers:
        raise click.UsageError(f"--worker {worker} is not below --workers {workers}; shares count from 0")
    context.start_logging("process")
    from pipelines.extraction import article_sandbox

    sandbox = article_sandbox(context.settings.clean)
    sandbox.prepare()  # takes as long as the imports below
    from pipelines.process.role import run
    from pipelines.process.worker import ProcessConfig
    from pipelines.runtime.frame import run_role

    config = ProcessConfig.of(context.settings, context.file)
    run_role(
        Role.PROCESS,
        context.settings,
        lambda running: run(running, config, worker, workers, beam_arguments, sandbox=sandbox),
        number=worker,
    )
