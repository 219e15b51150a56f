"""Secrets where they are used: given as a value, or in a file, read anew each time since its content may rotate."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from pipelines.errors import SettingsError

_MOST_BYTES = 65_536


def secret(value: SecretStr, file: Path | None, name: str) -> str:
    """Give a secret as it is now.

    Args:
        value: the secret itself, used where no file is named.
        file: holds the secret; white space around it does not count, since editors and `echo` end a file with some.
        name: dotted name of the option that names the file.

    Raises:
        SettingsError: the file cannot be read, or holds nothing.
    """
    if file is None:
        return value.get_secret_value()
    try:
        with file.open(encoding="utf-8") as content:
            text = content.read(_MOST_BYTES).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SettingsError(f"secret of {name} cannot be read from {file}: {why}", resource=name) from None
    if not text:
        raise SettingsError(f"secret of {name} is empty: {file} holds nothing", resource=name)
    return text


def readable(file: Path, name: str) -> str:
    """Give the path of a certificate or key that can be read.

    Raises:
        SettingsError: it cannot.
    """
    try:
        file.open("rb").close()
    except OSError as error:
        raise SettingsError(f"{name}: {file} cannot be read: {error.strerror}", resource=name) from None
    return str(file)
