"""Dashboards into a Kibana: what is missing or older is written, what somebody edited there is left alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.dashboards.kibana import DASHBOARDS_API, Kibana
from pipelines.dashboards.kibana_files import kibana_files
from pipelines.dashboards.normal_form import api_form, digest, mark_of, saved_object_form
from pipelines.index.provision import ProvisionChange, ProvisionState, difference
from pipelines.settings import Settings
from schemas.dashboards.saved_objects import ndjson, text

Json = dict[str, Any]

_MOST_DETAILS = 5
_OWN = "attributes"
_NAMES = {"index-pattern": "data view", "search": "saved search"}
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class PushStep:
    """One object and what becomes of it.

    Attributes:
        change: what people are told.
        wanted: the object or the body to write.
        api: whether it goes by the Dashboards API.
    """

    change: ProvisionChange
    wanted: Json
    api: bool = False

    def is_written(self, *, force: bool) -> bool:
        """Whether a push writes it; what was edited by hand only by force."""
        state = self.change.state
        return state is not ProvisionState.UNCHANGED and (force or state is not ProvisionState.DIFFERS)


async def push(settings: Settings, *, force: bool = False, dry_run: bool = False) -> list[ProvisionChange]:
    """Write what is missing in the Kibana of the settings or older than ours; a second push writes nothing.

    Args:
        settings: all settings.
        force: also write over what was edited by hand.
        dry_run: only look.

    Raises:
        SettingsError: no Kibana is set.
        ServiceError: it does not answer, or refuses access.
        NewsriverError: it is no Kibana or too old, or refuses an object.
    """
    async with Kibana(settings.kibana) as kibana:
        steps = await _steps(kibana, settings.river.name)
        if not dry_run:
            written = [step for step in steps if step.is_written(force=force)]
            if objects := [step.wanted for step in written if not step.api]:
                await kibana.import_objects(ndjson(objects))
            for step in written:
                if step.api:
                    await kibana.put_dashboard(step.change.name, step.wanted)
    return [_told(step, force=force) for step in steps]


def _told(step: PushStep, *, force: bool) -> ProvisionChange:
    change = step.change
    if force and change.state is ProvisionState.DIFFERS:
        return ProvisionChange(change.what, change.name, ProvisionState.CHANGED, change.details)
    return change


async def _steps(kibana: Kibana, river: str) -> list[PushStep]:
    """Compare each of our objects with what is there."""
    ours = kibana_files(river)
    by_api = await kibana.version() >= DASHBOARDS_API
    steps = []
    for wanted in ours.objects:
        kind, name = wanted["type"], wanted["id"]
        if kind == "dashboard" and by_api:
            continue
        present = await kibana.saved_object(kind, name)
        what = _NAMES.get(kind) or str(kind)
        if kind == "index-pattern" and present is not None:
            steps.append(_view_step(what, wanted, present))
        else:
            described = {} if present is None else present.get(_OWN, {})
            steps.append(PushStep(_judge(what, name, wanted, present, saved_object_form, described), wanted))
    if by_api:
        for name, body in ours.bodies.items():
            there = await kibana.dashboard(name)
            change = _judge("dashboard", name, body, there, api_form, there or {})
            steps.append(PushStep(change, body, api=True))
    return steps


def _judge(
    what: str,
    name: str,
    wanted: Json,
    present: Json | None,
    form_of: Callable[[Mapping[str, Any]], Json],
    described: Mapping[str, Any],
) -> ProvisionChange:
    """Say what is to be done with an object; `described` holds its description, and in it our mark."""
    if present is None:
        return ProvisionChange(what, name, ProvisionState.CREATED)
    try:
        form = form_of(present)
    except _UNREADABLE as error:
        unreadable = f"edited in Kibana: it is not in the form that was pushed ({type(error).__name__}: {error})"
        return ProvisionChange(what, name, ProvisionState.DIFFERS, (unreadable,))
    details = difference(form, form_of(wanted))
    if not details:
        return ProvisionChange(what, name, ProvisionState.UNCHANGED)
    ours = mark_of(str(described.get("description", ""))) == digest(form)
    if ours:
        return ProvisionChange(what, name, ProvisionState.CHANGED, _short(details))
    return ProvisionChange(what, name, ProvisionState.DIFFERS, ("edited in Kibana", *_short(details)))


def _short(details: list[str]) -> tuple[str, ...]:
    more = len(details) - _MOST_DETAILS
    return (*details[:_MOST_DETAILS], *([f"and {more} more"] if more > 0 else []))


def _view_step(what: str, wanted: Json, present: Json) -> PushStep:
    """Compare data views: fields and formats that somebody added stay, also where ours is written."""
    name = wanted["id"]
    try:
        have, want = saved_object_form(present), saved_object_form(wanted)
        merged = _merged(wanted, present)
    except _UNREADABLE as error:
        unreadable = f"edited in Kibana: it cannot be read ({type(error).__name__}: {error})"
        return PushStep(ProvisionChange(what, name, ProvisionState.DIFFERS, (unreadable,)), wanted)
    lacking = [f"runtime field {each} added" for each in want["runtime"] if each not in have["runtime"]]
    shared = {each: have["runtime"][each] for each in want["runtime"] if each in have["runtime"]}
    other = difference({**have, "runtime": shared}, {**want, "runtime": {k: want["runtime"][k] for k in shared}})
    if other:
        return PushStep(
            ProvisionChange(what, name, ProvisionState.DIFFERS, ("edited in Kibana", *_short(other))), merged
        )
    state = ProvisionState.CHANGED if lacking else ProvisionState.UNCHANGED
    return PushStep(ProvisionChange(what, name, state, _short(lacking)), merged)


def _merged(wanted: Json, present: Json) -> Json:
    ours, theirs = wanted[_OWN], present[_OWN]
    kept = {key: theirs[key] for key in ("fieldAttrs", "fieldFormatMap", "sourceFilters") if key in theirs}
    fields = json.loads(theirs.get("runtimeFieldMap") or "{}") | json.loads(ours["runtimeFieldMap"])
    return {**wanted, _OWN: {**ours, **kept, "runtimeFieldMap": text(fields)}}
