"""The committed files for Kibana, for one river."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from pipelines.dashboards.normal_form import api_form, marked, saved_object_form
from schemas.dashboards.catalogue import DASHBOARDS
from schemas.dashboards.saved_objects import ndjson
from schemas.mapping import RIVER

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KibanaFiles:
    """What a river's dashboards are in Kibana.

    Attributes:
        objects: the saved objects, marked with the digest of what they are.
        bodies: the same dashboards as bodies of the Dashboards API, by their ids.
    """

    objects: tuple[Json, ...]
    bodies: dict[str, Json]

    @property
    def text(self) -> str:
        """The objects as Kibana's import takes them."""
        return ndjson(list(self.objects))


def kibana_files(river: str) -> KibanaFiles:
    """Read the files and put in the river's name."""
    lines = _read("dashboards.ndjson", river).splitlines()
    bodies = {
        f"newsriver-{river}-{board.name}": json.loads(_read(f"{board.name}.api.json", river)) for board in DASHBOARDS
    }
    for body in bodies.values():
        body["description"] = marked(body["description"], api_form(body))
    return KibanaFiles(tuple(_marked(json.loads(line)) for line in lines), bodies)


def _marked(found: Json) -> Json:
    # A data view has no description.
    if "description" in found["attributes"]:
        described = marked(found["attributes"]["description"], saved_object_form(found))
        found["attributes"]["description"] = described
    return found


def _read(name: str, river: str) -> str:
    return files("schemas").joinpath("kibana", name).read_text(encoding="utf-8").replace(RIVER, river)
