"""In which order a panel breaks down, the same in Kibana and in our own questions, and which fields it uses. Pure."""

from __future__ import annotations

from schemas.dashboards.filters import fields_of
from schemas.dashboards.spec import Kind, Panel, Steps, Terms


def breakdowns(panel: Panel) -> tuple[Terms | Steps, ...]:
    """Give a panel's breakdowns, the outer one first.

    Charts break down by their split first, so that its largest values are those of all rows together.
    """
    given = (panel.rows, panel.split) if panel.kind is Kind.TABLE else (panel.split, panel.rows)
    return tuple(each for each in given if each is not None)


def used_fields(panel: Panel) -> set[str]:
    """Give the fields that a panel needs, its view's time left out."""
    used = set(panel.columns) | fields_of(panel.filter)
    used |= {each.field for each in breakdowns(panel) if isinstance(each, Terms)}
    for measure in panel.measures:
        used |= {measure.field} | fields_of(measure.filter)
    return used - {""}
