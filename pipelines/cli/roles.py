"""`newsriver fetch`, `record`, `serve`: the commands of roles that have no options, made of the table of roles."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import click

from pipelines.cli.context import Context
from pipelines.runtime.frame import RunningRole, run_role
from pipelines.runtime.roles import ROLES


def role_command(name: str) -> click.Command:
    """Make the command of a role that the table names."""
    [spec] = (spec for spec in ROLES if spec.role == name)

    @click.command(name, help=f"{spec.about} Runs until SIGTERM.")
    @click.pass_obj
    def command(context: Context) -> None:
        context.start_logging(name)
        module, _, function = spec.start.partition(":")
        start: Callable[[RunningRole], None] = getattr(importlib.import_module(module), function)
        run_role(spec.role, context.settings, start)

    return command
