"""Alerts by e-mail, handed to a mail server on loopback."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from pipelines.alerts.channels import Channels
from pipelines.errors import FetchFault
from pipelines.http.client import Client
from pipelines.settings import load_settings
from tests.secured import Authority
from tests.unit.test_alert_messages import delivery, message

PASSWORD = "between-us"  # noqa: S105 - of the test's own server
TO = ["ida@example.org", "ben@example.org"]


@dataclass
class Mailbox:
    """What came: mails and to whom; `refuses` is an address that it does not know."""

    refuses: str = ""
    mails: list[Message] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 - aiosmtpd's
        if address == self.refuses:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 OK"


def send(box: Mailbox, *assignments: str, tls: ssl.SSLContext | None = None) -> None:
    """Send a mail of two articles to a server that has the mailbox; with TLS it asks for STARTTLS and a login."""

    def login(_server: Any, _session: Any, _envelope: Any, _how: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    options: dict[str, Any] = {"hostname": "mail.test"}
    if tls:
        options |= {"tls_context": tls, "require_starttls": True, "authenticator": login, "auth_required": True}

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(box, **options), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        of_server = ("alerts.smtp_host=127.0.0.1", f"alerts.smtp_port={port}", "alerts.smtp_from=N <news@example.org>")
        settings = load_settings(assignments=[*of_server, *assignments], environment={})
        async with server, Client(settings) as client:
            await Channels(settings, client).send(
                message(delivery(1, "Bridge opens\r\nBcc: eve@example.org"), delivery(2))
            )

    asyncio.run(run())


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "trusted")


@pytest.fixture
def tls(authority: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.pair("mail"))
    return context


def test_a_mail_comes_whole_and_a_headline_adds_no_recipient() -> None:
    box = Mailbox()
    send(box, "alerts.smtp_security=none")
    [mail] = box.mails
    assert box.recipients == [TO]
    assert (mail["Subject"], mail["From"], mail["Bcc"]) == ("N: 2 articles", "N <news@example.org>", None)
    text = mail.get_payload()
    assert isinstance(text, str)
    assert "https://gazette.example.org/1" in text
    assert "https://gazette.example.org/2" in text


def test_login_and_mail_go_over_tls(authority: Authority, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    box = Mailbox()
    send(box, "alerts.smtp_username=river", f"alerts.smtp_password={PASSWORD}", tls=tls)
    assert box.recipients == [TO]


def test_a_wrong_password_is_told_without_it(
    authority: Authority, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    box = Mailbox()
    with pytest.raises(FetchFault, match="SMTPAuthenticationError") as caught:
        send(box, "alerts.smtp_username=river", "alerts.smtp_password=not-that-one", tls=tls)
    assert caught.value.retryable
    assert "not-that-one" not in str(caught.value)
    assert not box.mails


def test_a_certificate_nobody_vouches_for_gets_no_password(tls: ssl.SSLContext) -> None:
    box = Mailbox()
    with pytest.raises(FetchFault, match="certificate verify failed"):
        send(box, "alerts.smtp_username=river", f"alerts.smtp_password={PASSWORD}", tls=tls)
    assert not box.mails


def test_a_server_without_tls_gets_nothing() -> None:
    box = Mailbox()
    with pytest.raises(FetchFault, match="STARTTLS"):
        send(box)
    assert not box.mails


def test_a_recipient_that_is_refused_is_named_and_nobody_gets_the_mail_twice() -> None:
    box = Mailbox(refuses="ben@example.org")
    with pytest.raises(FetchFault, match=r"refuses ben@example\.org"):
        send(box, "alerts.smtp_security=none")
    assert not box.mails
