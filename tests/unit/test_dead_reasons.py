"""Whose fault a dead letter is: every reason that the code can give is declared."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.clean.reasons import MEANING
from pipelines.errors import Poison
from pipelines.ledger.dead_reasons import DEAD_REASONS, Fault, declared, fault_of
from pipelines.sandbox import protocol

ROOT = Path(__file__).parents[2] / "pipelines"
MAKERS = {"Poison", "FetchFault", "AddressRefused", "refused", "dead", "Verdict", "Failure"}
"""What makes a fault that may end in a dead letter."""
FOLDERS = ("clean", "feed_formats", "fetch", "http", "index", "kafka", "ledger", "poll", "process", "sandbox")


def literals() -> Iterator[tuple[str, str]]:
    """Give reasons that stand in the code as `reason="..."` of an error that ends a record, with their place."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in MAKERS:
                    for keyword in node.keywords:
                        if keyword.arg == "reason" and isinstance(keyword.value, ast.Constant):
                            yield str(keyword.value.value), f"{path.name}:{node.lineno}"


def test_every_reason_in_the_code_is_declared() -> None:
    found = dict(literals())
    assert len(found) > 5
    assert {reason: place for reason, place in found.items() if declared(reason) is None} == {}


def test_every_page_that_cleaning_refuses_is_its_site_s_fault() -> None:
    poison = [reason.value for reason, (kind, _) in MEANING.items() if kind is Poison]
    assert poison
    assert {reason: declared(reason) for reason in poison} == dict.fromkeys(poison, Fault.SITE)


def test_what_the_kernel_ends_is_its_site_s_fault_and_what_nobody_foresaw_is_ours() -> None:
    ended = (protocol.KILLED_CPU, protocol.KILLED_MEMORY, protocol.KILLED_TIME, protocol.CRASHED)
    assert {declared(reason) for reason in ended} == {Fault.SITE}
    assert declared(protocol.UNEXPECTED) is Fault.OURS


@pytest.mark.parametrize(
    ("reason", "fault"),
    [
        ("http-404", Fault.SITE),
        ("robots-timeout", Fault.SITE),
        ("internal-keyerror", Fault.OURS),
        ("never-heard-of", Fault.OURS),
        ("", Fault.OURS),
    ],
)
def test_families_and_strangers(reason: str, fault: Fault) -> None:
    assert fault_of(reason) is fault


def test_reasons_are_short_kebab_case_names() -> None:
    assert all(reason == reason.lower().strip() and " " not in reason for reason in DEAD_REASONS)
