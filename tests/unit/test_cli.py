"""The command line as a whole: what it imports, how it fails, what it exits with."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.cli import COMMANDS, newsriver
from pipelines.settings import load_settings

HEAVY = ("apache_beam", "elasticsearch", "trafilatura", "aiohttp", "kafka")


PAGE = str(Path(__file__).parents[1] / "data" / "pages" / "news.html")


def call(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelines", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **(environment or {})},
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


def test_without_a_command_it_shows_the_help() -> None:
    done = call()
    assert (done.returncode, done.stdout) == (2, "")  # as click does
    assert done.stderr.startswith("Usage: newsriver [OPTIONS] COMMAND")
    assert all(name in done.stderr for name in COMMANDS)
    done = call("feeds")
    assert (done.returncode, done.stdout) == (2, "")
    assert "discover" in done.stderr


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("newsriver se", ["search", "serve", "setup"]),
        ("newsriver feeds pa", ["pause"]),
        ("newsriver search --so", ["--sort", "--source"]),
        ("newsriver search --sort re", ["relevance"]),
        ("newsriver --set poll.max_f", ["poll.max_failure_interval_seconds=", "poll.max_feed_bytes="]),
    ],
)
def test_bash_completes_commands_options_and_settings(line: str, offered: list[str]) -> None:
    script = call(environment={"_NEWSRIVER_COMPLETE": "bash_source"}).stdout
    words = line.split()
    ask = (
        f"{script}\n"
        f"export COMP_WORDS=({' '.join(words)}) COMP_CWORD={len(words) - 1}\n"
        f'_newsriver_completion {Path(sys.executable).with_name("newsriver")}; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert sorted(set(done.stdout.split()) & set(offered)) == offered, done.stdout


@pytest.mark.parametrize(
    ("arguments", "level", "form"),
    [
        ([], "info", "text"),
        (["-q"], "warning", "text"),
        (["-v", "--log-format", "json"], "debug", "json"),
        (["--set", "river.log_level=error", "-v"], "debug", "text"),
    ],
)
def test_flags_of_the_log_are_settings_that_workers_inherit(arguments: list[str], level: str, form: str) -> None:
    with newsriver.make_context("newsriver", [*arguments, "config"]) as context:
        newsriver.callback and context.invoke(newsriver.callback, **context.params)
        own = context.obj
        again = load_settings(assignments=[each for each in own.arguments if each != "--set"])
    assert (own.settings.river.log_level, own.settings.river.log_format) == (level, form)
    assert (again.river.log_level, again.river.log_format) == (level, form)


def test_quiet_and_verbose_exclude_each_other() -> None:
    done = call("-q", "-v", "config", "show")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_an_error_of_a_role_is_json_where_its_log_is(tmp_path: Path) -> None:
    done = call("--log-format", "json", "--set", f"stack.directory={tmp_path}", "fetch")
    assert done.returncode == 3
    said = [json.loads(line) for line in done.stderr.splitlines()]
    assert said[-1]["level"] == "critical"
    assert said[-1]["role"] == "fetch"


def test_an_error_is_one_clean_line() -> None:
    done = call("extract", "no\x1b]0;such\nfile\u202e")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert r"no\x1b]0;such\nfile\u202e" in done.stderr


def test_a_terminal_of_another_alphabet_gets_escapes() -> None:
    done = call("extract", PAGE, environment={"PYTHONIOENCODING": "ascii", "NO_COLOR": "1"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()


def test_head_gets_its_line_and_nobody_complains() -> None:
    script = f'"{sys.executable}" -m pipelines config show | head -n 1'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
