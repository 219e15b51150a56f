"""What commands print: foreign text cannot steer the terminal, and no module has a way around the console."""

import ast
import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.live import Live
from rich.progress import Progress, TextColumn
from rich.table import Table
from rich.text import Text

from pipelines.cli import console
from pipelines.cli.console import line, print_json, styled
from tests.unit.test_printable import ANY, STEERING, unfit

ROOT = Path(__file__).parents[2] / "pipelines"

FOREIGN = (
    ANY | STEERING | st.sampled_from(["[bold]x[/bold]", "[/x]", "[link=http://x.example]y[/link]", ":smile:", "\\"])
)
OWN_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
"""What rich itself writes to a terminal: colours, cursor movements."""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(*what: object) -> str:
    stream = Terminal()
    shown = console._Console(stream)
    shown.file = stream
    shown.print(*what)
    return stream.getvalue()


@settings(max_examples=40)
@given(FOREIGN)
def test_whatever_is_printed_is_clean(text: str) -> None:
    table = Table("a", title=Text(text))
    table.add_row(text)
    table.add_row(Text(text, style="red"))
    table.add_row(styled("[bold]{}[/] {:>3}", text, 7))
    for what in (text, Text(text), styled("x [red]{}[/]", text), table):
        shown = OWN_CONTROL.sub("", on_terminal(what))
        assert not [each for each in shown if unfit(each, newlines=True)]


@given(FOREIGN)
def test_no_markup_of_a_stranger_is_read(text: str) -> None:
    assert styled("a {} [bold]{}[/]", text, text).plain == f"a {line(text)} {line(text)}"
    assert OWN_CONTROL.sub("", on_terminal(line(text))).rstrip("\n") == line(text)


def test_live_displays_are_clean() -> None:
    stream = Terminal()
    shown = console._Console(stream)
    shown.file = stream
    with Progress(TextColumn("{task.description}", markup=False), console=shown, auto_refresh=False) as bars:
        bars.add_task("[/x] \x1b]0;pwned\x07", total=1)
        bars.refresh()
    with Live(Text("\x9b31m"), console=shown, auto_refresh=False) as live:
        live.refresh()
    said = stream.getvalue()
    assert r"[/x] \x1b]0;p" in said
    assert r"\x9b31m" in said
    assert not [each for each in OWN_CONTROL.sub("", said) if unfit(each, newlines=True)]


@given(st.recursive(FOREIGN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FOREIGN, inner, max_size=3)))
def test_json_is_exact_and_clean(value: object) -> None:
    stream = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", stream)
        print_json(value)
    assert json.loads(stream.getvalue()) == json.loads(json.dumps(value))
    assert not [each for each in stream.getvalue() if unfit(each, newlines=True)]


def test_a_document_is_exact_for_a_program_and_clean_for_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, written in ((io.StringIO(), "a\x9bb\n"), (Terminal(), "a\\x9bb\n")):
        monkeypatch.setattr("sys.stdout", stream)
        console.write("a\x9bb\n")
        assert stream.getvalue() == written


ADDRESS = "https://news.example.org/" + "a" * 300


def narrow(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make stdout a terminal of 40 columns."""
    stream = Terminal()
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "dumb")
    return stream


def test_a_narrow_terminal_folds_tables_and_cuts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = narrow(monkeypatch)
    table = Table("address", "kind", "title")
    table.add_row(ADDRESS, "rss", Text("The Ferry Post"))
    console._Console(stream).print(table)
    assert "…" not in stream.getvalue()
    assert stream.getvalue().count("a") > 300


def test_a_table_of_addresses_is_one_line_a_row_however_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = narrow(monkeypatch)
    table = Table("address", "kind", "title", box=None)
    table.add_row(ADDRESS, "rss", "The Ferry Post " * 20)
    console.print_whole(table)
    assert f"{ADDRESS} " in stream.getvalue()
    assert stream.getvalue().count("\n") == 2


def _calls(tree: ast.AST) -> list[str]:
    return [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]


WAYS_ROUND = re.compile(
    r"print|sys\.(stdout|stderr)(\.buffer)?\.write|click\.(echo|secho)|traceback\.print_\w+|Console|render_markup"
    r"|logging\.(basicConfig|Formatter|StreamHandler|FileHandler)|Text\.from_markup|Text\.from_ansi"
)
BOUNDARIES = ("cli/console.py", "runtime/logs.py")
CHILDREN = {"lab/chaos/orders.py", "lab/internet/site.py"}
"""Processes of the laboratory that tell their parent through a pipe that they are ready."""


def test_there_is_no_way_round_the_boundaries() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {call}"
        for path in sorted(ROOT.rglob("*.py"))
        if path.relative_to(ROOT).as_posix() not in BOUNDARIES
        for call in _calls(ast.parse(path.read_text(encoding="utf-8")))
        if WAYS_ROUND.fullmatch(call)
        and not (path.relative_to(ROOT).as_posix() in CHILDREN and call == "sys.stdout.buffer.write")
    ]
    assert found == []


def test_markup_stands_in_templates_only() -> None:
    tag = re.compile(r"\[/?(bold|dim|red|green|yellow|cyan|blue|magenta|italic|link|not bold)?\]")
    found = []
    for path in sorted((ROOT / "cli").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        templates = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "styled"
            for part in ast.walk(node.args[0])
        }
        found += [
            f"{path.name}:{node.lineno}: {node.value!r}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and tag.search(node.value)
            if id(node) not in templates and path.name != "console.py"
        ]
    assert found == []
