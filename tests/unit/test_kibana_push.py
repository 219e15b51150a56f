"""Dashboards into a double of Kibana: written once, never twice, and never over what somebody edited there."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipelines.backoff import Backoff
from pipelines.cli import newsriver
from pipelines.dashboards import kibana
from pipelines.dashboards.kibana import Kibana
from pipelines.dashboards.kibana_files import kibana_files
from pipelines.dashboards.normal_form import api_form, bare, digest, mark_of, saved_object_form
from pipelines.dashboards.push import push
from pipelines.errors import NewsriverError, ServiceError, SettingsError
from pipelines.settings import Settings, load_settings
from tests.kibana_double import KibanaDouble, migrated, served, with_defaults

OLD, NEW = "8.19.9", "9.5.4"
BOTH = pytest.mark.parametrize("double", [OLD, NEW], indirect=True)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kibana, "_PAUSES", Backoff(0.001, 0.001))


@pytest.fixture
def double(request: pytest.FixtureRequest) -> Iterator[KibanaDouble]:
    found = KibanaDouble(getattr(request, "param", OLD))
    with served(found):
        yield found


def settings(double: KibanaDouble, *more: str) -> Settings:
    return load_settings(assignments=[f"kibana.url={double.url}", *more], environment={})


def pushed(double: KibanaDouble, *more: str, **how: bool) -> dict[str, int]:
    """Push, and count what became of the objects."""
    return dict(Counter(each.state.value for each in asyncio.run(push(settings(double, *more), **how))))


def count(double: KibanaDouble) -> int:
    return len(double.objects) + len(double.boards)


@BOTH
def test_the_second_push_writes_nothing(double: KibanaDouble) -> None:
    first = pushed(double)
    assert first == {"created": count(double)}
    assert first["created"] == 9
    assert len(double.boards) == (3 if double.version == NEW else 0)
    written = list(double.writes)
    assert pushed(double) == {"unchanged": 9}
    assert double.writes == written


@BOTH
def test_a_dry_run_writes_nothing(double: KibanaDouble) -> None:
    assert pushed(double, dry_run=True) == {"created": 9}
    assert double.writes == []


@BOTH
def test_what_is_missing_is_written_and_nothing_else(double: KibanaDouble) -> None:
    pushed(double)
    if double.version == NEW:
        del double.boards["newsriver-news-health"]
    else:
        del double.objects["default", "dashboard", "newsriver-news-health"]
    before = dict(double.objects)
    assert pushed(double) == {"created": 1, "unchanged": 8}
    assert {key: each for key, each in double.objects.items() if key in before} == before


def edit(double: KibanaDouble, change: Any) -> None:
    """Change the first panel of the newsroom as a person would."""
    if double.version == NEW:
        change(double.boards["newsriver-news-newsroom"][1]["panels"][0]["config"])
        return
    attributes = double.objects["default", "dashboard", "newsriver-news-newsroom"]["attributes"]
    panels = json.loads(attributes["panelsJSON"])
    change(panels[0]["embeddableConfig"])
    attributes["panelsJSON"] = json.dumps(panels)


@BOTH
def test_what_was_edited_by_hand_stays_until_it_is_forced(double: KibanaDouble) -> None:
    pushed(double)
    edit(double, lambda panel: panel.update(title="Our articles"))
    before = len(double.writes)
    assert pushed(double) == {"differs": 1, "unchanged": 8}
    assert len(double.writes) == before
    [change] = [each for each in asyncio.run(push(settings(double))) if each.state == "differs"]
    assert change.name == "newsriver-news-newsroom"
    assert change.details[0] == "edited in Kibana"
    assert '"Our articles" -> "Articles"' in change.details[1]
    assert pushed(double, force=True) == {"changed": 1, "unchanged": 8}
    assert pushed(double) == {"unchanged": 9}


@BOTH
def test_what_an_older_newsriver_pushed_is_brought_up_to_date(
    double: KibanaDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = kibana_files("news")
    older = kibana_files("news")
    for found in older.objects:
        if found["type"] == "dashboard":
            found["attributes"]["timeFrom"] = "now-1h"
            described = found["attributes"]["description"]
            found["attributes"]["description"] = f"{bare(described)} (newsriver {digest(saved_object_form(found))})"
    for body in older.bodies.values():
        body["time_range"]["from"] = "now-1h"
        body["description"] = f"{bare(body['description'])} (newsriver {digest(api_form(body))})"
    monkeypatch.setattr("pipelines.dashboards.push.kibana_files", lambda _: older)
    assert pushed(double) == {"created": 9}
    monkeypatch.setattr("pipelines.dashboards.push.kibana_files", lambda _: ours)
    assert pushed(double) == {"changed": 3, "unchanged": 6}
    assert pushed(double) == {"unchanged": 9}


def test_what_kibana_adds_to_an_object_is_no_edit() -> None:
    ours = kibana_files("news")
    for found in ours.objects:
        assert saved_object_form(migrated(found)) == saved_object_form(found)
        if found["type"] != "index-pattern":
            assert mark_of(found["attributes"]["description"]) == digest(saved_object_form(found))
    for body in ours.bodies.values():
        assert api_form(with_defaults(body)) == api_form(body)
        assert mark_of(body["description"]) == digest(api_form(body))


def test_fields_that_somebody_added_to_a_data_view_stay(double: KibanaDouble) -> None:
    pushed(double)
    attributes = double.objects["default", "index-pattern", "newsriver-news-articles"]["attributes"]
    fields = json.loads(attributes["runtimeFieldMap"])
    theirs = {"type": "long", "script": {"source": "emit(1)"}}
    attributes["runtimeFieldMap"] = json.dumps(fields | {"theirs": theirs})
    attributes["fieldFormatMap"] = '{"words":{"id":"number"}}'
    assert pushed(double) == {"unchanged": 9}
    del fields["hour_of_day"]
    attributes["runtimeFieldMap"] = json.dumps(fields | {"theirs": theirs})
    assert pushed(double) == {"changed": 1, "unchanged": 8}
    after = double.objects["default", "index-pattern", "newsriver-news-articles"]["attributes"]
    assert set(json.loads(after["runtimeFieldMap"])) == {"hour_of_day", "discovery_seconds", "theirs"}
    assert after["fieldFormatMap"] == '{"words":{"id":"number"}}'


def test_a_data_view_whose_own_fields_were_changed_is_left_alone(double: KibanaDouble) -> None:
    pushed(double)
    double.objects["default", "index-pattern", "newsriver-news-articles"]["attributes"]["timeFieldName"] = "first_seen"
    assert pushed(double) == {"differs": 1, "unchanged": 8}
    assert pushed(double, force=True) == {"changed": 1, "unchanged": 8}


def test_an_object_that_cannot_be_read_is_left_alone_and_named(double: KibanaDouble) -> None:
    pushed(double)
    double.objects["default", "dashboard", "newsriver-news-health"]["attributes"]["panelsJSON"] = "{"
    [change] = [each for each in asyncio.run(push(settings(double))) if each.state == "differs"]
    assert "not in the form" in change.details[0]


@BOTH
def test_a_space_has_dashboards_of_its_own(double: KibanaDouble) -> None:
    assert pushed(double, "kibana.space=news") == {"created": 9}
    assert {space for space, *_ in double.objects} == {"news"}
    if double.version == NEW:
        with pytest.raises(NewsriverError, match="in another space than 'default'"):
            pushed(double)
    else:
        assert pushed(double) == {"created": 9}


def test_a_space_that_is_not_there_is_named(double: KibanaDouble) -> None:
    with pytest.raises(NewsriverError, match="is there a space 'nowhere'"):
        pushed(double, "kibana.space=nowhere")


@BOTH
def test_two_rivers_share_a_kibana(double: KibanaDouble) -> None:
    assert pushed(double) == {"created": 9}
    assert pushed(double, "river.name=daily") == {"created": 9}
    assert pushed(double) == pushed(double, "river.name=daily") == {"unchanged": 9}


def test_a_key_is_sent_to_where_it_belongs_and_asked_for_where_it_is_missing(double: KibanaDouble) -> None:
    double.key = "c2VjcmV0"
    with pytest.raises(ServiceError, match=r"refuses access.*kibana\.api_key"):
        pushed(double)
    assert pushed(double, "kibana.api_key=c2VjcmV0") == {"created": 9}


def test_the_key_may_stand_in_a_file(double: KibanaDouble, tmp_path: Path) -> None:
    double.key = "c2VjcmV0"
    file = tmp_path / "key"
    file.write_text("c2VjcmV0\n")
    assert pushed(double, f"kibana.api_key_file={file}") == {"created": 9}


def test_a_redirect_is_not_followed_with_the_key(double: KibanaDouble) -> None:
    double.moved = True
    with pytest.raises(NewsriverError, match="base path"):
        pushed(double, "kibana.api_key=c2VjcmV0")


def test_a_base_path_stands_before_the_space() -> None:
    double = KibanaDouble()
    double.base = "/kibana"
    with served(double):
        assert pushed(double, "kibana.space=news") == {"created": 9}


def test_a_busy_kibana_is_asked_again_but_not_for_ever(double: KibanaDouble) -> None:
    double.busy = 2
    assert pushed(double) == {"created": 9}
    double.busy = 1000
    with pytest.raises(ServiceError, match="cannot answer now"):
        pushed(double)


def test_one_that_takes_less_says_which_setting(double: KibanaDouble) -> None:
    double.most_bytes = 1000
    with pytest.raises(NewsriverError, match="maxImportPayloadBytes"):
        pushed(double)
    assert double.objects == {}


def test_objects_that_are_refused_are_named(double: KibanaDouble) -> None:
    orphan = next(each for each in kibana_files("news").objects if each["type"] == "search")

    async def call() -> None:
        async with Kibana(settings(double).kibana) as client:
            await client.import_objects(json.dumps(orphan) + "\n")

    with pytest.raises(NewsriverError, match="missing_references"):
        asyncio.run(call())


@pytest.mark.parametrize(("version", "says"), [("8.7.1", "older than 8.8"), ("", "is no Kibana")])
def test_what_is_too_old_or_no_kibana_is_refused(double: KibanaDouble, version: str, says: str) -> None:
    double.version = version
    with pytest.raises(NewsriverError, match=says):
        pushed(double)


def test_without_a_kibana_the_setting_is_named() -> None:
    with pytest.raises(SettingsError, match=r"kibana\.url"):
        asyncio.run(push(Settings()))


def test_one_that_is_not_there_is_a_service_that_does_not_answer() -> None:
    with pytest.raises(ServiceError, match="does not answer"):
        asyncio.run(push(load_settings(assignments=["kibana.url=http://127.0.0.1:1"], environment={})))


@pytest.mark.parametrize("url", ["kibana", "ftp://kibana", "https://u:p@kibana", "https://kibana/?x=1", "http://[::1"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(SettingsError):
        load_settings(assignments=[f"kibana.url={url}"], environment={})


def called(*arguments: str) -> Any:
    return CliRunner().invoke(newsriver, arguments, catch_exceptions=True)


def test_the_commands_push_check_and_say_what_differs(double: KibanaDouble) -> None:
    at = ("--set", f"kibana.url={double.url}", "dashboards")
    missing = called(*at, "check")
    assert missing.exit_code == 1
    assert missing.stdout.count("created") == 9
    assert double.writes == []
    assert called(*at, "push").exit_code == 0
    assert called(*at, "check").exit_code == 0
    edit(double, lambda panel: panel.update(title="Our articles"))
    edited = called(*at, "push", "--json")
    assert edited.exit_code == 1
    [change] = [each for each in json.loads(edited.stdout)["changes"] if each["state"] == "differs"]
    assert change["name"] == "newsriver-news-newsroom"
    assert called(*at, "push", "--force").exit_code == 0
    assert called(*at, "check").exit_code == 0


def test_export_writes_files_that_kibana_takes_as_they_are(double: KibanaDouble, tmp_path: Path) -> None:
    folder = tmp_path / "some" / "where"
    done = called("dashboards", "export", str(folder))
    assert done.exit_code == 0, done.output
    assert sorted(each.name for each in folder.iterdir()) == [
        "dashboards.ndjson",
        "newsriver-news-health.api.json",
        "newsriver-news-newsroom.api.json",
        "newsriver-news-quality.api.json",
    ]
    assert "<river>" not in "".join(each.read_text() for each in folder.iterdir())

    async def call() -> None:
        async with Kibana(settings(double).kibana) as client:
            await client.import_objects((folder / "dashboards.ndjson").read_text())

    asyncio.run(call())
    assert pushed(double) == {"unchanged": 9}
    file = tmp_path / "file"
    file.touch()
    assert called("dashboards", "export", str(file / "below")).exit_code != 0
