"""docs/architecture.md says what is so: its rooms are the folders, and imports run in its order."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("## Rooms")[2].partition("\n## ")[0]
ROOMS = [room for row in re.findall(r"^\| (`.*?) \|", TABLE, re.MULTILINE) for room in re.findall(r"`(\w+)`", row)]
EXEMPT = {"pipelines/sandbox/work.py"}
"""The work that a child of the sandbox does: named by the parent, imported by the child alone."""


def room_of(module: str) -> str:
    """Give the room of a module, e.g. `http` of `pipelines.http.client`; empty for the package itself."""
    return module.split(".")[1] if module.count(".") else ""


def imported(path: Path) -> Iterator[str]:
    """Give the modules of ours that a file imports when it runs, at any time."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and id(node) not in typing:
            if node.module == "pipelines":
                yield from (f"pipelines.{alias.name}" for alias in node.names if alias.name != "__version__")
            elif node.module.startswith("pipelines."):
                yield node.module
        elif isinstance(node, ast.Import) and id(node) not in typing:
            yield from (alias.name for alias in node.names if alias.name.startswith("pipelines."))


def test_the_rooms_are_the_folders_and_modules() -> None:
    found = {path.relative_to(ROOT / "pipelines").parts[0] for path in (ROOT / "pipelines").rglob("*.py")}
    assert sorted(ROOMS) == sorted({name.removesuffix(".py") for name in found} - {"__init__", "__main__"})


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_one_way(room: str) -> None:
    folder, module = ROOT / "pipelines" / room, ROOT / "pipelines" / f"{room}.py"
    back = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in ([module] if module.exists() else sorted(folder.rglob("*.py")))
        if path.name != "__main__.py" and path.relative_to(ROOT).as_posix() not in EXEMPT
        for name in imported(path)
        if ROOMS.index(room_of(name)) > ROOMS.index(room)
    ]
    assert back == []


@pytest.mark.parametrize("page", ["architecture.md", "decisions.md"])
def test_what_it_names_is_there(page: str) -> None:
    folders = [ROOT, ROOT / "pipelines"]
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    named = re.findall(r"`((?:\w+/)*\w+\.py|(?:\w+/)+)`", text)
    assert len(named) > 15
    assert [name for name in named if not any((folder / name).exists() for folder in folders)] == []


def test_no_two_classes_have_one_name() -> None:
    places: dict[str, list[str]] = {}
    for path in sorted((ROOT / "pipelines").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
