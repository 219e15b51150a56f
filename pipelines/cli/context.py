"""What every command is handed: the settings, read when first asked for."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipelines.settings import Settings, load_settings


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
        return [*config, *(part for assignment in self.assignments for part in ("--set", assignment))]

    @cached_property
    def settings(self) -> Settings:
        """The settings from all sources.

        Raises:
            SettingsError: see `load_settings`.
        """
        return load_settings(self.file, self.assignments)

    def start_logging(self) -> None:
        """Send log messages to stderr, one line each, from the level that the settings name."""
        level = "debug" if self.debug else self.settings.river.log_level
        logging.basicConfig(
            stream=sys.stderr,
            level=level.upper(),
            format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
            datefmt="%H:%M:%S",
            force=True,
        )
        # Beam says at every start that clients of another company's cloud are absent; the river has no use for them.
        logging.getLogger().addFilter(lambda record: "apitools not found" not in record.getMessage())
        # The client libraries report every connection; what matters of it our own modules say.
        for noisy in ("kafka", "elastic_transport", "apache_beam", "urllib3", "asyncio", "trafilatura", "htmldate"):
            logging.getLogger(noisy).setLevel("DEBUG" if self.debug else "ERROR")
