"""What the values of options must be like beyond their types; each check says which value was meant. Pure."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from urllib.parse import urlsplit

from pydantic_core import PydanticCustomError

_PORTS = 65_535
_HOST = re.compile(r"[A-Za-z0-9_.-]+")


def network(text: str) -> str:
    """Check a network of addresses, such as 10.1.0.0/16."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        raise _no("is no network of addresses", _near_network(text)) from None
    return text


def _near_network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))  # an address within it, in place of its first one
    except ValueError:
        return ""


def _no(why: str, near: str = "") -> PydanticCustomError:
    """Say what is wrong with a value, and which one was meant."""
    return PydanticCustomError("no", why, {"near": near})


def some_path(value: object) -> object:
    """Check that a path is named."""
    if value == "":
        raise _no("is a folder or a file without a name")
    return value


def home_of(path: Path) -> Path:
    """Put a user's home in the place of a leading `~` or `~user`."""
    try:
        return path.expanduser()
    except RuntimeError:  # such a user does not exist, or has no home
        raise _no(f"is in the home of a user who has none: {path.parts[0]}") from None


def kafka_servers(text: str) -> str:
    """Check comma-separated host:port."""
    if "@" in text:
        raise _no("is to be an address without credentials")
    servers = [server.strip() for server in text.split(",") if server.strip()]
    for server in servers:
        host, colon, port = server.rpartition(":")
        if not (host and port.isdigit() and 0 < int(port) <= _PORTS):
            near = f"{server}:9092" if not colon and "/" not in server else ""
            raise _no("is no comma-separated list of host:port", near)
    return ",".join(servers)


def server_url(text: str) -> str:
    """Check scheme, host and port of an address; the client wants all three.

    Credentials are gone by now; what is left of them was not escaped.
    """
    if "@" in text:
        raise _no("needs / ? # @ in the password of an address as %2F %3F %23 %40")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _no("is no address") from None
    if text and (parts.scheme not in ("http", "https") or not host or not port):
        raise _no("is no address with scheme, host and port", _near_server(text))
    return text


def kibana_url(text: str) -> str:
    """Check the address of a Kibana, which may have a path before all of its own; credentials have their own option."""
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises where it is none
    except ValueError:
        raise _no("is no address") from None
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
        raise _no("is no address such as https://kibana.example.org")
    if parts.username or parts.password:
        raise _no("holds credentials; use kibana.api_key")
    return text.rstrip("/")


def _near_server(text: str) -> str:
    scheme, there, rest = text.rpartition("://")
    host, _, port = rest.strip("/").partition(":")
    scheme = scheme if there else "http"
    fits = scheme in ("http", "https") and _HOST.fullmatch(host) and (not port or port.isdigit())
    return f"{scheme}://{host}:{port or (443 if scheme == 'https' else 9200)}" if fits else ""


def fingerprint(text: str) -> str:
    """Check a SHA-256 fingerprint and take its colons and spaces."""
    digits = re.sub(r"[:\s]", "", text).lower()
    if digits and not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise _no("is no SHA-256 fingerprint of 64 hexadecimal digits")
    return digits


def public_url(text: str) -> str:
    """Check an address that others reach, and take its last slash."""
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        raise _no("is no address") from None
    if text and (parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment):
        near = f"https://{text}" if not parts.scheme and _HOST.fullmatch(text) else ""
        raise _no("is not an http:// or https:// address without a query", near)
    if "@" in text:
        raise _no("is to be an address without credentials")
    return text.rstrip("/")
