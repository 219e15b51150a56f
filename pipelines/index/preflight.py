"""Whether Elasticsearch lets a role do its work, asked once before it begins.

What it refuses then is a mistake in the settings, which is said at once in one line. Later, while work waits in Kafka,
the same answer is waited out like any other, visibly: a key is renewed while it runs, and nothing is lost meanwhile.
"""

from __future__ import annotations

import logging
from contextlib import closing
from typing import Any

from pipelines.errors import ServiceError
from pipelines.index.elastic import CertificateRefused, Elastic, connect
from pipelines.permissions import elastic_roles
from pipelines.settings import Settings
from schemas.roles import Role

log = logging.getLogger(__name__)

_UNAUTHORIZED = 401
_NAMED = 3
"""Missing rights that are named."""


def require_rights(settings: Settings, role: Role) -> None:
    """Make sure that we are known and have a role's rights; of a server that does not answer nothing is asked.

    Raises:
        ServiceError: the server's certificate is not trusted, it does not know us, or a right is missing.
        SettingsError: as `connect`.
    """
    access = settings.elasticsearch
    known = bool(access.username or access.api_key_file or access.api_key.get_secret_value())
    with closing(connect(settings)) as client:
        if not known and not client.url.startswith("https:"):
            return
        _check(client, role.group(settings.river.name), elastic_roles(settings.river.name))


def _check(client: Elastic, name: str, roles: dict[str, dict[str, Any]]) -> None:
    body = {"cluster": roles[name]["cluster"], "index": roles[name]["indices"]}
    try:
        answer = client.send("POST", "/_security/user/_has_privileges", body)
    except CertificateRefused:
        raise
    except ServiceError as error:
        log.debug("rights are not asked for: %s", error)  # whoever works next waits for it
        return
    if answer.status == _UNAUTHORIZED:
        raise ServiceError(
            f"Elasticsearch at {client.url} does not know us: {answer.reason}",
            hint="look at elasticsearch.api_key_file, or elasticsearch.username and elasticsearch.password_file",
            resource=client.url,
        )
    # Without security there is nobody to ask.
    if answer.ok and not answer.body["has_all_requested"]:
        raise ServiceError(
            f"Elasticsearch at {client.url} does not let us {_missing(answer.body)}",
            hint=f"`newsriver setup --print-acls` has the role {name} with all that it takes",
            resource=client.url,
        )


def _missing(body: dict[str, Any]) -> str:
    """Name what is not allowed, e.g. `index in news-articles`."""
    found = [f"{right} in the cluster" for right, has in body["cluster"].items() if not has]
    for name, rights in body["index"].items():
        found += [f"{right} in {name}" for right, has in rights.items() if not has]
    more = f" and {len(found) - _NAMED} rights more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more
