"""The command line as a whole: what it imports, how it fails, what it exits with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.cli import COMMANDS, newsriver
from pipelines.cli.console import safe

HEAVY = ("apache_beam", "elasticsearch", "trafilatura", "aiohttp", "kafka")


PAGE = str(Path(__file__).parents[1] / "data" / "pages" / "news.html")


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelines", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_help_imports_no_heavy_client() -> None:
    code = (
        "import sys\nfrom pipelines.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    status = end.code\n"
        f"print([name for name in {HEAVY} if name in sys.modules], status, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.strip() == "[] 0"
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_exists_and_has_help(name: str) -> None:
    command = newsriver.get_command(None, name)  # type: ignore[arg-type]  # the table needs no context
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serch", "x"], "no such command: serch; did you mean search?"),
        (["search", "--sinse", "2d", "x"], "--since"),
        (["--set", "kafka.partition=3", "config", "show"], "did you mean kafka.partitions?"),
        (["config", "shwo"], "shwo"),
        (["process", "--worker", "2", "--workers", "2"], "--worker 2 is not below --workers 2"),
    ],
)
def test_wrong_usage_is_one_line_that_names_the_nearest(arguments: list[str], message: str) -> None:
    done = call(*arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "both"),
    [
        (["--help"], False),
        (["config", "show"], False),
        (["extract", PAGE], False),
        (["extract", PAGE, "--json"], False),
        (["extract", PAGE], True),
    ],
)
def test_a_reader_that_hangs_up_ends_a_command_quietly(arguments: list[str], both: bool) -> None:
    ours, theirs = os.pipe()
    os.close(ours)  # as `head` does when it has read enough, only sooner
    with os.fdopen(theirs, "wb") as gone:
        command = [sys.executable, "-m", "pipelines", *arguments]
        done = subprocess.run(
            command, stdout=gone, stderr=gone if both else subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert (done.returncode, done.stderr or "") == (141, "")


def test_head_gets_its_line_and_nobody_complains() -> None:
    script = f'"{sys.executable}" -m pipelines config show | head -n 1'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)


def test_text_from_outside_cannot_steer_the_terminal() -> None:
    assert safe("a\x1b]0;title\x07b[red]c\u202ed\u009b2J") == "a]0;titleb\\[red]cd2J"
