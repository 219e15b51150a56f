"""`newsriver extract URL` against a site on loopback that the settings allow."""

from __future__ import annotations

import json

import pytest

from pipelines.cli import main
from tests.integration.site import Reply, Site
from tests.unit.pages import DATA


def test_a_page_is_fetched_redirects_followed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with Site() as site:
        page = (DATA / "news.html").read_bytes()
        site.routes["/old"] = Reply(status=301, headers={"Location": "/ferry"})
        site.routes["/ferry"] = Reply(page, headers={"Content-Type": "text/html; charset=utf-8"})
        with pytest.raises(SystemExit) as caught:
            main(["--set", 'fetch.allow_networks=["127.0.0.0/8"]', "extract", f"http://{site.host}/old", "--json"])
        article = json.loads(capsys.readouterr().out)["article"]
    assert caught.value.code == 0
    assert article["title"] == "Ferry to Skarholm sails again after winter repairs"
    assert article["source"] == site.host
    assert article["topics"] == [] or article["topics"][0]["evidence"]


def test_a_page_that_is_gone_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Site() as site, pytest.raises(SystemExit) as caught:
        main(["--set", 'fetch.allow_networks=["127.0.0.0/8"]', "extract", f"http://{site.host}/gone"])
    printed = capsys.readouterr()
    assert caught.value.code == 1
    assert "404" in printed.err
    assert printed.err.count("\n") == 1
