"""How this process proves to Kafka who it is, and how it knows the brokers: TLS, SASL, the client's own certificate.

Addresses travel with the Beam graph, credentials never do: each process keeps them by the address they are for. They
are read from their files at each new connection, so that what has rotated is used from then on.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import closing
from typing import Any

from pipelines.errors import ServiceError, SettingsError
from pipelines.settings import KafkaSettings
from pipelines.settings.secrets import readable, secret

_PROBE_SECONDS = 3.0
_ALERT_SECONDS = 0.5
"""A server that wants another certificate says so after the handshake, when it is read from (RFC 8446, 4.4.2.4)."""

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
        options |= {
            "sasl_mechanism": found.sasl_mechanism,
            "sasl_plain_username": found.username,
            "sasl_plain_password": secret(found.password, found.password_file, "kafka.password_file"),
        }
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


def tls_refusal(bootstrap: str) -> ServiceError | None:
    """Tell whether a broker and we refuse each other's certificates, which no waiting mends; asks one broker itself.

    kafka-python takes a failed handshake for a broker that is away, and would try for ever.

    Raises:
        SettingsError: a certificate's file cannot be used.
    """
    found = _access.get(bootstrap)
    if found is None or not found.uses_tls:
        return None
    context = tls_context(found)
    for server in bootstrap.split(","):
        why, hint = _handshake(context, server)
        if why:
            return ServiceError(f"Kafka at {server}: {why}", hint=hint, resource=server)
    return None


def _handshake(context: ssl.SSLContext, server: str) -> tuple[str, str]:
    """Shake hands with one broker; give what is wrong and what to do, or nothing."""
    host, _, port = server.rpartition(":")
    host = host.strip("[]")
    try:
        with closing(socket.create_connection((host, int(port)), _PROBE_SECONDS)) as plain:
            tls = context.wrap_socket(plain, server_hostname=host)
            with closing(tls):
                tls.settimeout(_ALERT_SECONDS)
                tls.recv(1)
    except ssl.SSLCertVerificationError as error:
        return (
            f"its certificate is not trusted: {error.verify_message}",
            "kafka.ca_certs names the authority that signed it, and the address its host name",
        )
    except ssl.SSLError as error:
        reason = (error.reason or "").replace("_", " ").lower()
        if "alert" in reason and ("certificate" in reason or "unknown ca" in reason):
            hint = "kafka.client_cert and kafka.client_key name one that its authority has signed"
            return f"it refuses our certificate: {reason}", hint
        if "wrong version number" in reason or "record layer failure" in reason:
            return "it does not speak TLS there", "give its port for TLS, or set kafka.security_protocol"
    except OSError:
        return "", ""  # it is away, or has nothing to say before we do: both are no refusal
    return "", ""
