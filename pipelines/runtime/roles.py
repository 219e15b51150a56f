"""The roles as data: what each is for, how it starts, how many copies `newsriver run` starts of it.

The commands, the supervisor, `newsriver status` and docs/reference.md follow this table; which topics a role reads and
writes is said by the topics (`schemas/topics.py`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.roles import Role

if TYPE_CHECKING:
    from pipelines.settings import Settings


def _one(settings: Settings) -> int:  # noqa: ARG001 - the others ask the settings
    return 1


def _one_per_core(settings: Settings) -> int:
    return settings.process.workers or os.cpu_count() or 1


def _one_if_wanted(settings: Settings) -> int:
    return int(settings.serve.websub or settings.serve.with_run)


@dataclass(frozen=True, kw_only=True)
class RoleSpec:
    """One role as it is declared.

    Attributes:
        role: its name, which is its command's and with the river's its consumer group's.
        about: one sentence for the help and the reference.
        start: `module:function` that works until it is told to stop, of a `RunningRole` (`pipelines.runtime.frame`).
        own_command: whether its command has options and so a module of its own in `cli/`, which calls `start`.
        grouped: whether its copies share partitions through a consumer group.
        commits: whether that group's committed offsets say what it has yet to do.
        reads_lists: whether it is handed the feed lists that `run` was given.
        numbered: whether each copy is told which share of the partitions is its own, and has a number in its name.
        needs_elasticsearch: whether it works only while Elasticsearch answers.
        copies: how many `newsriver run` starts.
        copies_about: the same for people.
    """

    role: Role
    about: str
    start: str
    own_command: bool = False
    grouped: bool = True
    commits: bool = True
    reads_lists: bool = False
    numbered: bool = False
    needs_elasticsearch: bool = False
    copies: Callable[[Settings], int] = _one
    copies_about: str = "one"


ROLES: tuple[RoleSpec, ...] = (
    RoleSpec(
        role=Role.POLL,
        about="Ask feeds for new entries and put them on Kafka.",
        start="pipelines.poll.poller:run",
        own_command=True,
        commits=False,
        reads_lists=True,
    ),
    RoleSpec(
        role=Role.FETCH,
        about="Fetch the entries' pages and put them on Kafka.",
        start="pipelines.fetch.fetcher:run",
    ),
    RoleSpec(
        role=Role.PROCESS,
        about="Clean, tag and index pages: the Beam job.",
        start="pipelines.process.role:run",
        own_command=True,
        numbered=True,
        needs_elasticsearch=True,
        copies=_one_per_core,
        copies_about="`process.workers`, by default one per core",
    ),
    RoleSpec(
        role=Role.RECORD,
        about="Index the outcomes: the ledger.",
        start="pipelines.ledger.recorder:run",
        needs_elasticsearch=True,
    ),
    RoleSpec(
        role=Role.SERVE,
        about="The HTTP server: search page, API, and pushes from WebSub hubs.",
        start="pipelines.web.role:run",
        grouped=False,
        commits=False,
        needs_elasticsearch=True,
        copies=_one_if_wanted,
        copies_about="one where `serve.with_run` or `serve.websub` is set",
    ),
)
"""In the order of the river."""
