"""`newsriver doctor`: check this machine and the servers."""

from __future__ import annotations

from dataclasses import asdict

import click

from pipelines.cli.console import line, out, print_json, styled
from pipelines.cli.context import Context

_MARKS = {"ok": ("green", "✓"), "note": ("yellow", "·"), "wrong": ("red", "✗"), "away": ("red", "✗")}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def doctor(context: Context, as_json: bool) -> int:
    """Check machine and servers and say what to do (exit 3: a server is away, 1: something is wrong)."""
    from pipelines.doctor import examine, exit_code

    findings = []
    for finding in examine(context.settings):
        findings.append(finding)
        if not as_json:
            colour, mark = _MARKS[finding.health]
            out.print(styled(f"[{colour}]{mark}[/] [bold]{{}}[/]: {{}}", finding.what, finding.found))
            if finding.advice:
                out.print(f"    → {line(finding.advice)}")
    if as_json:
        print_json({"findings": [asdict(finding) for finding in findings]})
    return exit_code(findings)
