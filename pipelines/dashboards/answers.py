"""Questions of dashboards to Elasticsearch: all panels in one request."""

from __future__ import annotations

from typing import Any

import orjson

from pipelines.dashboards.aggregations import PanelTable, panel_body, panel_table
from pipelines.dashboards.period import ChosenPeriod
from pipelines.errors import NewsriverError
from pipelines.search.session import SearchSession
from schemas.dashboards.spec import Panel

_WHERE = {"ignore_unavailable": True, "allow_no_indices": True, "allow_partial_search_results": False}


class DashboardAnswers:
    """Answers panels of one river's dashboards.

    Args:
        session: the cluster and the river.
    """

    def __init__(self, session: SearchSession) -> None:
        self._session = session

    async def tables(self, panels: list[Panel], period: ChosenPeriod) -> dict[str, PanelTable | NewsriverError]:
        """Give each panel's numbers, or why there are none, by the panels' names; links and texts have none.

        Raises:
            ServiceError: Elasticsearch does not answer.
        """
        asked = [panel for panel in panels if panel.view is not None]
        if not asked:
            return {}
        body = b"".join(orjson.dumps(line) + b"\n" for panel in asked for line in self._lines(panel, period))
        answer = await self._session.client.ask("POST", "/_msearch", body)
        return {panel.name: _table(panel, period, one) for panel, one in zip(asked, answer["responses"], strict=True)}

    def _lines(self, panel: Panel, period: ChosenPeriod) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"index": f"{self._session.settings.river.name}-{panel.source.name}", **_WHERE}, panel_body(
            panel, period
        )


def _table(panel: Panel, period: ChosenPeriod, answer: dict[str, Any]) -> PanelTable | NewsriverError:
    """Read one answer: a panel that cannot be answered is no reason to show none of the others."""
    if "error" not in answer:
        return panel_table(panel, period, answer)
    error = answer["error"]
    cause = (error.get("root_cause") or [error])[0]
    return NewsriverError(
        f"Elasticsearch cannot answer the panel: {cause.get('reason') or cause.get('type')}",
        hint="`newsriver setup` brings the indices up to date",
        resource=panel.name,
    )
