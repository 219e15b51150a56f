"""What `serve` must be told before it subscribes."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipelines.errors import SettingsError
from pipelines.runtime.frame import RunningRole
from pipelines.settings import ServeSettings, Settings
from pipelines.web.role import run


def test_websub_needs_a_public_address() -> None:
    with pytest.raises(SettingsError, match=r"serve\.websub needs serve\.public_url"):
        run(RunningRole(Settings(serve=ServeSettings(websub=True))))


@pytest.mark.parametrize("url", ["news.example", "ftp://news.example", "https://", "https://news.example/?a=1", "/x"])
def test_a_public_address_is_one_that_callbacks_can_follow(url: str) -> None:
    with pytest.raises(ValidationError, match="an http:// or https:// address without a query"):
        ServeSettings(public_url=url)


def test_a_public_address_may_have_a_path() -> None:
    assert ServeSettings(public_url="https://news.example/river/").public_url == "https://news.example/river"
