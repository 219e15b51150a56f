"""API keys: made here, shown once, kept as hashes in a file that only its owner reads.

A key is 256 random bits, so one round of SHA-256 keeps it: there is nothing to guess that a slow hash would protect.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipelines.errors import NewsriverError, UsageError
from pipelines.private_files import append_private, private_folder, write_private

log = logging.getLogger(__name__)

_PREFIX = "nr_"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What is kept of a key.

    Attributes:
        name: who uses it.
        digest: SHA-256 of the key, hexadecimal.
        made_at: when it was made.
    """

    name: str
    digest: str
    made_at: datetime

    def to_json(self) -> dict[str, str]:
        """Give its attributes."""
        return {"name": self.name, "digest": self.digest, "made_at": self.made_at.isoformat()}


class KeyStore:
    """The keys of one file; a server sees a change of it with the next request.

    Args:
        path: the file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._names: dict[str, str] = {}

    def stored(self) -> list[StoredKey]:
        """Give all keys, oldest first.

        Raises:
            NewsriverError: the file cannot be read.
        """
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            return [StoredKey(k["name"], k["digest"], datetime.fromisoformat(k["made_at"])) for k in stored]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NewsriverError(
                f"the API keys in {self._path} cannot be read: {error}",
                hint="mend or remove the file, or set serve.keys_file",
                resource=str(self._path),
            ) from None

    def add(self, name: str) -> str:
        """Make a key and give it; it cannot be read again.

        Raises:
            UsageError: the name is taken, or is none.
            NewsriverError: the file cannot be read or written.
        """
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} is no name for a key", hint="take letters, digits and . _ @ -", resource="name")
        key = _PREFIX + secrets.token_urlsafe(32)
        with self._locked():
            held = self.stored()
            if any(each.name == name for each in held):
                raise UsageError(
                    f"there is a key {name!r}", hint="revoke it first, or take another name", resource=name
                )
            self._write([*held, StoredKey(name, _digest(key), datetime.now(UTC))])
        return key

    def revoke(self, name: str) -> None:
        """Take a key away.

        Raises:
            UsageError: there is none of that name.
            NewsriverError: the file cannot be read or written.
        """
        with self._locked():
            held = self.stored()
            left = [each for each in held if each.name != name]
            if len(left) == len(held):
                raise UsageError(f"there is no key {name!r}", hint="`newsriver keys list` names them", resource=name)
            self._write(left)

    def name_of(self, key: str) -> str | None:
        """Give the name of a key that is good; None for any other, and for all while the file cannot be read."""
        try:
            found = self._path.stat()
            state = (found.st_mtime_ns, found.st_ino, found.st_size)
            if state != self._seen:
                self._names = {each.digest: each.name for each in self.stored()}
                self._seen = state
        except FileNotFoundError:
            self._names, self._seen = {}, None
        except (OSError, NewsriverError) as error:
            log.error("no API key is taken: %s", error)  # noqa: TRY400 - one line
            self._names, self._seen = {}, None
        return self._names.get(_digest(key))

    def _write(self, keys: list[StoredKey]) -> None:
        written = self._path.with_suffix(".new")
        write_private(written, json.dumps([each.to_json() for each in keys], indent=1) + "\n")
        os.replace(written, self._path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one command at a time read, change and write."""
        try:
            private_folder(self._path.parent)
            with append_private(self._path.with_suffix(".lock")) as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise NewsriverError(
                f"the API keys in {self._path} cannot be written: {error.strerror}",
                hint="set serve.keys_file to a file of yours",
                resource=str(self._path),
            ) from None


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
