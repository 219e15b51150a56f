"""Elasticsearch on this machine: one node, loopback only, without passwords.

Settings by Elasticsearch's own names: https://www.elastic.co/guide/en/elasticsearch/reference/8.19/settings.html.
"""

from __future__ import annotations

import http.client
import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pipelines.stack.artifacts import ELASTICSEARCH, Artifact
from pipelines.stack.java import Java
from pipelines.stack.ports import LOOPBACK
from pipelines.stack.processes import Launch
from pipelines.stack.server import Server, address
from pipelines.stack.state import ServerState, write_whole

CLUSTER = "newsriver"


@dataclass(frozen=True)
class ElasticsearchServer(Server):
    """The local Elasticsearch."""

    name: ClassVar[str] = "elasticsearch"
    artifact: ClassVar[Artifact] = ELASTICSEARCH
    launcher: ClassVar[str] = "org.elasticsearch.launcher.CliToolLauncher"

    @property
    def log(self) -> Path:
        """See `Server.log`."""
        return self.folder / "logs" / f"{CLUSTER}.log"

    @property
    def address(self) -> str:
        """Its URL."""
        return f"http://{address(self.ports.port)}"

    def prepare(self, java: Java) -> Launch:
        """See `Server.prepare`.

        The distribution's `bin/elasticsearch` is missing from our source, so this is what that script runs. The
        launcher starts the server, waits until it is ready and ends (`-d`): one process stays.
        """
        self._configure()
        config, temporary = self.folder / "config", str(self.folder / "tmp")
        return Launch(
            command=(
                str(java.executable),
                "-Xms4m",
                "-Xmx64m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                f"-Djava.io.tmpdir={temporary}",
                "-Dcli.name=server",
                f"-Dcli.script={self.home}/bin/elasticsearch",
                "-Dcli.libs=lib/tools/server-cli",
                f"-Des.path.home={self.home}",
                f"-Des.path.conf={config}",
                "-Des.distribution.type=tar",
                "-Des.java.type=JAVA_HOME",
                self.mark,
                "-cp",
                f"{self.home}/lib/*:{self.home}/lib/cli-launcher/*",
                self.launcher,
                "-d",
            ),
            environment={**self.environment(java), "ES_TMPDIR": temporary, "LIBFFI_TMPDIR": temporary},
            folder=self.home,
            output=self.output,
        )

    def _configure(self) -> None:
        """Write the config folder, which is the server's own: it keeps its keystore there."""
        self.folders()
        config, shipped = self.folder / "config", self.home / "config"
        write_whole(config / "elasticsearch.yml", configuration(self.ports, self.folder))
        write_whole(config / "jvm.options", jvm_options((shipped / "jvm.options").read_text("utf-8")))
        write_whole(config / "log4j2.properties", (shipped / "log4j2.properties").read_text("utf-8"))
        (config / "jvm.options.d").mkdir(exist_ok=True)
        ours = f"-Xms{self.heap_mb}m\n-Xmx{self.heap_mb}m\n{self.mark}\n"
        write_whole(config / "jvm.options.d" / "newsriver.options", ours)

    def answers(self) -> bool:
        """Tell whether this cluster answers and every index can be read and written."""
        try:
            health = _get(self.address + "/_cluster/health?wait_for_status=yellow&timeout=1s")
        except (OSError, ValueError, http.client.HTTPException):
            return False
        return health.get("cluster_name") == CLUSTER and health.get("status") in ("yellow", "green")


def configuration(ports: ServerState, folder: Path) -> str:
    """Give the content of elasticsearch.yml."""
    settings = {
        "cluster.name": CLUSTER,
        "node.name": "local",
        "path.data": str(folder / "data"),
        "path.logs": str(folder / "logs"),
        "network.host": LOOPBACK,
        "http.port": ports.port,
        "transport.port": ports.inner_port,
        "discovery.type": "single-node",
        # Nothing but this machine can reach it; passwords and certificates would protect it from its own user.
        "xpack.security.enabled": False,
        # Otherwise a disk that is 95 % full, as a laptop's may be for years, blocks every write.
        "cluster.routing.allocation.disk.threshold_enabled": False,
        # Templates for other products' data, which would be installed at the first start.
        "xpack.apm_data.enabled": False,
        "xpack.otel_data.registry.enabled": False,
    }
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in settings.items())


def jvm_options(shipped: str) -> str:
    """Give the shipped jvm.options without its log of garbage collections: up to 2 GB that nobody reads."""
    return "".join(line for line in shipped.splitlines(keepends=True) if "-Xlog:gc" not in line)


def _get(url: str) -> dict[str, Any]:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy cannot reach our loopback address
    with direct.open(url, timeout=5) as answer:
        document: dict[str, Any] = json.load(answer)
    return document
