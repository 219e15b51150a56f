"""HTTP as the pulling side uses it: one GET done right, and what is pure about it: answers, codings, addresses.

The only importer of aiohttp's client (https://docs.aiohttp.org, tested with 3.14).
"""
