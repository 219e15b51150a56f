"""Which Java runs the servers and which Maven brings them, and what to type when one is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import StackError

OLDEST = 17
"""Kafka 4 and Elasticsearch 8 both need Java 17 or newer."""

# Debian's default-jre is Java 17 or newer since Debian 12 and Ubuntu 24.04.
_PACKAGES = {
    "apt-get": ("apt-get install -y", {"java": "default-jre-headless", "maven": "maven"}),
    "dnf": ("dnf install -y", {"java": "java-21-openjdk-headless", "maven": "maven"}),
    "brew": ("brew install", {"java": "openjdk@21", "maven": "maven"}),
}

_PROPERTY = re.compile(r"^\s*([a-z.]+) = (.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Java:
    """One Java runtime.

    Attributes:
        home: its folder, what JAVA_HOME would name.
        version: its feature release: 8, 11, 17, 21.
    """

    home: Path
    version: int

    @property
    def executable(self) -> Path:
        """The program `java`."""
        return self.home / "bin" / "java"


def find_java(environment: Mapping[str, str] = os.environ) -> Java:
    """Find a Java that is new enough: JAVA_HOME's, else the first of PATH.

    Raises:
        StackError: there is none; the message names what was found instead.
    """
    candidates = []
    if environment.get("JAVA_HOME"):
        candidates.append(str(Path(environment["JAVA_HOME"]) / "bin" / "java"))
    on_path = shutil.which("java", path=environment.get("PATH"))
    if on_path:
        candidates.append(on_path)
    found = [java for java in map(_ask, candidates) if java is not None]
    for java in found:
        if java.version >= OLDEST:
            return java
    instead = f"only Java {found[0].version} is in {found[0].home}" if found else "no Java was found"
    raise StackError(
        f"Java {OLDEST} or newer is needed and {instead}",
        hint=f"install it with `{install_line('java')}`",
        resource="Java",
    )


def find_maven(environment: Mapping[str, str] = os.environ) -> Path:
    """Find Maven's program `mvn` in PATH.

    Raises:
        StackError: it is not there.
    """
    found = shutil.which("mvn", path=environment.get("PATH"))
    if found is None:
        raise StackError(
            "Maven is needed to download the servers and `mvn` was not found",
            hint=f"install it with `{install_line('maven')}`",
            resource="mvn",
        )
    return Path(found)


def parse_java(text: str) -> Java | None:
    """Read what `java -XshowSettings:properties -version` prints; None when it is something else.

    The specification version is `1.8` for Java 8 and the bare feature release since (JEP 223).
    """
    properties = dict(_PROPERTY.findall(text))
    version = re.fullmatch(r"(?:1\.)?(\d+)", properties.get("java.specification.version", ""))
    home = properties.get("java.home")
    return Java(home=Path(home), version=int(version[1])) if version and home else None


def install_line(what: str) -> str:
    """Give the command that installs `java` or `maven` here, by the package manager that this machine has."""
    for manager, (command, packages) in _PACKAGES.items():
        if shutil.which(manager):
            privilege = "" if manager == "brew" or os.geteuid() == 0 else "sudo "
            return f"{privilege}{command} {packages[what]}"
    return f"your package manager: {what}"


def _ask(executable: str) -> Java | None:
    try:
        answer = subprocess.run(
            [executable, "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_java(answer.stderr)
