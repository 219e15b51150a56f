"""Who we are to Elasticsearch: the client's options of the settings' secrets, and whether these have rotated."""

from __future__ import annotations

from typing import Any

from pipelines.settings import ElasticsearchSettings
from pipelines.settings.secrets import secret


def credentials(access: ElasticsearchSettings) -> dict[str, Any]:
    """Give the client's options that say who we are, with the secrets as they are now.

    Raises:
        SettingsError: a secret's file cannot be read.
    """
    key = secret(access.api_key, access.api_key_file, "elasticsearch.api_key_file")
    if key:
        return {"api_key": key}
    if access.username:
        password = secret(access.password, access.password_file, "elasticsearch.password_file")
        return {"basic_auth": (access.username, password)}
    return {}


class Rotation:
    """Notices that secrets have changed since they were used last.

    Args:
        access: settings that name them.
    """

    def __init__(self, access: ElasticsearchSettings) -> None:
        self._access = access
        self._used = credentials(access)

    def fresh(self) -> dict[str, Any]:
        """Give the credentials as options of a client where they are others by now; else nothing.

        Raises:
            SettingsError: a secret's file cannot be read.
        """
        now = credentials(self._access)
        if now == self._used:
            return {}
        self._used = now
        return now
