"""Whether a broker and we refuse each other, found out by talking to it once, since kafka-python does not tell.

It takes a failed TLS handshake for a broker that is away, and loses a refused login that comes with the end of the
connection (3.0.12, over TLS): it would try for ever. Both are told apart here in one exchange on a blocking socket; the
login is Kafka's own (https://kafka.apache.org/protocol#sasl_handshake), the mechanisms are kafka-python's.
"""

from __future__ import annotations

import socket
import ssl
import struct
from contextlib import closing
from typing import Any

from kafka.net.sasl import get_sasl_mechanism

from pipelines.errors import ServiceError
from pipelines.kafka.access import access_to, login, tls_context
from pipelines.settings import KafkaSettings

_SECONDS = 5.0
_ALERT_SECONDS = 0.5
"""A server that wants another certificate says so after the handshake, when it is read from (RFC 8446, 4.4.2.4)."""

_SASL_HANDSHAKE, _SASL_AUTHENTICATE, _VERSION = 17, 36, 1
_MOST_BYTES = 1_000_000


class _LoginRefused(Exception):
    """The broker answers our login with an error, or hangs up on it."""


def lasting_refusal(bootstrap: str) -> ServiceError | None:
    """Tell whether a broker refuses our certificate or login, or we its certificate, which no waiting mends.

    Raises:
        SettingsError: a file of a secret or a certificate cannot be used.
    """
    found = access_to(bootstrap)
    if found is None or found.security_protocol == "PLAINTEXT":
        return None
    for server in bootstrap.split(","):
        why, hint = _try(found, server)
        if why:
            return ServiceError(f"Kafka at {server}: {why}", hint=hint, resource=server)
    return None


def _try(found: KafkaSettings, server: str) -> tuple[str, str]:
    """Talk to one broker; give what is wrong and what to do, or nothing."""
    try:
        _converse(found, server)
    except _LoginRefused as error:
        return f"the login failed: {error}", "look at kafka.username, kafka.password_file and kafka.sasl_mechanism"
    except ssl.SSLCertVerificationError as error:
        return (
            f"its certificate is not trusted: {error.verify_message}",
            "kafka.ca_certs names the authority that signed it, and the address its host name",
        )
    except ssl.SSLError as error:
        return _of_tls(error)
    except (OSError, EOFError, ValueError, struct.error):
        return "", ""  # it is away, or has nothing to say before we do, or speaks another protocol: no refusal
    return "", ""


def _of_tls(error: ssl.SSLError) -> tuple[str, str]:
    reason = (error.reason or "").replace("_", " ").lower()
    if "alert" in reason and ("certificate" in reason or "unknown ca" in reason):
        hint = "kafka.client_cert and kafka.client_key name one that its authority has signed"
        return f"it refuses our certificate: {reason}", hint
    if "wrong version number" in reason or "record layer failure" in reason:
        return "it does not speak TLS there", "give its port for TLS, or set kafka.security_protocol"
    return "", ""


def _converse(found: KafkaSettings, server: str) -> None:
    host, _, port = server.rpartition(":")
    host = host.strip("[]")
    with closing(socket.create_connection((host, int(port)), _SECONDS)) as plain:
        if not found.uses_tls:
            _log_in(plain, found, host)
            return
        with closing(tls_context(found).wrap_socket(plain, server_hostname=host)) as tls:
            if found.uses_sasl:
                _log_in(tls, found, host)
            else:
                tls.settimeout(_ALERT_SECONDS)
                tls.recv(1)


def _log_in(connection: socket.socket, found: KafkaSettings, host: str) -> None:
    """Log in as a client does.

    Raises:
        _LoginRefused: the broker says no.
        OSError: it does not answer.
    """
    answer = _ask(connection, _SASL_HANDSHAKE, _text(found.sasl_mechanism))
    if struct.unpack_from(">h", answer)[0]:
        raise _LoginRefused(f"it does not offer {found.sasl_mechanism}")
    options = login(found)
    mechanism: Any = get_sasl_mechanism(found.sasl_mechanism)(host=host, security_protocol="SASL_SSL", **options)
    while not mechanism.is_done():
        token = mechanism.auth_bytes()
        try:
            answer = _ask(connection, _SASL_AUTHENTICATE, struct.pack(">i", len(token)) + token)
        except EOFError:
            raise _LoginRefused("it hangs up on this user and password") from None
        code, length = struct.unpack_from(">hh", answer)
        rest = 4 + max(length, 0)
        if code:
            raise _LoginRefused(answer[4:rest].decode("utf-8", "replace") or f"error {code}")
        size = struct.unpack_from(">i", answer, rest)[0]
        mechanism.receive(answer[rest + 4 : rest + 4 + size])


def _ask(connection: socket.socket, kind: int, body: bytes) -> bytes:
    """Send one request and give its answer without the header.

    Raises:
        EOFError: the broker hangs up.
    """
    request = struct.pack(">hhi", kind, _VERSION, 1) + _text("newsriver-probe") + body
    connection.sendall(struct.pack(">i", len(request)) + request)
    size = struct.unpack(">i", _read(connection, 4))[0]
    if not 4 <= size <= _MOST_BYTES:
        raise ValueError(size)
    return _read(connection, size)[4:]


def _read(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = connection.recv(count - len(found))
        if not part:
            raise EOFError
        found += part
    return found


def _text(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()
