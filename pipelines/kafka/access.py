"""How this process proves to Kafka who it is, and how it knows the brokers: TLS, SASL, the client's own certificate.

Addresses travel with the Beam graph, credentials never do: each process keeps them by the address they are for. They
are read from their files at each new connection, so that what has rotated is used from then on.
"""

from __future__ import annotations

import ssl
from typing import Any

from pipelines.errors import SettingsError
from pipelines.settings import KafkaSettings
from pipelines.settings.secrets import readable, secret

_access: dict[str, KafkaSettings] = {}


def use_access(bootstrap: str, settings: KafkaSettings) -> None:
    """Have all clients of this process that talk to these brokers do so as the settings say."""
    _access[bootstrap] = settings


def access_options(bootstrap: str) -> dict[str, Any]:
    """Give kafka-python's options for security; none where nothing was said of these brokers.

    Raises:
        SettingsError: a file of a secret or a certificate cannot be used.
    """
    found = _access.get(bootstrap)
    if found is None or found.security_protocol == "PLAINTEXT":
        return {}
    options: dict[str, Any] = {"security_protocol": found.security_protocol}
    if found.uses_tls:
        options["ssl_context"] = tls_context(found)
    if found.uses_sasl:
        options |= login(found)
    return options


def tls_context(settings: KafkaSettings) -> ssl.SSLContext:
    """Make what verifies the brokers' certificates and host names, and shows ours where there is one.

    Raises:
        SettingsError: a file cannot be read, or is not PEM.
    """
    authority = settings.ca_certs and readable(settings.ca_certs, "kafka.ca_certs")
    try:
        context = ssl.create_default_context(cafile=authority)
    except ssl.SSLError:
        raise SettingsError(
            f"kafka.ca_certs: {authority} holds no PEM certificate", resource="kafka.ca_certs"
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.client_cert is not None:
        own = readable(settings.client_cert, "kafka.client_cert")
        key = settings.client_key and readable(settings.client_key, "kafka.client_key")
        try:
            context.load_cert_chain(own, key)
        except ssl.SSLError:
            raise SettingsError(
                f"kafka.client_cert: {own} and its key are no PEM pair",
                hint="kafka.client_key names the key's file, without a passphrase",
                resource="kafka.client_cert",
            ) from None
    return context


def access_to(bootstrap: str) -> KafkaSettings | None:
    """Give how these brokers are talked to; None where nothing was said of them."""
    return _access.get(bootstrap)


def login(found: KafkaSettings) -> dict[str, str]:
    """Give kafka-python's options for a login, with the password as it is now.

    Raises:
        SettingsError: its file cannot be read.
    """
    return {
        "sasl_mechanism": found.sasl_mechanism,
        "sasl_plain_username": found.username,
        "sasl_plain_password": secret(found.password, found.password_file, "kafka.password_file"),
    }
