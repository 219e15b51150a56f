"""Where messages go: a webhook, a mail server, a line on stdout; each takes a message whole or says why not."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parseaddr

import orjson

from pipelines.alerts.messages import AlertMessage, mail, message_lines, webhook_headers
from pipelines.errors import FetchFault
from pipelines.http.client import Client
from pipelines.runtime.threads import run_in_thread
from pipelines.settings import AlertSettings, Settings
from schemas.records import AlertChannel

_TAKEN = (250, 251)
"""What a mail server says of a recipient that it takes (RFC 5321, 4.2.3)."""

GONE = 410
"""A receiver that answers so wants no more messages (RFC 9110, 15.5.11)."""


class Channels:
    """Sends messages.

    Args:
        settings: all settings.
        client: makes the requests to webhooks, with its guard against private addresses.
        write: prints lines; None where nobody reads stdout.
    """

    def __init__(self, settings: Settings, client: Client, write: Callable[[str], None] | None = None) -> None:
        self._settings = settings.alerts
        self._client = client
        self._write = write

    async def send(self, message: AlertMessage) -> None:
        """Send one message; after it the receiver has it.

        Raises:
            FetchFault: the receiver did not take it; `retry_after` and `status` say what it wants.
        """
        match message.search.channel:
            case AlertChannel.WEBHOOK:
                await self._post(message)
            case AlertChannel.EMAIL:
                await run_in_thread(_mail, message, self._settings)
            case AlertChannel.STDOUT if self._write is not None:
                self._write(message_lines(message))

    async def _post(self, message: AlertMessage) -> None:
        body = orjson.dumps(message.to_json())
        secret = message.search.secret.get_secret_value()
        headers = webhook_headers(message.id, body, secret, datetime.now(UTC))
        await self._client.post(message.search.target, body, headers, seconds=self._settings.timeout_seconds)


def _mail(message: AlertMessage, settings: AlertSettings) -> None:
    """Hand one e-mail to the mail server; each recipient that it refuses is refused for all."""
    server = f"{settings.smtp_host}:{settings.smtp_port}"
    secured, seconds = settings.smtp_security, settings.timeout_seconds
    context = ssl.create_default_context()
    try:
        with (
            smtplib.SMTP_SSL(settings.smtp_host, settings.smtp_port, timeout=seconds, context=context)
            if secured == "tls"
            else smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=seconds)
        ) as smtp:
            if secured == "starttls":
                smtp.starttls(context=context)
            if settings.smtp_username:
                smtp.login(settings.smtp_username, settings.smtp_password.get_secret_value())
            refused = _refused(smtp, message, settings) or smtp.send_message(mail(message, settings.smtp_from))
    except (OSError, smtplib.SMTPException) as error:
        # What a server says may hold what it was told; the class alone says enough of a login.
        said = type(error).__name__ if isinstance(error, smtplib.SMTPAuthenticationError) else f"{error}"
        raise FetchFault(f"no mail is taken: {said}"[:300], reason="smtp", retryable=True, resource=server) from None
    if refused:
        names = ", ".join(refused)
        raise FetchFault(f"the mail server refuses {names}"[:300], reason="smtp", retryable=True, resource=server)


def _refused(smtp: smtplib.SMTP, message: AlertMessage, settings: AlertSettings) -> list[str]:
    """Ask which recipients are refused, before any has the mail: the others would have it again at each further try."""
    smtp.ehlo_or_helo_if_needed()
    smtp.mail(parseaddr(settings.smtp_from)[1])
    refused = [each for each in message.search.target.split(",") if smtp.rcpt(each)[0] not in _TAKEN]
    smtp.rset()
    return refused
