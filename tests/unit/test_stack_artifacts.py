import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.errors import StackError
from pipelines.stack.artifacts import ELASTICSEARCH, KAFKA, MANIFEST, Artifact, ensure, is_whole, place, seal, unpack
from pipelines.stack.java import Java
from pipelines.stack.maven import Maven
from pipelines.stack.report import Silent, StackReport

JAVA = Java(home=Path("/no/java"), version=17)


class Crash(BaseException):
    """What a process feels that is killed: no handler of ours may tidy up after it."""


@dataclass(frozen=True)
class Toy(Artifact):
    """Software of two files, whose download can break off in the middle."""

    crash: bool = False

    def fetch(self, maven: Maven, target: Path, report: StackReport) -> None:
        """Write one file, and the other one too unless it is to break off."""
        (maven.folder / "repository").mkdir(exist_ok=True)
        (target / "lib").mkdir()
        (target / "lib" / "one.jar").write_bytes(b"1111")
        if self.crash:
            raise Crash
        (target / "two.jar").write_bytes(b"22")
        report.progress("toy", 1, 1)


def _toy(*, crash: bool = False) -> Toy:
    return Toy(label="Toy", version="1", download_bytes=6, expected=("lib/one.jar", "two.jar"), crash=crash)


@pytest.fixture(autouse=True)
def _a_maven_in_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "mvn"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def test_software_is_brought_once_and_maven_leaves_nothing(tmp_path: Path) -> None:
    software = tmp_path / "software"
    ensure(software, [_toy()], JAVA, Silent())
    assert is_whole(place(software, _toy()))
    assert sorted(path.name for path in software.iterdir()) == ["lock", "toy-1"]
    ensure(software, [_toy(crash=True)], JAVA, Silent())  # it would crash if it were fetched again


def test_a_crash_in_the_middle_is_never_taken_for_whole(tmp_path: Path) -> None:
    software = tmp_path / "software"
    with pytest.raises(Crash):
        ensure(software, [_toy(crash=True)], JAVA, Silent())
    assert not is_whole(place(software, _toy()))
    ensure(software, [_toy()], JAVA, Silent())
    assert is_whole(place(software, _toy()))
    assert sorted(path.name for path in software.iterdir()) == ["lock", "toy-1"]


@pytest.mark.parametrize("damage", ["truncated", "deleted", "no manifest", "broken manifest"])
def test_damaged_software_is_brought_anew(tmp_path: Path, damage: str) -> None:
    software = tmp_path / "software"
    ensure(software, [_toy()], JAVA, Silent())
    target = place(software, _toy())
    if damage == "truncated":
        (target / "lib" / "one.jar").write_bytes(b"11")
    elif damage == "deleted":
        (target / "two.jar").unlink()
    elif damage == "no manifest":
        (target / MANIFEST).unlink()
    else:
        (target / MANIFEST).write_text("{")
    assert not is_whole(target)
    ensure(software, [_toy()], JAVA, Silent())
    assert is_whole(target)
    assert (target / "lib" / "one.jar").read_bytes() == b"1111"


def test_a_download_without_an_expected_file_is_refused(tmp_path: Path) -> None:
    software = tmp_path / "software"
    toy = Toy(label="Toy", version="1", download_bytes=6, expected=("three.jar",))
    with pytest.raises(StackError, match=r"the download lacks three\.jar"):
        ensure(software, [toy], JAVA, Silent())
    assert not is_whole(place(software, toy))


def test_maven_is_not_needed_for_what_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    software = tmp_path / "software"
    ensure(software, [_toy()], JAVA, Silent())
    monkeypatch.setenv("PATH", "")
    ensure(software, [_toy()], JAVA, Silent())
    with pytest.raises(StackError, match="Maven is needed"):
        ensure(tmp_path / "other", [_toy()], JAVA, Silent())


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match=r"the folder .*/file/software cannot be made: Not a directory; choose"):
        ensure(tmp_path / "file" / "software", [_toy()], JAVA, Silent())


def test_too_little_room_is_said_before_the_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.stack.artifacts.FREE_BYTES", 10**18)
    with pytest.raises(StackError, match=r"has \d+\.\d GB free and 1000000000\.0 GB are needed"):
        ensure(tmp_path / "software", [_toy(crash=True)], JAVA, Silent())


def test_mavens_own_words_reach_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.stack.maven.time.sleep", lambda _: None)
    calls = tmp_path / "calls"
    (tmp_path / "bin" / "mvn").write_text(f"#!/bin/sh\necho . >>{calls}\necho '[ERROR] no route to host'\nexit 1\n")
    with pytest.raises(
        StackError, match=r"Maven could not download: no route to host \[copy-dependencies\]; see .*maven\.log"
    ):
        ensure(tmp_path / "software", [KAFKA], JAVA, Silent())
    assert calls.read_text().count(".") == 3
    assert not is_whole(place(tmp_path / "software", KAFKA))


def test_others_can_read_what_root_brings(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir(mode=0o700)
    (tmp_path / "lib" / "a.jar").touch(mode=0o600)
    seal(tmp_path, ["lib/a.jar"])
    assert (tmp_path / "lib").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "lib" / "a.jar").stat().st_mode & 0o777 == 0o644
    assert is_whole(tmp_path)


class Heard(Silent):
    """Keeps the progress it hears of."""

    def __init__(self) -> None:
        self.progressed: list[tuple[int, int]] = []

    def progress(self, what: str, done: int, total: int) -> None:  # noqa: ARG002 - the protocol's signature
        """Keep the figures."""
        self.progressed.append((done, total))


def _archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_one_folder_is_unpacked_and_nothing_else(tmp_path: Path) -> None:
    archive = _archive(
        tmp_path / "a.zip",
        {
            "top-1/elasticsearch/lib/a.jar": b"aaaa",
            "top-1/elasticsearch/b": b"bb",
            "top-1/web/c": b"c",
            "elasticsearch/d": b"d",
        },
    )
    heard = Heard()
    unpack(archive, "elasticsearch", tmp_path / "out", heard)
    found = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found == {"lib/a.jar", "b"}
    assert heard.progressed == [(4, 6), (6, 6)]


def test_no_member_leaves_the_target(tmp_path: Path) -> None:
    archive = _archive(
        tmp_path / "a.zip", {"top/elasticsearch/../../../out.txt": b"x", "top/elasticsearch//etc/y": b"y"}
    )
    target = tmp_path / "deep" / "target"
    unpack(archive, "elasticsearch", target, Silent())
    outside = [path for path in tmp_path.rglob("*") if path.is_file() and target not in path.parents]
    assert sorted(path.name for path in outside) == ["a.zip", "mvn"]


@pytest.mark.parametrize("cut", [0, 10, 60, -30])
def test_a_broken_archive_is_thrown_away(tmp_path: Path, cut: int) -> None:
    archive = _archive(tmp_path / "a.zip", {"top/elasticsearch/a": os.urandom(1000)})
    archive.write_bytes(archive.read_bytes()[:cut])
    with pytest.raises(StackError, match=r"a\.zip is broken: .*; try again"):
        unpack(archive, "elasticsearch", tmp_path / "out", Silent())
    assert not archive.exists()


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    archive = _archive(tmp_path / "a.zip", {"top/elasticsearch/a": os.urandom(1000)})
    content = bytearray(archive.read_bytes())
    content[500] ^= 1
    archive.write_bytes(content)
    with pytest.raises(StackError, match=r"a\.zip is broken"):
        unpack(archive, "elasticsearch", tmp_path / "out", Silent())


@pytest.mark.parametrize("artifact", [KAFKA, ELASTICSEARCH])
def test_the_real_artifacts_name_their_version_in_what_they_expect(artifact: Artifact) -> None:
    assert any(artifact.version in name for name in artifact.expected)
    assert place(Path("/s"), artifact).name == f"{artifact.label.lower()}-{artifact.version}"
