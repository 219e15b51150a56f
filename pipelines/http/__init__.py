"""HTTP as the pulling side uses it: one GET done right.

The only importer of aiohttp's client (https://docs.aiohttp.org, tested with 3.14).
"""

from pipelines.http.client import ACCEPT_FEED, ACCEPT_PAGE, Client, Hop

__all__ = ["ACCEPT_FEED", "ACCEPT_PAGE", "Client", "Hop"]
