"""Reference pages made from what is declared: commands, settings, roles, topics, records.

`python -m pipelines.cli.reference` writes the copies in a checkout; a test says when one is stale.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import SecretStr

from pipelines.metrics.declared import METRICS, OF_THE_PROCESS
from pipelines.runtime.roles import ROLES
from pipelines.settings import Settings, data_folder, sections
from schemas.records import RECORDS
from schemas.topics import DAY, TOPICS, Topic

if TYPE_CHECKING:
    import click


_SOURCES = """
Later sources win: these defaults, a TOML file (`newsriver.toml` or `--config FILE`), `NEWSRIVER_SECTION__KEY` in the
environment, `--set section.key=value` on the command line.
"""

_CALLS = """
`newsriver [OPTIONS] COMMAND ...`; `-h` behind any of them explains it. Without a command the help is shown and the exit
code is 2, as of other tools made with click. Results go to stdout, messages to stderr. Exit codes: 0 ok, 1 failed,
2 wrong usage, 3 a service is not reachable, 4 `process` stopped for a fault of ours until `newsriver dead resume`,
130 interrupted, 141 the reader of a pipe hung up. These options stand before the command:
"""


_METRICS = """
# Metrics and health

Made from the code by `python -m pipelines.cli.reference`; do not edit.

Every process answers three paths on a port of its own, on loopback unless `metrics.host` says otherwise:

- `/metrics`: the figures below, for Prometheus.
- `/healthz`: 503 once its loop has not come round for `metrics.stall_seconds` while it waits for nothing; a restart is
  due. A role that waits for Kafka or Elasticsearch is alive: a restart would not bring them back.
- `/readyz`: 503 while it waits, drains, has no share of the partitions, or a server that it needs takes no connection;
  the body says why, a line each.

`metrics.port = 0` takes a free port, so that any number of copies run on one machine; each writes where it answers to
`<metrics.folder>/<river>-<worker>.json`, in the form of Prometheus's `file_sd_configs`. The file goes when the process
ends in order. Of one that was killed it stays, so that `up` is 0, until it is started again under its name or a day has
passed. `deploy/prometheus/` has a configuration, recording rules and alerts: set the folder in `prometheus.yml` to the
one that `newsriver config show` names. In a container set a host and a port, and the probes to the same.

Values that are counted begin at 0 with each start of a process. What loss is judged by is asked of Kafka and
Elasticsearch instead, by each copy of `record` every ten seconds, and no restart of ours changes it: take the maximum
over copies. A label with more values than are told apart counts the rest as `other`.
"""


class SettingRow(NamedTuple):
    """One setting as it is shown."""

    name: str
    value: str
    default: str
    about: str


def settings_rows(settings: Settings) -> Iterator[SettingRow]:
    """Give every setting with its value and default as TOML, in the order of declaration."""
    for section, model in sections().items():
        values = getattr(settings, section)
        for key, field in model.model_fields.items():
            value, default = getattr(values, key), field.default
            yield SettingRow(f"{section}.{key}", _toml(value), _default(default), field.description or "")


def settings_toml() -> str:
    """Give a settings file with every option commented out at its default, its meaning above it."""
    lines = [
        "# Settings of Newsriver. Remove the # before a line to change it; what stays commented is the default.",
        "",
    ]
    for section, model in sections().items():
        lines += [f"# {model.__doc__}", f"[{section}]"]
        for key, field in model.model_fields.items():
            lines += [f"# {field.description}", f"#{key} = {_default(field.default)}"]
        lines.append("")
    return "\n".join(lines)


def reference_page() -> str:
    """Give docs/reference.md: commands, settings, roles, topics and records."""
    parts = [
        "# Reference",
        "Made from the code by `python -m pipelines.cli.reference`; do not edit.",
        "## Commands",
        commands_section(),
        "## Settings",
        _SOURCES,
        settings_table(),
        "## Roles",
        roles_table(),
        "## Topics",
        topics_table(),
        "## Records",
        records_section(),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def commands_section() -> str:
    """Give every command with its options as Markdown."""
    import click

    from pipelines.cli import COMMANDS, newsriver

    context = click.Context(newsriver, info_name="newsriver")
    blocks = ["\n".join([_CALLS, *_options(newsriver, context)])]
    for name in COMMANDS:
        command = newsriver.get_command(context, name)
        assert command is not None  # noqa: S101 - for mypy: the name is from the table
        blocks += _command_blocks(command, click.Context(command, info_name=name, parent=context))
    return "\n\n".join(blocks)


def _command_blocks(command: click.Command, context: click.Context) -> list[str]:
    import click

    if isinstance(command, click.Group):
        inner = [(command.commands[name], name) for name in sorted(command.commands)]
        return [
            block
            for child, name in inner
            for block in _command_blocks(child, click.Context(child, info_name=name, parent=context))
        ]
    lines = [f"### `{context.command_path}`", command.help or "", "", *_options(command, context)]
    return ["\n".join(lines).strip()]


def _options(command: click.Command, context: click.Context) -> list[str]:
    records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    return [f"- `{record[0]}` {record[1]}" for record in records if record and "--help" not in record[0]]


def settings_table() -> str:
    """Give the settings as a Markdown table."""
    lines = ["| setting | default | meaning |", "|---|---|---|"]
    lines += [f"| `{row.name}` | `{row.default}` | {row.about} |" for row in settings_rows(Settings())]
    return "\n".join(lines)


def records_section() -> str:
    """Give every record with its fields as Markdown."""
    blocks = []
    for record in RECORDS:
        fields = [f"- `{name}` {field.description}" for name, field in record.model_fields.items()]
        blocks.append("\n".join([f"### {record.__name__}", record.__doc__ or "", "", *fields]))
    return "\n\n".join(blocks)


def roles_table() -> str:
    """Give the roles as a Markdown table."""
    lines = ["| role | | reads | writes | consumer group | copies started by `run` |", "|---|---|---|---|---|---|"]
    for spec in ROLES:
        cells = [
            f"`{spec.role}`",
            spec.about,
            ", ".join(topic.name for topic in TOPICS if spec.role in topic.readers),
            ", ".join(topic.name for topic in TOPICS if spec.role in topic.writers),
            f"`{spec.role.group('news')}`" if spec.grouped else "",
            spec.copies_about,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def topics_table() -> str:
    """Give the topics as a Markdown table."""
    lines = ["| topic | key | value | headers | kept | written by | read by | |", "|---|---|---|---|---|---|---|---|"]
    lines += [_topic_row(topic) for topic in TOPICS]
    return "\n".join(lines) + "\n"


def _topic_row(topic: Topic) -> str:
    kept = "the last of each key" if topic.retention_seconds is None else f"{topic.retention_seconds // DAY} days"
    headers = ", ".join(f"`{name}`: {record}" for name, record in topic.headers)
    cells = [
        f"`news.{topic.name}`",
        topic.key,
        topic.value,
        headers,
        kept,
        ", ".join(topic.writers),
        ", ".join(topic.readers) or "people",
        topic.about,
    ]
    return f"| {' | '.join(cells)} |"


def _default(value: Any) -> str:  # noqa: ANN401 - whatever a setting holds
    if isinstance(value, Path):  # where a user's data lives differs from machine to machine
        return json.dumps(str(value).replace(str(data_folder()), "~/.local/share/newsriver", 1))
    return _toml(value)


def _toml(value: Any) -> str:  # noqa: ANN401 - whatever a setting holds
    if isinstance(value, SecretStr):
        return json.dumps("**********" if value.get_secret_value() else "")
    if value is None:
        return '""'
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(str(value), ensure_ascii=False)


def metrics_page() -> str:
    """Give docs/metrics.md: every metric, and how it is reached."""
    lines = ["| metric | kind | roles | labels | values | meaning |", "|---|---|---|---|---|---|"]
    for metric in METRICS:
        roles = "all" if len(metric.roles) == len(ROLES) else ", ".join(metric.roles)
        labels = ", ".join(f"`{label.name}`" for label in metric.labels)
        lines.append(f"| `{metric.name}` | {metric.kind} | {roles} | {labels} | {metric.source} | {metric.about} |")
    of_process = ", ".join(f"`{name}`" for name in OF_THE_PROCESS)
    return "\n".join([_METRICS.strip(), "", *lines, "", f"Each process has these, too: {of_process}.", ""])


COPIES: dict[str, Callable[[], str]] = {
    "deploy/newsriver.sample.toml": settings_toml,
    "docs/reference.md": reference_page,
    "docs/metrics.md": metrics_page,
}
"""What the repository holds a copy of, by path from its root."""


if __name__ == "__main__":
    for name, make in COPIES.items():
        Path(__file__).parents[2].joinpath(name).write_text(make(), encoding="utf-8")
