"""`newsriver dead resume`: let a role go on that stopped because of a fault of ours."""

from __future__ import annotations

import getpass

import click

from pipelines.cli.console import err, line, out, print_json
from pipelines.cli.context import Context


def current_user() -> str:
    """Give the name of whoever runs the command; empty where there is none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return ""


@click.command()
@click.option("--note", default="", metavar="TEXT", help="Why, e.g. what was mended.")
@click.option("--by", default=current_user, help="Who does it (default: your user name).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def resume(context: Context, note: str, by: str, as_json: bool) -> None:
    """Let `process` go on after it stopped because most sites' pages died by a fault of ours.

    Mend the fault first; copies that `newsriver run` supervises are then started again, others you start. What was set
    aside stays a dead letter until you `replay` it.
    """
    from pipelines.breaker.state import reset
    from pipelines.status import stopped_as_json

    state = reset(context.settings, by, note)
    if as_json:
        print_json({"resumed": state is not None, "stopped": stopped_as_json(state)})
    elif state is None:
        out.print("process has not stopped: nothing to resume")
    else:
        reason = state.reason.partition(": ")[2]
        out.print(line(f"{state.role} may go on; it had stopped at {state.at:%Y-%m-%d %H:%M:%S} UTC"))
        err.print(line(f"`newsriver dead replay --reason {reason}` sends what was set aside through the river again"))
