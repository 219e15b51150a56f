"""Up, down and reset of the local servers."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from pipelines.errors import StackError
from pipelines.settings import Settings
from pipelines.stack import artifacts, ports, processes
from pipelines.stack.java import Java, find_java
from pipelines.stack.parts import SERVERS, elsewhere, mark_of, process_of, server_of, software_folder
from pipelines.stack.report import Silent, StackReport
from pipelines.stack.search_page import end_search_page
from pipelines.stack.server import Server
from pipelines.stack.state import FILE_NAME, ServerState, StackState, folder, load, locked, save

_ASK_SECONDS = 0.2


def up(settings: Settings, report: StackReport | None = None) -> tuple[str, ...]:
    """Bring the servers up that the settings do not name, and wait until they answer.

    Returns:
        The parts that had to be started; empty when all were up already.

    Raises:
        StackError: something is missing, a download failed, or a server ended or did not answer in time.
    """
    report = report or Silent()
    wanted = [kind for kind in SERVERS if not elsewhere(settings, kind)]
    if not wanted:
        return ()
    directory = _checked(folder(settings))
    artifacts.make_folder(directory)
    with _alone(directory, report):
        state = load(directory) or StackState(kafka=_new_ports(), elasticsearch=_new_ports())
        servers = [server_of(kind, settings, state) for kind in wanted]
        resting = [server for server in servers if process_of(server) is None]
        if resting:
            state = _start(resting, state, settings, report)
        servers = [server_of(kind, settings, state) for kind in wanted]
        _wait(servers, settings.stack.start_timeout_seconds, report if resting else Silent())
        for server in servers:  # what was recorded at the start may have been its launcher
            state = _with(state, server.name, _recorded(server, process_of(server)))
        save(directory, state)
    return tuple(server.label for server in resting)


def down(settings: Settings, report: StackReport | None = None) -> tuple[str, ...]:
    """End the servers, gracefully while they let us.

    Returns:
        The parts that were running.
    """
    directory = folder(settings)
    if not directory.is_dir():
        return ()
    with _alone(directory, report or Silent()):
        return _stop(directory, settings, report or Silent())


def reset(settings: Settings, report: StackReport | None = None) -> bool:
    """End the servers and delete their data, configuration and logs; the downloads stay.

    Returns:
        Whether there was anything to delete.

    Raises:
        StackError: something cannot be deleted.
    """
    directory = folder(settings)
    if not directory.is_dir():
        return False
    with _alone(directory, report or Silent()):
        _stop(directory, settings, report or Silent())
        if load(directory) is None:  # without our state the folders of these names may be somebody else's
            return False
        try:
            for kind in SERVERS:
                if (directory / kind.name).exists():
                    shutil.rmtree(directory / kind.name)
            (directory / FILE_NAME).unlink()
        except OSError as error:
            raise StackError(
                f"{error.filename} cannot be deleted: {error.strerror}",
                hint="reset the stack as the user who started it",
                resource=str(directory),
            ) from None
    return True


def _start(resting: Iterable[Server], state: StackState, settings: Settings, report: StackReport) -> StackState:
    directory, software = folder(settings), software_folder(settings)
    java = find_java()
    artifacts.ensure(software, [server.artifact for server in resting], java, report)
    account = processes.server_account()
    for server in resting:
        state = _with(state, server.name, _usable_ports(server, report))
        save(directory, state)
        placed = server_of(type(server), settings, state)
        process = _launch(placed, java, account)
        report.say(f"Starting {server.label} {server.artifact.version}.")
        state = _with(state, server.name, _recorded(placed, process))
        save(directory, state)
    return state


def _launch(server: Server, java: Java, account: processes.Account | None) -> psutil.Process | None:
    try:
        launch = server.prepare(java)
        processes.hand_over(server.folder, account)
    except OSError as error:
        raise StackError(
            f"{server.label} cannot be set up: {error.filename}: {error.strerror}",
            hint="start the stack as the user who started it first, or choose another folder with "
            "--set stack.directory=...",
            resource=str(server.folder),
        ) from None
    processes.check_access(account, (server.folder, server.home / artifacts.MANIFEST, java.executable))
    return processes.start(launch, account)


def _wait(servers: Iterable[Server], seconds: float, report: StackReport) -> None:
    waiting, deadline = list(servers), time.monotonic() + seconds
    while True:
        for server in tuple(waiting):
            if server.answers():
                waiting.remove(server)
                report.say(f"{server.label} answers at {server.address}.")
            elif not processes.marked(server.mark):
                raise StackError(
                    f"{server.label} ended while it started; {server.complaint()}", resource=str(server.output)
                )
        if not waiting:
            return
        if time.monotonic() > deadline:
            late = waiting[0]
            raise StackError(
                f"{late.label} does not answer after {seconds:.0f} s; {late.complaint()}",
                hint="`newsriver stack up` waits once more, `newsriver stack down` ends it",
                resource=str(late.output),
            )
        time.sleep(_ASK_SECONDS)


def _stop(directory: Path, settings: Settings, report: StackReport) -> tuple[str, ...]:
    state = load(directory)
    found = {kind: processes.marked(mark_of(kind, directory)) for kind in SERVERS}
    running = tuple(kind.artifact.label for kind in SERVERS if found[kind])
    if end_search_page(directory):
        report.say("Stopped the search page.")
    if running:
        report.say(f"Stopping {' and '.join(running)}.")
    killed = processes.end(process for kind in SERVERS for process in found[kind])
    for kind in SERVERS:
        if set(killed) & set(found[kind]):
            report.say(f"{kind.artifact.label} did not end in {processes.STOP_SECONDS:.0f} s and was killed.")
        if state is not None:
            server = server_of(kind, settings, state)
            state = _with(state, kind.name, _recorded(server, None))
    if state is not None:
        save(directory, state)
    return running


def _recorded(server: Server, process: psutil.Process | None) -> ServerState:
    found: dict[str, float | int | str | None] = {"pid": None, "created": None}
    with suppress(psutil.Error):
        if process is not None:
            found = {"pid": process.pid, "created": process.create_time(), "version": server.artifact.version}
    return server.ports.model_copy(update=found)


def _usable_ports(server: Server, report: StackReport) -> ServerState:
    """Give the server's ports of last time, or new ones when another program has taken them meanwhile."""
    if ports.is_free(server.ports.port) and ports.is_free(server.ports.inner_port):
        return server.ports
    moved = _new_ports()
    report.say(f"{server.label}'s port {server.ports.port} is taken by another program: it moves to {moved.port}.")
    return moved


def _new_ports() -> ServerState:
    port = ports.choose()
    return ServerState(port=port, inner_port=ports.choose(taken=(port,)))


def _with(state: StackState, name: str, server: ServerState) -> StackState:
    return state.model_copy(update={name: server})


def _checked(directory: Path) -> Path:
    """Refuse a folder whose name Kafka (comma), Java's class path (colon) or a settings file (newline) would split."""
    bad = next((character for character in ",:;\n" if character in str(directory)), None)
    if bad is not None:
        raise StackError(
            f"stack.directory {str(directory)!r} has a {bad!r} in it, at which Kafka or Java would split it",
            hint="choose another folder with --set stack.directory=...",
            resource="stack.directory",
        )
    return directory


@contextmanager
def _alone(directory: Path, report: StackReport) -> Iterator[None]:
    waiting = "Another `newsriver stack` command is at work: waiting for it."
    try:
        with locked(directory / "lock", lambda: report.say(waiting)):
            yield
    except PermissionError as error:
        raise StackError(
            f"{error.filename} cannot be written: {error.strerror}",
            hint="use the stack as the user who started it, or choose another folder with --set stack.directory=...",
            resource=str(directory),
        ) from None
