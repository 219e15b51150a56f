"""Write what is generated from the records: `python -m schemas.generate [--check]`.

JSON Schema of every record goes to `schemas/json/`, index templates to `schemas/elasticsearch/`, names of months and
weekdays to `schemas/calendar/`, Kibana's dashboards to `schemas/kibana/`. With `--check` nothing is written; stale or
foreign files are named and the exit code is 1.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from schemas.calendar_words import calendar_words
from schemas.dashboards.api_bodies import api_body
from schemas.dashboards.catalogue import DASHBOARDS
from schemas.dashboards.saved_objects import ndjson, saved_objects
from schemas.dashboards.views import VIEWS
from schemas.mapping import templates
from schemas.records import RECORDS, Record

HERE = Path(__file__).parent
FOLDERS = ("calendar", "json", "elasticsearch", "kibana")


def record_name(record: type[Record]) -> str:
    """Give a record's name in file names: `FeedState` is `feed-state`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", record.__name__).lower()


def generated() -> dict[str, str]:
    """Give the text of every generated file by its path below `schemas/`."""
    files = {f"json/{record_name(record)}.schema.json": _text(_schema(record)) for record in RECORDS}
    files |= {f"elasticsearch/{name}.template.json": _text(template) for name, template in templates().items()}
    files |= {f"kibana/{board.name}.api.json": _text(api_body(board)) for board in DASHBOARDS}
    files["kibana/dashboards.ndjson"] = ndjson(saved_objects(DASHBOARDS, VIEWS))
    return {**files, "calendar/words.json": _lines(calendar_words())}


def _schema(record: type[Record]) -> dict[str, Any]:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **record.model_json_schema()}


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _lines(value: dict[str, dict[str, Any]]) -> str:
    """Write a table of tables with a line for each row: what changes can be read."""
    tables = []
    for name, table in value.items():
        rows = ",\n".join(f"    {json.dumps(key)}: {json.dumps(row, ensure_ascii=False)}" for key, row in table.items())
        tables.append(f"  {json.dumps(name)}: {{\n{rows}\n  }}")
    return "{\n" + ",\n".join(tables) + "\n}\n"


def stale(root: Path = HERE) -> list[str]:
    """Name the files below `root` that are missing, differ from the code, or are generated no more."""
    wanted = generated()
    present = {f"{folder}/{path.name}" for folder in FOLDERS for path in (root / folder).glob("*.*json")}
    differing = {name for name, text in wanted.items() if name in present and (root / name).read_text("utf-8") != text}
    return sorted(differing | (present ^ set(wanted)))


def write(root: Path = HERE) -> list[str]:
    """Bring every generated file below `root` up to date and name those that changed."""
    changed = stale(root)
    wanted = generated()
    for name in changed:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name in wanted:
            path.write_text(wanted[name], "utf-8")
        else:
            path.unlink()
    return changed


def main(arguments: list[str]) -> int:
    """Write or check, say what changed, and give the exit code."""
    check = arguments == ["--check"]
    if arguments and not check:
        sys.stderr.write("usage: python -m schemas.generate [--check]\n")
        return 2
    names = stale() if check else write()
    for name in names:
        sys.stdout.write(f"{'stale' if check else 'written'}: schemas/{name}\n")
    if check and names:
        sys.stderr.write("run `python -m schemas.generate`\n")
    return int(check and bool(names))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
