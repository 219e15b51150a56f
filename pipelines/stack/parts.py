"""Which servers a stack has, and where their processes are."""

from __future__ import annotations

from pathlib import Path

import psutil

from pipelines.settings import Settings
from pipelines.stack import processes
from pipelines.stack.elasticsearch_server import ElasticsearchServer
from pipelines.stack.kafka_server import KafkaServer
from pipelines.stack.server import Server
from pipelines.stack.state import ServerState, StackState, folder

SERVERS: tuple[type[Server], ...] = (ElasticsearchServer, KafkaServer)
"""The slower one first: they start side by side."""


def server_of(kind: type[Server], settings: Settings, state: StackState) -> Server:
    """Give one server of the stack that the settings describe."""
    heap_mb, ports = getattr(settings.stack, f"{kind.name}_heap_mb"), getattr(state, kind.name)
    return kind(stack=folder(settings), software=software_folder(settings), ports=ports, heap_mb=heap_mb)


def mark_of(kind: type[Server], directory: Path) -> str:
    """Give the mark of a server's processes without any state: how `down` finds them."""
    return kind(stack=directory, software=directory, ports=ServerState(port=0, inner_port=0), heap_mb=0).mark


def elsewhere(settings: Settings, kind: type[Server]) -> str:
    """Give the address that the settings name for this server; empty when they want the local one."""
    return settings.kafka.bootstrap_servers if kind is KafkaServer else settings.elasticsearch.url


def software_folder(settings: Settings) -> Path:
    """Give the folder of all downloaded software as an absolute path without links."""
    return settings.stack.software_directory.expanduser().resolve()


def process_of(server: Server) -> psutil.Process | None:
    """Find the server's process: the recorded one, else one with its mark; its launcher while there is no other."""
    recorded = processes.same(server.ports.pid, server.ports.created, server.mark)
    if recorded is not None and not _launches(server, recorded):
        return recorded
    return min(processes.marked(server.mark), key=lambda process: _launches(server, process), default=None)


def _launches(server: Server, process: psutil.Process) -> bool:
    try:
        return server.launcher in process.cmdline()
    except psutil.Error:
        return False
