import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import setuptools
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PINS = dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
VERSIONS = {canonicalize_name(name): version for name, version in PINS.items()}


def test_each_requirement_is_pinned_within_its_range(monkeypatch: pytest.MonkeyPatch) -> None:
    metadata: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", lambda **named: metadata.update(named))
    runpy.run_path(str(ROOT / "setup.py"))
    wanted = [*metadata["install_requires"], *(name for extra in metadata["extras_require"].values() for name in extra)]
    requirements = [Requirement(text) for text in wanted]
    assert requirements
    outside = [
        str(requirement)
        for requirement in requirements
        if not requirement.specifier.contains(VERSIONS.get(canonicalize_name(requirement.name), "0"))
    ]
    assert outside == []


def test_every_line_is_a_pin_or_a_comment() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#") and "==" not in line] == []
