"""A second river on the same servers, with feeds of its own: neither may see anything of the other."""

from __future__ import annotations

from contextlib import ExitStack, closing

from pipelines.index.elastic import connect
from pipelines.index.provision import provision
from pipelines.lab.chaos import harvest, last_month
from pipelines.lab.chaos.plan import FaultKind, hostile
from pipelines.lab.chaos.rig import Rig, wait_for
from pipelines.lab.chaos.river import RIVER, Sites, flowing, options
from pipelines.lab.chaos.site import press
from pipelines.lab.chaos.verdict import Accounts
from pipelines.stack.ports import choose

NAME = f"{RIVER}-two"
"""It begins as the first one's name does: no pattern of that may take it in."""

_ARTICLES = 60
_PATIENCE_SECONDS = 180.0


def run(rig: Rig) -> Accounts:
    """Let it read all its articles, end it, and draw up its accounts.

    Raises:
        NewsriverError: it does not start, or does not come to an end.
    """
    own = press(_ARTICLES, rig.press.plan.seed + 1, choose(), only=(FaultKind.RIVER,))
    nothing = hostile(own.plan, choose(), apart=own.apart)
    kafka, elasticsearch = rig.river.kafka.bootstrap_servers, rig.river.elasticsearch.url
    settings, arguments = rig.apply(
        [*options(own.networks, kafka, elasticsearch), f"river.name={NAME}", "process.workers=1"]
    )
    home = rig.home / "second"
    home.mkdir(exist_ok=True)
    provision(settings)
    last_month.announce(settings, own)
    with ExitStack() as ending:
        sites = ending.enter_context(Sites(own, nothing, home))
        ending.enter_context(flowing(settings, own.feed_lists()[0], home, arguments))
        sites.reveal(_ARTICLES)
        with closing(connect(settings)) as client:
            every = len(own.numbers)
            wait_for(lambda: harvest.ended(client, NAME) >= every, f"all articles of {NAME}", _PATIENCE_SECONDS)
    return harvest.accounts(settings, own, unreadable=0)
