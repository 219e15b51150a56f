"""Reading the settings from all their sources; a wrong name is answered with the nearest right one."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr, ValidationError

from pipelines.errors import SettingsError
from pipelines.redaction import redacted
from pipelines.settings.options import Section, Settings

ENVIRONMENT_PREFIX = "NEWSRIVER_"
FILE_NAME = "newsriver.toml"


def option_names() -> list[str]:
    """Dotted names of all options, in the order of declaration."""
    return [f"{section}.{key}" for section, model in sections().items() for key in model.model_fields]


def sections() -> dict[str, type[Section]]:
    """The sections of the settings by name."""
    return {name: type(field.default) for name, field in Settings.model_fields.items()}


def load_settings(
    file: Path | None = None,
    assignments: Iterable[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Read the settings from all sources.

    Args:
        file: TOML file; None means `newsriver.toml` in the working directory, where it exists.
        assignments: `section.key=value` strings of the command line.
        environment: the environment; None means the process's own.

    Raises:
        SettingsError: a file is missing, a name is unknown or a value is not allowed; the message names the
            option and the nearest one that exists.
    """
    values: dict[str, dict[str, Any]] = {name: {} for name in sections()}
    origin: dict[str, str] = {}
    for name, value, source in [
        *_from_file(file),
        *_from_environment(os.environ if environment is None else environment),
        *_from_assignments(assignments),
    ]:
        section, _, key = _known(name, source).partition(".")
        values[section][key] = value
        origin[name] = source
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in problem["loc"][:2])
        raise SettingsError(
            f"setting {name} from {origin.get(name, 'the defaults')}: {problem['msg'][0].lower()}{problem['msg'][1:]}",
            resource=name,
            hint="`newsriver config show` lists every setting with its meaning",
        ) from None


def _from_file(file: Path | None) -> list[tuple[str, Any, str]]:
    path = file or Path(FILE_NAME)
    if file is None and not path.exists():
        return []
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"settings file {path} cannot be read: {error.strerror}",
            resource=str(path),
            hint="`newsriver config init` writes one",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"settings file {path} is not TOML: {error}", resource=str(path)) from None
    found: list[tuple[str, Any, str]] = []
    for section, table in document.items():
        if not isinstance(table, dict):
            _known(section, str(path))
        else:
            found += [(f"{section}.{key}", value, str(path)) for key, value in table.items()]
    return found


def _from_environment(environment: Mapping[str, str]) -> list[tuple[str, Any, str]]:
    found = []
    for variable, text in sorted(environment.items()):
        if variable.startswith(ENVIRONMENT_PREFIX) and "__" in variable:
            name = variable.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".", 1)
            found.append((name, _value(name, text), variable))
    return found


def _from_assignments(assignments: Iterable[str]) -> list[tuple[str, Any, str]]:
    return [(name, _value(name, text), _shown(name, text)) for name, text in map(_parted, assignments)]


def _shown(name: str, text: str) -> str:
    """Repeat an assignment for an error, without its value where that is secret, or may be as under a wrong name."""
    plain = name in option_names() and not _is_secret(name) and "@" not in text
    return f"--set {name}={text}" if plain else f"--set {name}"


def as_environment(assignments: Iterable[str]) -> dict[str, str]:
    """Give `--set` assignments as variables for another process, whose command line everybody could read.

    Raises:
        SettingsError: one is no assignment.
    """
    return {ENVIRONMENT_PREFIX + name.upper().replace(".", "__", 1): text for name, text in map(_parted, assignments)}


def secrets_among(assignments: Iterable[str]) -> list[str]:
    """Name the options of `--set` assignments whose values are secret.

    Raises:
        SettingsError: one is no assignment.
    """
    return [name for name, text in map(_parted, assignments) if _is_secret(name) or redacted(text) != text]


def _parted(assignment: str) -> tuple[str, str]:
    name, equals, text = assignment.partition("=")
    if not equals:
        # Without the part that may be a secret, as of `elasticsearch.password:x`.
        given = re.match(r"[\w.-]*", assignment)[0]  # type: ignore[index]  # it matches nothing at least
        raise SettingsError(f"--set {given}: expected section.key=value", resource=given)
    return name.strip(), text.strip()


def _is_secret(name: str) -> bool:
    section, _, key = name.partition(".")
    model = sections().get(section)
    return model is not None and key in model.model_fields and model.model_fields[key].annotation is SecretStr


def _value(name: str, text: str) -> Any:  # noqa: ANN401 - what a TOML value may be; pydantic checks it next
    """Read text as the option's TOML value; options that hold text take it as it is."""
    section, _, key = name.partition(".")
    model = sections().get(section)
    field = model.model_fields.get(key) if model else None
    if field is not None and (field.annotation in (str, Path, SecretStr) or Path in get_args(field.annotation)):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _known(name: str, source: str) -> str:
    names = option_names()
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    key = name.rpartition(".")[2]
    near = near or [other for other in names if other.endswith("." + key)][:1]
    raise SettingsError(
        f"unknown setting {name} in {source}",
        resource=name,
        hint=f"did you mean {near[0]}?" if near else "`newsriver config show` lists every setting",
    )
