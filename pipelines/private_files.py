"""Files and folders that no other user of the machine can read: data, logs, settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

OWNER_ONLY = 0o700


def private_folder(path: Path, *, above_servers: bool = False) -> None:
    """Make a folder that only its owner may enter; one that is there stays as it is, for it may be shared on purpose.

    Args:
        path: the folder.
        above_servers: whether local servers have folders of their own in it: started by root they run as another
            user, who must pass through, but may not list it.

    Raises:
        OSError: it cannot be made.
    """
    mode = 0o711 if above_servers and os.geteuid() == 0 else OWNER_ONLY
    path.mkdir(mode=mode, parents=True, exist_ok=True)


def append_private(path: Path) -> BinaryIO:
    """Open a file for appending, made for its owner alone where it is new; a link in its place is not followed.

    Raises:
        OSError: it cannot be opened.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.fdopen(os.open(path, flags, 0o600), "ab")


def write_private(path: Path, text: str) -> None:
    """Write a file anew, readable for its owner alone.

    Raises:
        OSError: it cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)
