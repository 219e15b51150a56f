"""Elasticsearch for many questions at once: one asynchronous client with one pool of connections.

Beside `pipelines.index.elastic` the only importer of elasticsearch; answers and errors are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipelines.index.credentials import Rotation
from pipelines.index.elastic import ElasticAnswer, away, client_options, judged, not_elasticsearch, untrusted, unusable
from pipelines.settings import Settings

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch

_JSON = {"accept": "application/json"}


class AsyncElastic:
    """One Elasticsearch, asked without waiting for the answer before.

    Attributes:
        url: its address.
    """

    def __init__(self, client: AsyncElasticsearch, url: str, rotation: Rotation | None = None) -> None:
        self._client = client
        self._rotation = rotation
        self.url = url

    async def send(
        self, method: str, path: str, body: object | bytes | None = None, params: Mapping[str, Any] | None = None
    ) -> ElasticAnswer:
        """Send one request and give the answer, whatever its status; otherwise as `Elastic.send`.

        Args:
            method: HTTP method.
            path: path from the root.
            body: what to send: bytes are newline-delimited JSON, all else becomes JSON.
            params: the query string.

        Raises:
            ServiceError: no whole answer came.
        """
        answer = await self._send(method, path, body, params)
        if answer.status == 401 and self._rotation is not None and (fresh := self._rotation.fresh()):
            self._client = self._client.options(**fresh)
            answer = await self._send(method, path, body, params)
        return answer

    async def _send(
        self, method: str, path: str, body: object | bytes | None, params: Mapping[str, Any] | None
    ) -> ElasticAnswer:
        from elasticsearch import ApiError, SerializationError, TransportError, UnsupportedProductError
        from elasticsearch.exceptions import SSLError

        kind = "application/x-ndjson" if isinstance(body, bytes) else "application/json"
        headers = _JSON | ({} if body is None else {"content-type": kind})
        try:
            answer = await self._client.perform_request(method, path, params=params, headers=headers, body=body)
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
        return ElasticAnswer(answer.meta.status, answer.body)

    async def ask(
        self, method: str, path: str, body: object | bytes | None = None, params: Mapping[str, Any] | None = None
    ) -> Any:  # noqa: ANN401 - whatever JSON the server sends
        """Send one request and give the answer's JSON.

        Raises:
            ServiceError: no answer, the server is busy or failing, or it refuses the credentials.
            NewsriverError: it refuses the request.
        """
        return judged(await self.send(method, path, body, params), self.url, f"{method} {path}")

    async def close(self) -> None:
        """Hang up."""
        await self._client.close()


def connect_async(settings: Settings) -> AsyncElastic:
    """Make a client of the settings' Elasticsearch; nothing is sent yet; it belongs to the running event loop.

    Raises:
        ServiceError: no server is named and no local stack was started.
        SettingsError: the address cannot be one, or the certificates' file is missing.
    """
    from elasticsearch import AsyncElasticsearch

    url, access = client_options(settings)
    try:
        return AsyncElastic(AsyncElasticsearch(url, **access), url, Rotation(settings.elasticsearch))
    except (ValueError, OSError) as error:
        raise unusable(url, error) from None
