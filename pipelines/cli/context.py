"""What every command is handed: the settings, read when first asked for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipelines.cli.console import complain
from pipelines.runtime.logs import configure
from pipelines.settings import Settings, load_settings, unknown_variables
from pipelines.worker_environment import PARENT


@dataclass
class Context:
    """The global options of one call.

    Attributes:
        file: settings file named on the command line.
        assignments: `--set section.key=value` arguments.
        debug: whether errors show their trace.
    """

    file: Path | None = None
    assignments: tuple[str, ...] = ()
    debug: bool = False

    @property
    def arguments(self) -> list[str]:
        """The global options again, for a process started by this one."""
        config = ["--config", str(self.file)] if self.file else []
        debug = ["--debug"] if self.debug else []
        return [*config, *debug, *(part for assignment in self.assignments for part in ("--set", assignment))]

    @cached_property
    def settings(self) -> Settings:
        """The settings from all sources.

        Raises:
            SettingsError: see `load_settings`.
        """
        found = load_settings(self.file, self.assignments)
        if PARENT not in os.environ:  # else the supervisor has said it
            for warning in unknown_variables(os.environ):
                complain(f"newsriver: {warning}")
        return found

    def start_logging(self, role: str) -> None:
        """Send log messages of a role to stderr as the settings say."""
        river = self.settings.river
        configure(role, "debug" if self.debug else river.log_level, river.log_format, libraries=self.debug)
