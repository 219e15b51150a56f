"""Kafka on this machine: one node in KRaft mode, broker and controller in one process.

Settings by Kafka's own names: https://kafka.apache.org/documentation/#configuration.
"""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pipelines.errors import StackError
from pipelines.stack.artifacts import KAFKA, Artifact
from pipelines.stack.java import Java
from pipelines.stack.ports import LOOPBACK
from pipelines.stack.processes import Launch
from pipelines.stack.server import Server, address
from pipelines.stack.state import ServerState, write_whole
from schemas.topics import MAX_RECORD_BYTES


@dataclass(frozen=True)
class KafkaServer(Server):
    """The local Kafka."""

    name: ClassVar[str] = "kafka"
    artifact: ClassVar[Artifact] = KAFKA

    @property
    def log(self) -> Path:
        """See `Server.log`."""
        return self.folder / "logs" / "server.log"

    @property
    def address(self) -> str:
        """Bootstrap address as host:port."""
        return address(self.ports.port)

    def prepare(self, java: Java) -> Launch:
        """See `Server.prepare`; the data folder is formatted when it is new.

        Raises:
            StackError: formatting failed.
        """
        self.folders()
        config = self.folder / "config" / "server.properties"
        logging = self.folder / "config" / "log4j2.properties"
        write_whole(config, properties(self.ports, self.folder / "data"))
        write_whole(logging, log_properties(self.log))
        self._format(java)
        return Launch(
            command=(
                str(java.executable),
                f"-Xmx{self.heap_mb}m",
                "-XX:+ExitOnOutOfMemoryError",
                "-Djava.awt.headless=true",
                # The compression libraries unpack their native code there; /tmp may forbid to run it.
                f"-Djava.io.tmpdir={self.folder / 'tmp'}",
                f"-Dlog4j2.configurationFile={logging}",
                self.mark,
                "-cp",
                f"{self.home}/*",
                "kafka.Kafka",
                str(config),
            ),
            environment=self.environment(java),
            folder=self.folder / "logs",
            output=self.output,
        )

    def answers(self) -> bool:
        """Tell whether the broker answers a client."""
        try:
            socket.create_connection((LOOPBACK, self.ports.port), timeout=2).close()
        except OSError:
            return False
        from pipelines.kafka import is_reachable

        return is_reachable(self.address)

    def _format(self, java: Java) -> None:
        """Format the data folder under another name, so that a crash in the middle leaves no half-formatted one."""
        data = self.folder / "data"
        if (data / "meta.properties").exists():
            return
        fresh, config = self.folder / "data.partial", self.folder / "config" / "format.properties"
        shutil.rmtree(fresh, ignore_errors=True)
        write_whole(config, properties(self.ports, fresh))
        answer = subprocess.run(
            [
                str(java.executable),
                "-XX:TieredStopAtLevel=1",  # it runs for a second: compiling well costs more than it gains
                "-cp",
                f"{self.home}/*",
                "kafka.tools.StorageTool",
                "format",
                "--cluster-id",
                new_cluster_id(),
                "--config",
                str(config),
            ],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if answer.returncode != 0:
            last = (answer.stderr.strip() or answer.stdout.strip() or "it said nothing").splitlines()[-1]
            raise StackError(f"Kafka's data folder {data} cannot be formatted: {last}", resource=str(data))
        config.unlink()
        fresh.replace(data)


def properties(ports: ServerState, data: Path) -> str:
    """Give the content of server.properties for one node that is broker and controller."""
    broker, controller = address(ports.port), address(ports.inner_port)
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{broker}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(data).replace("\\", "\\\\"),
        "message.max.bytes": str(MAX_RECORD_BYTES),
        "replica.fetch.max.bytes": str(MAX_RECORD_BYTES),
        # A misspelt topic is an error, not a new topic.
        "auto.create.topics.enable": "false",
        # One broker: no copies, and few partitions for its own topics, which it opens and closes at each start.
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # A group's first member need not wait for others: a role starts reading at once.
        "group.initial.rebalance.delay.ms": "0",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def log_properties(log: Path) -> str:
    """Give a Log4j configuration: a file of at most 10 MB and three older ones; errors go to the output as well."""
    return f"""\
status = error
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = {log}
appender.file.filePattern = {log}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = [%d] %p %m (%c)%n
appender.file.policies.type = SizeBasedTriggeringPolicy
appender.file.policies.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 3
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d] %p %m (%c)%n
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
rootLogger.appenderRef.console.ref = console
rootLogger.appenderRef.console.level = error
"""


def new_cluster_id() -> str:
    """Make a cluster id as Kafka does: 16 random bytes in URL-safe base64 without padding, no dash in front."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text
