"""Where the servers are: where the settings say, else where the local stack runs."""

from __future__ import annotations

from pipelines.errors import ServiceError
from pipelines.settings import Settings
from pipelines.stack.state import Endpoints, endpoints


def kafka_bootstrap(settings: Settings) -> str:
    """Give Kafka's address as comma-separated host:port, and have this process's clients prove to it who they are.

    Raises:
        ServiceError: the settings name none and no local stack was ever started.
    """
    given = settings.kafka.bootstrap_servers
    if given:
        if settings.kafka.security_protocol != "PLAINTEXT":
            from pipelines.kafka.access import use_access

            use_access(given, settings.kafka)
        return given
    return _local(settings, "Kafka", "kafka.bootstrap_servers").bootstrap


def require_login(settings: Settings) -> None:
    """Make sure that Kafka lets us in, where it asks who we are; of brokers that are away nothing is asked.

    Raises:
        ServiceError: a certificate or the login is refused, or no server is named and no local stack was ever started.
        SettingsError: a file of a secret or a certificate cannot be used.
    """
    bootstrap = kafka_bootstrap(settings)
    if settings.kafka.security_protocol == "PLAINTEXT":
        return
    from pipelines.kafka.handshake import lasting_refusal

    if refused := lasting_refusal(bootstrap):
        raise refused


def elasticsearch_url(settings: Settings) -> str:
    """Give Elasticsearch's address as a URL.

    Raises:
        ServiceError: the settings name none and no local stack was ever started.
    """
    if settings.elasticsearch.url:
        return settings.elasticsearch.url
    return _local(settings, "Elasticsearch", "elasticsearch.url").elasticsearch


def _local(settings: Settings, server: str, setting: str) -> Endpoints:
    found = endpoints(settings)
    if found is None:
        raise ServiceError(
            f"no {server}: the local stack was never started and {setting} is not set",
            hint="start the local one with `newsriver stack up`",
        )
    return found
