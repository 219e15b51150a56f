"""Ids of Kibana's objects: the same for the same river, whoever makes them. Pure.

`<river>` stands for the river's name in the committed files, as in the index templates; several rivers, and what is
somebody else's, can share a Kibana.
"""

from __future__ import annotations

from schemas.dashboards.spec import Dashboard, DataView, Panel
from schemas.dashboards.views import field_types
from schemas.mapping import RIVER

PREFIX = f"newsriver-{RIVER}"
TAG = f"{PREFIX}-tag"
LAYER = "l1"


def dashboard_id(name: str) -> str:
    """Give the id of a dashboard by its name."""
    return f"{PREFIX}-{name}"


def view_id(view: DataView) -> str:
    """Give the id of a data view."""
    return f"{PREFIX}-{view.name}"


def search_id(board: Dashboard, panel: Panel) -> str:
    """Give the id of the saved search of a panel that shows documents."""
    return f"{PREFIX}-{board.name}-{panel.name}"


def panel_id(panel: Panel) -> str:
    """Give a panel's id within its dashboard; references are split at `<id>:`."""
    return f"p-{panel.name}"


def control_id(field: str) -> str:
    """Give a control's id within its dashboard."""
    return f"c-{field.replace('.', '-')}"


def ignores_controls(board: Dashboard, panel: Panel) -> bool:
    """Say whether a panel's documents lack a field that a control filters by: it would go empty with each choice."""
    return any(control.field not in field_types(panel.source) for control in board.controls)
