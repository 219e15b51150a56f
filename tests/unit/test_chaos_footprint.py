"""What the lab finds in logs and in the memory of processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.lab.chaos.footprint import Footprint, peak_mb, raw_lines
from pipelines.runtime.supervisor import Supervisor, Worker


@pytest.mark.parametrize(
    "raw", [b"\x1b[31m", b"\x07", b"\r", b"\x00", b"\xc2\x9b31m", b"\xe2\x80\xaeexe", b"\xe2\x81\xa6", b"\x7f"]
)
def test_what_a_terminal_would_obey_is_found(raw: bytes, tmp_path: Path) -> None:
    log = tmp_path / "roles.log"
    log.write_bytes(b"a good line\n404 " + raw + b"\nanother\n")
    [line] = raw_lines([log])
    assert line.startswith("'404 ")
    assert line.isascii()
    assert line.isprintable()


def test_honest_text_is_not(tmp_path: Path) -> None:
    log = tmp_path / "roles.log"
    log.write_text("Größe\tท่าเรือ «–» “quoted” … 日本 \\x1b[31m\n", encoding="utf-8")
    assert list(raw_lines([log])) == []


def test_the_peak_is_the_most_that_a_process_ever_took() -> None:
    held = "import sys; a = bytearray(150_000_000); del a; print(flush=True); sys.stdin.read()"
    process = subprocess.Popen([sys.executable, "-c", held], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        assert 150 < peak_mb(process.pid) < 300
        assert peak_mb(os.getpid()) > 20
        supervisor = Supervisor([Worker("fetch", ["fetch"], process=process)])
        with Footprint(supervisor) as footprint:
            while "fetch" not in footprint.peaks:  # the test's own limit ends it
                pass
        assert footprint.peaks["fetch"] > 150
    finally:
        process.communicate()
