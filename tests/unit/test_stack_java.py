from pathlib import Path

import pytest

from pipelines.errors import StackError
from pipelines.stack import java
from pipelines.stack.java import Java, find_java, find_maven, install_line, parse_java

SETTINGS = """\
Property settings:
    file.encoding = UTF-8
    java.class.version = 61.0
    java.home = {home}
    java.specification.name = Java Platform API Specification
    java.specification.version = {version}
    java.vm.specification.version = {version}
    line.separator = \\n

openjdk version "{version}" 2025-04-15
"""


@pytest.mark.parametrize(
    ("specification", "release"),
    [("1.8", 8), ("9", 9), ("11", 11), ("17", 17), ("21", 21), ("25", 25)],
)
def test_reads_the_feature_release(specification: str, release: int) -> None:
    text = SETTINGS.format(home="/usr/lib/jvm/a", version=specification)
    assert parse_java(text) == Java(home=Path("/usr/lib/jvm/a"), version=release)


def test_reads_a_home_with_spaces() -> None:
    found = parse_java(SETTINGS.format(home="/Library/Java Machines/21/Home", version="21"))
    assert found is not None
    assert found.executable == Path("/Library/Java Machines/21/Home/bin/java")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Unable to locate a Java Runtime.",
        "    java.home = /x",
        "    java.home = /x\n    java.specification.version = soon",
    ],
)
def test_anything_else_is_no_java(text: str) -> None:
    assert parse_java(text) is None


def _java(folder: Path, release: int) -> Path:
    """Lay a program `java` that says it is this release."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    text = SETTINGS.format(home=folder, version=release)
    program.write_text(f"#!/bin/sh\ncat >&2 <<'TEXT'\n{text}TEXT\n")
    program.chmod(0o755)
    return program.parent


def test_java_home_comes_first(tmp_path: Path) -> None:
    _java(tmp_path / "home", 21)
    path = _java(tmp_path / "path", 17)
    found = find_java({"JAVA_HOME": str(tmp_path / "home"), "PATH": f"{path}:/usr/bin:/bin"})
    assert found == Java(home=tmp_path / "home", version=21)


def test_an_old_java_home_is_passed_over(tmp_path: Path) -> None:
    _java(tmp_path / "home", 11)
    path = _java(tmp_path / "path", 17)
    found = find_java({"JAVA_HOME": str(tmp_path / "home"), "PATH": f"{path}:/usr/bin:/bin"})
    assert found == Java(home=tmp_path / "path", version=17)


def test_a_java_that_is_too_old_is_named(tmp_path: Path) -> None:
    path = _java(tmp_path / "path", 11)
    with pytest.raises(
        StackError, match=r"Java 17 or newer is needed and only Java 11 is in .*/path; install it with `"
    ):
        find_java({"PATH": f"{path}:/usr/bin:/bin"})


@pytest.mark.parametrize("home", ["", "/nowhere"])
def test_no_java_says_what_to_type(tmp_path: Path, home: str) -> None:
    with pytest.raises(StackError, match=r"no Java was found; install it with `"):
        find_java({"JAVA_HOME": home, "PATH": str(tmp_path)})


def test_no_maven_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"`mvn` was not found; install it with `"):
        find_maven({"PATH": str(tmp_path)})


@pytest.mark.parametrize(
    ("manager", "root", "line"),
    [
        ("apt-get", True, "apt-get install -y maven"),
        ("apt-get", False, "sudo apt-get install -y maven"),
        ("dnf", False, "sudo dnf install -y maven"),
        ("brew", False, "brew install maven"),
        ("pacman", False, "your package manager: maven"),
    ],
)
def test_the_line_that_installs(monkeypatch: pytest.MonkeyPatch, manager: str, root: bool, line: str) -> None:
    monkeypatch.setattr(java.shutil, "which", lambda name: f"/usr/bin/{name}" if name == manager else None)
    monkeypatch.setattr(java.os, "geteuid", lambda: 0 if root else 1000)
    assert install_line("maven") == line
