"""How a process proves to Kafka who it is, without a broker: options, secrets from files, refused certificates."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.errors import SettingsError
from pipelines.kafka import access
from pipelines.kafka.client import options
from pipelines.kafka.handshake import lasting_refusal
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.settings import KafkaSettings, Settings, load_settings
from tests.secured import Authority

BOOTSTRAP = "127.0.0.1:9"


@pytest.fixture(autouse=True)
def nobody_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_access", {})


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


def settings(*assignments: str) -> Settings:
    return load_settings(environment={}, assignments=[f"kafka.{assignment}" for assignment in assignments])


def test_without_security_there_are_no_options() -> None:
    kafka_bootstrap(settings(f"bootstrap_servers={BOOTSTRAP}"))
    assert not {name for name in options(BOOTSTRAP, "test") if name.startswith(("sasl", "ssl", "security"))}


def test_a_password_is_read_anew_from_its_file(tmp_path: Path, ours: Authority) -> None:
    file = tmp_path / "password"
    file.write_text("first\n")
    kafka_bootstrap(
        settings(
            f"bootstrap_servers={BOOTSTRAP}",
            "security_protocol=SASL_SSL",
            "username=news-poll",
            f"password_file={file}",
            f"ca_certs={ours.ca}",
        )
    )
    assert options(BOOTSTRAP, "test")["sasl_plain_password"] == "first"  # noqa: S105 - of this test
    file.write_text("second")
    found = options(BOOTSTRAP, "test")
    assert (found["sasl_plain_username"], found["sasl_plain_password"]) == ("news-poll", "second")
    assert found["sasl_mechanism"] == "SCRAM-SHA-512"


def test_certificates_and_host_names_are_always_verified(ours: Authority) -> None:
    context = access.tls_context(KafkaSettings(security_protocol="SSL", ca_certs=ours.ca))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("assignments", "says"),
    [
        (["password_file=/nowhere/at/all"], "kafka.password_file cannot be read from /nowhere/at/all"),
        (["ca_certs=/nowhere/at/all"], "kafka.ca_certs: /nowhere/at/all cannot be read"),
        (["ca_certs={empty}"], "holds no PEM certificate"),
        (["client_cert={empty}"], "and its key are no PEM pair"),
        (["password_file={empty}"], "holds nothing"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(assignments: list[str], says: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    given = [assignment.format(empty=empty) for assignment in assignments]
    kafka_bootstrap(
        settings(f"bootstrap_servers={BOOTSTRAP}", "security_protocol=SASL_SSL", "username=u", "password=p", *given)
    )
    with pytest.raises(SettingsError) as caught:
        options(BOOTSTRAP, "test")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("assignments", "says"),
    [
        (["security_protocol=SASL_SSL"], "kafka.username"),
        (["username=news-poll"], "kafka.security_protocol"),
        (["security_protocol=SASL_PLAINTEXT", "username=u", "sasl_mechanism=PLAIN"], "for all to read"),
    ],
)
def test_what_would_not_protect_is_refused(assignments: list[str], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(*assignments)
    assert says in str(caught.value)


@contextmanager
def tls_server(context: ssl.SSLContext | None) -> Iterator[str]:
    """Answer handshakes, or speak no TLS at all, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    plain, _ = server.accept()
                except OSError:
                    return
                try:
                    if context is None:
                        plain.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                        plain.close()
                    else:
                        context.wrap_socket(plain, server_side=True).close()
                except OSError:
                    plain.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def server_context(authority: Authority, *, days: int = 1, wants: Path | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.pair("server", days=days))
    if wants is not None:
        context.load_verify_locations(wants)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def refusal(server: str, **fields: Path) -> str:
    access.use_access(server, KafkaSettings(security_protocol="SSL", **fields))
    return str(lasting_refusal(server) or "")


def test_a_good_certificate_is_no_refusal(ours: Authority) -> None:
    with tls_server(server_context(ours)) as server:
        assert refusal(server, ca_certs=ours.ca) == ""


def test_a_foreign_an_expired_and_no_certificate_are_told_apart(ours: Authority, tmp_path: Path) -> None:
    foreign = Authority(tmp_path, "foreign")
    with tls_server(server_context(foreign)) as server:
        assert "its certificate is not trusted" in refusal(server, ca_certs=ours.ca)
    with tls_server(server_context(ours, days=-1)) as server:
        assert "certificate has expired" in refusal(server, ca_certs=ours.ca)
    with tls_server(None) as server:
        assert "does not speak TLS" in refusal(server, ca_certs=ours.ca)


def test_a_broker_that_refuses_our_certificate_is_understood(ours: Authority, tmp_path: Path) -> None:
    certificate, key = Authority(tmp_path, "foreign").pair("stranger")
    with tls_server(server_context(ours, wants=ours.ca)) as server:
        assert "refuses our certificate" in refusal(server, ca_certs=ours.ca)
        assert "refuses our certificate" in refusal(server, ca_certs=ours.ca, client_cert=certificate, client_key=key)
        certificate, key = ours.pair("friend")
        assert refusal(server, ca_certs=ours.ca, client_cert=certificate, client_key=key) == ""


def test_a_broker_that_is_away_is_no_refusal(ours: Authority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    assert refusal(address, ca_certs=ours.ca) == ""
