"""Elasticsearch as the river uses it: one request, one answer, and our own errors.

The only importer of elasticsearch (https://elasticsearch-py.readthedocs.io, tested with 8.19). The client gives TLS,
credentials, kept connections and the check that the server is Elasticsearch; its retries and bulk helpers are not
used: the sink waits by its own rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pipelines.errors import NewsriverError, ServiceError, SettingsError
from pipelines.index.credentials import Rotation, credentials
from pipelines.runtime.endpoints import elasticsearch_url
from pipelines.settings import ElasticsearchSettings, Settings
from pipelines.settings.secrets import readable

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY, _SERVER = 401, 403, 404, 429, 500


@dataclass(frozen=True, slots=True)
class ElasticAnswer:
    """What the server said.

    Attributes:
        status: HTTP status.
        body: the decoded JSON; text where the answer is not JSON.
    """

    status: int
    body: Any

    @property
    def ok(self) -> bool:
        """Whether the request was done."""
        return 200 <= self.status < 300

    @property
    def error_type(self) -> str:
        """Elasticsearch's name of the error, e.g. `index_not_found_exception`; empty for none."""
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return str(error.get("type", "")) if isinstance(error, dict) else ""

    @property
    def reason(self) -> str:
        """The error in one line, for people."""
        error = self.body.get("error", self.body) if isinstance(self.body, dict) else self.body
        if isinstance(error, dict):
            causes = [*error.get("root_cause", []), error]
            error = causes[0].get("reason") or causes[0].get("type") or error
        return " ".join(str(error or "no further word").split())[:300]


class Elastic:
    """One Elasticsearch.

    Attributes:
        url: its address.
    """

    def __init__(self, client: Elasticsearch, url: str, rotation: Rotation | None = None) -> None:
        self._client = client
        self._rotation = rotation
        self.url = url

    def send(
        self, method: str, path: str, body: object | bytes | None = None, params: Mapping[str, Any] | None = None
    ) -> ElasticAnswer:
        """Send one request and give the answer, whatever its status.

        It is sent once, and once more where our credentials are refused and their file holds others by now.

        Args:
            method: HTTP method.
            path: path from the root, each part already quoted where need be.
            body: what to send: bytes are newline-delimited JSON, all else becomes JSON.
            params: the query string.

        Raises:
            ServiceError: no whole answer came: refused, cut off, timed out, not Elasticsearch.
        """
        answer = self._send(method, path, body, params)
        if answer.status == _UNAUTHORIZED and self._rotation is not None and (fresh := self._rotation.fresh()):
            self._client = self._client.options(**fresh)
            answer = self._send(method, path, body, params)
        return answer

    def _send(
        self, method: str, path: str, body: object | bytes | None, params: Mapping[str, Any] | None
    ) -> ElasticAnswer:
        from elasticsearch import ApiError, SerializationError, TransportError, UnsupportedProductError
        from elasticsearch.exceptions import SSLError

        kind = "application/x-ndjson" if isinstance(body, bytes) else "application/json"
        headers = {"accept": "application/json"} | ({} if body is None else {"content-type": kind})
        try:
            answer = self._client.perform_request(method, path, params=params, headers=headers, body=body)
        except UnsupportedProductError:
            raise not_elasticsearch(self.url) from None
        except ApiError as error:
            return ElasticAnswer(error.meta.status, error.body)
        except SerializationError:
            raise away(self.url, "its answer is not whole, or not JSON") from None
        except SSLError as error:
            raise untrusted(self.url, str(error.message)) from None
        except TransportError as error:
            raise away(self.url, " ".join(str(error.message).split())[:300]) from None
        return ElasticAnswer(answer.meta.status, None if method == "HEAD" else answer.body)

    def ask(
        self, method: str, path: str, body: object | bytes | None = None, params: Mapping[str, Any] | None = None
    ) -> Any:  # noqa: ANN401 - whatever JSON the server sends
        """Send one request and give the answer's JSON.

        Raises:
            ServiceError: no answer, the server is busy or failing, or it refuses the credentials.
            NewsriverError: it refuses the request.
        """
        return judged(self.send(method, path, body, params), self.url, f"{method} {path}")

    def exists(self, path: str) -> bool:
        """Tell whether a resource is there.

        Raises:
            ServiceError, NewsriverError: as `ask`.
        """
        answer = self.send("GET", path)
        if answer.status != _NOT_FOUND and not answer.ok:
            self.ask("GET", path)
        return answer.ok

    def close(self) -> None:
        """Hang up."""
        self._client.close()


def judged(answer: ElasticAnswer, url: str, request: str) -> Any:  # noqa: ANN401 - whatever JSON the server sends
    """Give an answer's JSON, or the error that it is.

    Args:
        answer: what the server said.
        url: its address.
        request: method and path, for the message.

    Raises:
        ServiceError: the server is busy or failing, or it refuses the credentials.
        NewsriverError: it refuses the request.
    """
    if answer.ok:
        return answer.body
    # A blocked index is a 403 too, and no credentials open it.
    blocked = answer.error_type == "cluster_block_exception"
    if answer.status in (_UNAUTHORIZED, _FORBIDDEN) and not blocked:
        raise ServiceError(
            f"Elasticsearch at {url} refuses access: {answer.reason}",
            hint="set elasticsearch.api_key, or elasticsearch.username and elasticsearch.password",
            resource=url,
        )
    if answer.status == _TOO_MANY or answer.status >= _SERVER:
        raise ServiceError(
            f"Elasticsearch at {url} cannot answer now ({answer.status}): {answer.reason}",
            hint="try again; `newsriver doctor` shows its state",
            resource=url,
        )
    raise NewsriverError(f"Elasticsearch refuses {request} ({answer.status}): {answer.reason}", resource=url)


def away(url: str, why: str) -> ServiceError:
    """Make the error of a server that gives no whole answer."""
    return ServiceError(
        f"Elasticsearch at {url} does not answer: {why}",
        hint="start the local one with `newsriver stack up`, or check elasticsearch.url",
        resource=url,
    )


class CertificateRefused(ServiceError):
    """Elasticsearch's certificate is not one that we trust, or there is no TLS at all; no waiting mends that."""


def untrusted(url: str, why: str) -> CertificateRefused:
    """Make the error of a server whose certificate is not trusted."""
    return CertificateRefused(
        f"Elasticsearch at {url}: its certificate is not trusted: {' '.join(why.split())[:200]}",
        hint="elasticsearch.ca_certs or elasticsearch.ca_fingerprint names the authority that signed it",
        resource=url,
    )


def not_elasticsearch(url: str) -> ServiceError:
    """Make the error of a server that is another product."""
    return ServiceError(f"the server at {url} is not Elasticsearch", hint="check elasticsearch.url", resource=url)


def client_options(settings: Settings) -> tuple[str, dict[str, Any]]:
    """Give address and options of a client: one try a request, credentials and certificates as the settings say.

    Raises:
        ServiceError: no server is named and no local stack was started.
        SettingsError: the certificates' file is missing.
    """
    return elasticsearch_url(settings), _options(ElasticTarget.of(settings), settings.elasticsearch)


def _options(target: ElasticTarget, access: ElasticsearchSettings) -> dict[str, Any]:
    options: dict[str, Any] = {"request_timeout": target.timeout_seconds, "max_retries": 0}
    options |= credentials(access)
    if target.ca_certs is not None:
        options["ca_certs"] = readable(target.ca_certs, "elasticsearch.ca_certs")
    elif target.ca_fingerprint:
        options["ssl_assert_fingerprint"] = target.ca_fingerprint
    return options


def unusable(url: str, error: Exception) -> SettingsError:
    """Make the error of an address that no client takes."""
    return SettingsError(
        f"elasticsearch.url {url} cannot be used: {error}",
        hint="it needs scheme, host and port, e.g. https://search.example.org:9200",
        resource="elasticsearch.url",
    )


@dataclass(frozen=True, slots=True)
class ElasticTarget:
    """An Elasticsearch, and how much it is sent at once; it holds no credentials, so it may travel with a job.

    Attributes:
        url: its address.
        ca_certs: PEM file of the authority that signed its certificate; None for a public one.
        ca_fingerprint: SHA-256 fingerprint of its certificate or its authority's, instead; empty for none.
        timeout_seconds: longest wait for one answer.
        bulk_documents: most documents in one bulk request.
        bulk_bytes: most bytes in one bulk request.
    """

    url: str
    ca_certs: Path | None
    ca_fingerprint: str
    timeout_seconds: float
    bulk_documents: int
    bulk_bytes: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Take the settings' Elasticsearch.

        Raises:
            ServiceError: no server is named and no local stack was ever started.
        """
        own = settings.elasticsearch
        return cls(
            url=elasticsearch_url(settings),
            ca_certs=own.ca_certs,
            ca_fingerprint=own.ca_fingerprint,
            timeout_seconds=own.timeout_seconds,
            bulk_documents=own.bulk_documents,
            bulk_bytes=own.bulk_bytes,
        )


def connect(settings: Settings) -> Elastic:
    """Make a client of the settings' Elasticsearch; nothing is sent yet.

    Raises:
        ServiceError: no server is named and no local stack was started.
        SettingsError: as `connect_to`.
    """
    return connect_to(ElasticTarget.of(settings), settings.elasticsearch)


def connect_to(target: ElasticTarget, access: ElasticsearchSettings) -> Elastic:
    """Make a client of an Elasticsearch; nothing is sent yet.

    Args:
        target: the server.
        access: settings that hold the credentials; nothing else of them counts.

    Raises:
        SettingsError: the address cannot be one, or the certificates' file is missing.
    """
    from elasticsearch import Elasticsearch

    try:
        client = Elasticsearch(target.url, **_options(target, access))
        return Elastic(client, target.url, Rotation(access))
    except (ValueError, OSError) as error:
        raise unusable(target.url, error) from None
