"""The command line: a table of commands, each imported only when it is called."""

from __future__ import annotations

import pipelines.runtime.early  # noqa: F401 - before all else

# isort: split
import difflib
import importlib
import logging
import os
import sys
import traceback
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import click

from pipelines import __version__
from pipelines.cli.console import HUNG_UP, ReaderGoneError, complain, err, readers
from pipelines.cli.context import Context
from pipelines.errors import NewsriverError
from pipelines.printable import escaped_line
from pipelines.runtime.logs import in_json
from pipelines.runtime.roles import ROLES

log = logging.getLogger(__name__)

COMMANDS: dict[str, str] = {
    "demo": "The whole river on a sample news site: what to try first.",
    "run": "The whole river on your own feeds, until Ctrl-C.",
    **{str(spec.role): spec.about for spec in ROLES},
    "keys": "API keys of the HTTP server: add, list, revoke.",
    "stack": "Kafka and Elasticsearch on this machine, without Docker.",
    "setup": "Create topics and index templates, or show what would change.",
    "dashboards": "The dashboards for Kibana: export, push, check.",
    "doctor": "Check this machine and the servers, and say what to do.",
    "status": "What the river holds and what is waiting where.",
    "tap": "The records of a topic as they come.",
    "dead": "What could not be processed: list, show, replay, park, resume.",
    "reconcile": "Prove that nothing is lost: every visit ended or in flight.",
    "trace": "Every step of one article, by URL or id.",
    "chaos": "A fault lab: break everything and prove that nothing is lost.",
    "config": "Show the settings, or write a file with all of them.",
    "feeds": "The feed list: discover, check, list, pause, import, export.",
    "bench": "How fast the river is on this machine, each part against its floor.",
    "extract": "One page as the river would index it, without any server.",
    "search": "Search the articles.",
    "count": "Count the articles that a search finds.",
    "timeline": "Articles over time, and their share of all.",
    "top": "Articles by source, site, language, topic, author or rights.",
    "terms": "What stands out in an answer against all the rest.",
    "similar": "Articles like one.",
    "article": "One article, whole, by URL or id.",
    "history": "What changed in one article: its texts, word by word.",
    "export": "All articles that a search finds, as lines of JSON.",
    "suggest": "Complete what is being typed.",
    "topics": "The topics and how many articles have each.",
    "sources": "The sources of the articles.",
    "alerts": "Saved searches: webhooks, e-mail, feeds of what is new.",
}
"""Name and one line of help; the command itself is `pipelines.cli.<name>:<name>`, or made of a role's row."""


class Commands(click.Group):
    """A group that knows its commands' help without importing them, and ends when nobody reads what they print."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - click's signature
    ) -> click.Context:
        """Read the arguments, which may print help."""
        with readers():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run the command."""
        with readers():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import one command."""
        if name not in COMMANDS:
            return None
        if any(name == spec.role and not spec.own_command for spec in ROLES):
            from pipelines.cli.roles import role_command

            return role_command(name)
        module = importlib.import_module(f"pipelines.cli.{name}")
        command: click.Command = getattr(module, name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands with their help from the table, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, or name the nearest one.

        Raises:
            click.UsageError: there is no such command.
        """
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean {near[0]}?" if near else "`newsriver --help` lists all commands"
            raise click.UsageError(f"no such command: {args[0]}; {hint}")
        return super().resolve_command(ctx, args)


def _settings_beginning(ctx: click.Context, param: click.Parameter, start: str) -> list[str]:  # noqa: ARG001 - click's signature
    """Complete the value of --set."""
    from pipelines.settings import option_names

    return [f"{name}=" for name in option_names() if name.startswith(start)]


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option("--config", "file", type=click.Path(path_type=Path), help="Settings file (default: ./newsriver.toml).")
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="SECTION.KEY=VALUE",
    shell_complete=_settings_beginning,
    help="Set one option; repeatable.",
)
@click.option("-q", "--quiet", is_flag=True, help="Only results, warnings and errors.")
@click.option("-v", "--verbose", is_flag=True, help="Log what is done in detail.")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="How messages are logged: text or json.")
@click.option("--debug", is_flag=True, help="As -v, with traces and the client libraries' messages.")
@click.version_option(__version__, message="newsriver %(version)s")
@click.pass_context
def newsriver(
    ctx: click.Context,
    file: Path | None,
    assignments: tuple[str, ...],
    quiet: bool,
    verbose: bool,
    log_format: str | None,
    debug: bool,
) -> None:
    """Newsriver: every article of the feeds you care about, clean, tagged and searchable, and none lost."""
    if quiet and (verbose or debug):
        raise click.UsageError("-q says less and -v or --debug says more; give one of them")
    err.quiet = quiet
    # As settings they reach the processes that a command starts.
    said = {"river.log_level": "warning" if quiet else "debug" if verbose else "", "river.log_format": log_format}
    flags = tuple(f"{name}={value}" for name, value in said.items() if value)
    _warn_of_secrets(assignments)
    ctx.obj = Context(file=file, assignments=(*assignments, *flags), debug=debug)


def _warn_of_secrets(assignments: tuple[str, ...]) -> None:
    """Say which secrets stand on the command line, where every user of the machine can read them."""
    from pipelines.settings import ENVIRONMENT_PREFIX, secrets_among

    for name in secrets_among(assignments):
        variable = ENVIRONMENT_PREFIX + name.upper().replace(".", "__", 1)
        err.print(f"newsriver: --set {name} shows a secret in the list of processes; set {variable} instead")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit.

    0 ok, 1 failed, 2 wrong usage, 3 a service is not reachable, 4 stopped until a person lets it go on (`newsriver dead
    resume`), 130 interrupted, 141 the reader of a pipe hung up.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a title in Thai on a terminal of Latin-1, as on stderr
    status = _run(arguments)
    try:
        sys.stdout.flush()  # what is left must not fail when Python ends: it would complain, and exit with 120
    except BrokenPipeError:
        status = _hung_up()
    sys.exit(status)


def _run(arguments: list[str]) -> int:
    """Run one command; every error becomes one line on stderr and an exit code."""
    try:
        result = newsriver.main(arguments, prog_name="newsriver", standalone_mode=False)
    except ReaderGoneError:
        return _hung_up()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last line of defence: a bug is one line too
        if "--debug" in arguments:
            complain(traceback.format_exc().rstrip())
        text, exit_code = _explain(error)
        if in_json():
            log.critical(text)
        else:
            complain(text)
        return exit_code
    return result if isinstance(result, int) else 0


def _hung_up() -> int:
    """Send what is still to be printed nowhere, without a word, and give the exit code."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    return HUNG_UP


def _explain(error: BaseException) -> tuple[str, int]:
    """Give an error's one line and its exit code."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return error.format_message(), 2  # the help, as click does: nothing was done
    if isinstance(error, click.ClickException):
        said, exit_code = _one_line(error), error.exit_code
    elif isinstance(error, NewsriverError):
        said, exit_code = str(error), error.exit_code
    elif isinstance(error, KeyboardInterrupt | click.Abort):
        said, exit_code = "interrupted", 130
    else:
        said, exit_code = f"unexpected {type(error).__name__}: {error}; --debug shows the trace", 1
    return f"newsriver: {escaped_line(said)}", exit_code


def _one_line(error: click.ClickException) -> str:
    """Say what was wrong with the call and what is nearest to it."""
    text = " ".join(error.format_message().split())
    if isinstance(error, click.UsageError) and error.ctx is not None and ";" not in text and "?" not in text:
        text += f" (see `{error.ctx.command_path} --help`)"
    return text
