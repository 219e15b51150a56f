"""Topics and index templates: make the servers look as the code says, and tell what that took.

Only ever adds: a topic's partitions, a field's type and anything that holds data are never changed; where they differ
the change says so and leaves it to its owner.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Any

from pipelines.index.documents import (
    IndexFamily,
    alert_delivery_indices,
    alert_progress_indices,
    article_indices,
    outcome_indices,
    revision_indices,
    saved_search_indices,
)
from pipelines.index.elastic import Elastic, connect
from pipelines.index.states import feed_indices, worker_indices
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.settings import Settings
from schemas.mapping import RIVER, fields, nested
from schemas.topics import TOPICS, Topic

_OPEN = {"expand_wildcards": "open"}


class ProvisionState(StrEnum):
    """What became of a thing, or would become of it in a dry run."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class ProvisionChange:
    """One topic, template or index and what provisioning did to it.

    Attributes:
        what: `topic`, `template` or `index`.
        name: its name on the server.
        state: what happened.
        details: the differences, one line each.
    """

    what: str
    name: str
    state: ProvisionState
    details: tuple[str, ...] = ()


def provision(settings: Settings, *, dry_run: bool = False) -> list[ProvisionChange]:
    """Create or bring up to date every topic and template of the river; a second call changes nothing.

    Args:
        settings: all settings.
        dry_run: only look.

    Raises:
        ServiceError: Kafka or Elasticsearch does not answer.
        NewsriverError: one of them refuses.
    """
    return [*provision_topics(settings, dry_run=dry_run), *provision_indices(settings, dry_run=dry_run)]


def provision_topics(settings: Settings, *, dry_run: bool = False) -> list[ProvisionChange]:
    """Create the topics that are missing and mend the settings of the others.

    Raises:
        ServiceError: Kafka does not answer.
    """
    from pipelines.kafka import Admin

    with Admin(kafka_bootstrap(settings)) as admin:
        present = admin.topics()
        changes = []
        for topic in TOPICS:
            name = topic.full_name(settings.river.name)
            if name in present:
                change = _compare_topic(settings, topic, present[name], admin.config(name))
                if change.state is ProvisionState.CHANGED and not dry_run:
                    admin.set_config(name, topic.broker_config())
            else:
                change = ProvisionChange(
                    "topic", name, ProvisionState.CREATED, (f"{settings.kafka.partitions} partitions",)
                )
                if not dry_run:
                    kafka = settings.kafka
                    admin.create(name, kafka.partitions, kafka.replication_factor, topic.broker_config())
            changes.append(change)
    return changes


def _compare_topic(settings: Settings, topic: Topic, partitions: int, config: Mapping[str, str]) -> ProvisionChange:
    name = topic.full_name(settings.river.name)
    details = difference(config, topic.broker_config(), wanted_only=True)
    state = ProvisionState.CHANGED if details else ProvisionState.UNCHANGED
    if partitions != settings.kafka.partitions:
        # Another number would send keys to other partitions, and equal keys must keep their order.
        details = [
            *details,
            f"partitions: {partitions}, kafka.partitions is {settings.kafka.partitions}; left as it is",
        ]
        state = ProvisionState.DIFFERS if state is ProvisionState.UNCHANGED else state
    return ProvisionChange("topic", name, state, tuple(details))


def provision_indices(settings: Settings, *, dry_run: bool = False) -> list[ProvisionChange]:
    """Install the index templates, and add to existing indices the fields, the alias and the settings they lack.

    Raises:
        ServiceError: Elasticsearch does not answer.
        NewsriverError: it refuses.
    """
    client = connect(settings)
    try:
        changes = []
        wanted = templates(settings)
        for family in families(settings).values():
            template = wanted[family.template]
            changes.append(_install(client, family.template, template, dry_run=dry_run))
            changes += _mend_indices(client, family, template["template"], dry_run=dry_run)
        return changes
    finally:
        client.close()


def families(settings: Settings) -> dict[str, IndexFamily]:
    """Give the river's families of indices by what they hold, as the files of their templates are named."""
    river = settings.river.name
    return {
        "articles": article_indices(river),
        "outcomes": outcome_indices(river),
        "revisions": revision_indices(river),
        "feeds": feed_indices(river),
        "workers": worker_indices(river),
        "saved-searches": saved_search_indices(river),
        "alert-deliveries": alert_delivery_indices(river),
        "alert-progress": alert_progress_indices(river),
    }


def templates(settings: Settings) -> dict[str, Any]:
    """Give the river's index templates by name, from `schemas/elasticsearch/` and the settings."""
    river, options = settings.river.name, settings.elasticsearch
    found = {}
    for stored, family in families(settings).items():
        text = files("schemas").joinpath("elasticsearch", f"{stored}.template.json").read_text(encoding="utf-8")
        template = json.loads(text.replace(RIVER, river))
        # As text, because that is how Elasticsearch gives them back.
        template["template"]["settings"]["index"] |= {
            "refresh_interval": f"{round(options.refresh_seconds * 1000)}ms",
            "number_of_replicas": str(options.replicas),
        }
        found[family.template] = template
    return found


def _install(client: Elastic, name: str, wanted: Mapping[str, Any], *, dry_run: bool) -> ProvisionChange:
    path = f"/_index_template/{name}"
    present = client.ask("GET", path)["index_templates"][0]["index_template"] if client.exists(path) else None
    # Servers add keys of their own at the top (`composed_of`, `created_date`); below, all that is there is ours.
    details = difference({key: present.get(key) for key in wanted}, wanted) if present is not None else []
    state = (
        ProvisionState.CREATED if present is None else ProvisionState.CHANGED if details else ProvisionState.UNCHANGED
    )
    if state is not ProvisionState.UNCHANGED and not dry_run:
        client.ask("PUT", path, wanted)
    return ProvisionChange("template", name, state, tuple(details))


def _mend_indices(
    client: Elastic, family: IndexFamily, wanted: Mapping[str, Any], *, dry_run: bool
) -> list[ProvisionChange]:
    """Mend all indices of a template; those of another family, a shadow's, are kept from the alias."""
    indices = client.ask("GET", f"/{family.template}-*", params=_OPEN)
    return [
        _mend(client, family.alias if family.has(index) else "", index, indices[index], wanted, dry_run=dry_run)
        for index in sorted(indices)
    ]


def _mend(
    client: Elastic, alias: str, index: str, present: Mapping[str, Any], wanted: Mapping[str, Any], *, dry_run: bool
) -> ProvisionChange:
    """Add what an index lacks; what it has otherwise needs a new index and is only told."""
    have, want = (fields(side["mappings"].get("properties", {})) for side in (present, wanted))
    known = present["settings"]["index"].get("analysis", {}).get("analyzer", {})
    lacking = {name: definition for name, definition in want.items() if name not in have}
    # An open index takes no analyzers, so fields that need others have to wait for the next one.
    missing = {name: definition for name, definition in lacking.items() if _analyzers_of(definition) <= set(known)}
    dynamic = {key: wanted["settings"]["index"][key] for key in ("refresh_interval", "number_of_replicas")}
    tuned = difference(present["settings"]["index"], dynamic, wanted_only=True)
    unaliased = bool(alias) and alias not in present["aliases"]
    steps = [
        *(f"field {name} added" for name in missing),
        *([f"alias {alias} added"] if unaliased else []),
        *tuned,
    ]
    shared = [name for name in want if name in have]
    stuck = difference({name: have[name] for name in shared}, {name: want[name] for name in shared})
    stuck += [f"field {name} is missing" for name in lacking if name not in missing]
    if steps and not dry_run:
        if missing:
            client.ask("PUT", f"/{index}/_mapping", {"properties": nested(missing)})
        if unaliased:
            client.ask("PUT", f"/{index}/_alias/{alias}")
        if tuned:
            client.ask("PUT", f"/{index}/_settings", {"index": dynamic})
    state = ProvisionState.CHANGED if steps else ProvisionState.DIFFERS if stuck else ProvisionState.UNCHANGED
    return ProvisionChange("index", index, state, (*steps, *(f"{line}; needs a new index" for line in stuck)))


def _analyzers_of(field: Mapping[str, Any]) -> set[str]:
    every = [field, *field.get("fields", {}).values()]
    return {one[key] for one in every for key in ("analyzer", "search_analyzer") if key in one}


def difference(present: Any, wanted: Any, *, wanted_only: bool = False, path: str = "") -> list[str]:  # noqa: ANN401 - JSON
    """Give the differences between two JSON values, one line each: `path: old -> new`.

    Args:
        present: what is there.
        wanted: what should be.
        wanted_only: whether what is there besides does not count.
        path: dotted path of the two, for the lines.
    """
    if isinstance(present, Mapping) and isinstance(wanted, Mapping):
        names = [*wanted, *(() if wanted_only else (name for name in present if name not in wanted))]
        lines = []
        for name in names:
            inner = f"{path}.{name}" if path else name
            lines += difference(present.get(name), wanted.get(name), wanted_only=wanted_only, path=inner)
        return lines
    if present == wanted:
        return []
    return [f"{path}: {_short(present)} -> {_short(wanted)}"]


def _short(value: Any) -> str:  # noqa: ANN401 - JSON
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def remove(settings: Settings) -> None:
    """Delete the river's topics, indices and templates, with all they hold.

    Raises:
        ServiceError: Kafka or Elasticsearch does not answer.
    """
    from pipelines.kafka import Admin

    remove_indices(settings)
    with Admin(kafka_bootstrap(settings)) as admin:
        ours = {topic.full_name(settings.river.name) for topic in TOPICS}
        if names := sorted(ours & set(admin.topics())):
            admin.delete(names)


def remove_indices(settings: Settings) -> None:
    """Delete the river's indices and templates, with all they hold.

    Raises:
        ServiceError: Elasticsearch does not answer.
    """
    client = connect(settings)
    try:
        for name in templates(settings):
            for index in client.ask("GET", f"/{name}-*", params={"expand_wildcards": "all"}):
                client.ask("DELETE", f"/{index}")
            if client.exists(f"/_index_template/{name}"):
                client.ask("DELETE", f"/_index_template/{name}")
    finally:
        client.close()
