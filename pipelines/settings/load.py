"""Reading the settings from all their sources; a wrong name is answered with the nearest right one."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from pipelines.errors import SettingsError
from pipelines.redaction import redacted
from pipelines.settings.forms import Form, SettingSource, explained, fitting, form_of, read
from pipelines.settings.options import Section, Settings
from pipelines.settings.together import check_together
from pipelines.worker_environment import INTERNAL

ENVIRONMENT_PREFIX = "NEWSRIVER_"
FILE_NAME = "newsriver.toml"

# A Kubernetes service whose name begins with `newsriver` puts its addresses into every pod under these names.
_SERVICE = re.compile(r"NEWSRIVER_(?:\w+_)?(?:SERVICE_(?:HOST|PORT\w*)|PORT_\d+_(?:TCP|UDP|SCTP)\w*)")


class Given(NamedTuple):
    """A value as one source gives it."""

    name: str
    value: Any
    source: SettingSource


def option_names() -> list[str]:
    """Dotted names of all options, in the order of declaration."""
    return [f"{section}.{key}" for section, model in sections().items() for key in model.model_fields]


def sections() -> dict[str, type[Section]]:
    """The sections of the settings by name."""
    return {name: type(field.default) for name, field in Settings.model_fields.items()}


def variable_of(name: str) -> str:
    """Give the environment variable of an option."""
    return f"{ENVIRONMENT_PREFIX}{name.replace('.', '__', 1)}".upper()


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
        SettingsError: a file is missing, a name is unknown, a value is not allowed or options do not fit together; the
            message names the option, the nearest one that exists or the nearest value that is allowed, and shows how it
            is written.
    """
    values: dict[str, dict[str, Any]] = {name: {} for name in sections()}
    sources: dict[str, SettingSource] = {}
    for name, value, source in [
        *_from_file(file),
        *_from_environment(os.environ if environment is None else environment),
        *_from_assignments(assignments),
    ]:
        section, _, key = _known(name, source.name).partition(".")
        values[section][key] = fitting(_form(name), value)
        sources[name] = source
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise _wrong(error, sources) from None
    return check_together(settings)


def unknown_variables(environment: Mapping[str, str]) -> Iterator[str]:
    """Say of each variable that begins as ours do and is none that it is ignored, and which was meant."""
    ours = {variable_of(name) for name in option_names()}
    for variable, value in sorted(environment.items()):
        if not variable.startswith(ENVIRONMENT_PREFIX) or variable in INTERNAL or "__" in variable:
            continue  # with `__` it is an option, and a wrong one is an error
        if _SERVICE.fullmatch(variable) or (variable.endswith("_PORT") and "://" in value):
            continue
        near = difflib.get_close_matches(variable, ours, n=1, cutoff=0.8)
        key = variable.removeprefix(ENVIRONMENT_PREFIX)
        near = near or sorted(name for name in ours if name.endswith(f"__{key}"))[:1]
        hint = f"did you mean {near[0]}?" if near else "options are NEWSRIVER_SECTION__KEY"
        yield f"environment variable {variable} is none of Newsriver's and is ignored; {hint}"


def _wrong(error: ValidationError, sources: Mapping[str, SettingSource]) -> SettingsError:
    problem = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in problem["loc"][:2])
    source = sources.get(name, SettingSource("the defaults", "{}"))
    what, hint = explained(_form(name), source, problem)
    return SettingsError(
        f"setting {name} from {source.name}: {what}",
        resource=name,
        hint=hint or "`newsriver config show` lists every setting with its meaning",
    )


def _form(name: str) -> Form:
    section, _, key = name.partition(".")
    return form_of(sections()[section].model_fields[key])


def _from_file(file: Path | None) -> list[Given]:
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
    found = []
    for section, table in document.items():
        if not isinstance(table, dict):
            _known(section, str(path))
        else:
            found += [
                Given(f"{section}.{key}", value, SettingSource(str(path), f"{key} = {{}}", toml=True))
                for key, value in table.items()
            ]
    return found


def _from_environment(environment: Mapping[str, str]) -> list[Given]:
    found = []
    for variable, text in sorted(environment.items()):
        if variable.startswith(ENVIRONMENT_PREFIX) and "__" in variable:
            name = variable.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".", 1)
            found.append(
                Given(_known(name, variable), read(_form(name), text), SettingSource(variable, f"{variable}={{}}"))
            )
    return found


def _from_assignments(assignments: Iterable[str]) -> list[Given]:
    found = []
    for name, text in map(_parted, assignments):
        source = SettingSource("--set", f"--set {name}={{}}")
        found.append(Given(_known(name, source.name), read(_form(name), text), source))
    return found


def as_environment(assignments: Iterable[str]) -> dict[str, str]:
    """Give `--set` assignments as variables for another process, whose command line everybody could read.

    Raises:
        SettingsError: one is no assignment.
    """
    return {variable_of(name): text for name, text in map(_parted, assignments)}


def secrets_among(assignments: Iterable[str]) -> list[str]:
    """Name the options of `--set` assignments whose values are secret.

    Raises:
        SettingsError: one is no assignment.
    """
    return [name for name, text in map(_parted, assignments) if _is_secret(name) or redacted(text) != text]


def _parted(assignment: str) -> tuple[str, str]:
    name, equals, text = (part.strip() for part in assignment.partition("="))
    if not equals:
        # Without the part that may be a secret, as of `elasticsearch.password:x`.
        given = re.match(r"[\w.-]*", name)[0]  # type: ignore[index]  # it matches nothing at least
        example = _form(given).example if given in option_names() else ""
        raise SettingsError(
            f"--set {given} has no value: expected section.key=value",
            resource=given,
            hint=f"write it as --set {given}={example}" if example else "",
        )
    return name, text


def _is_secret(name: str) -> bool:
    return name in option_names() and _form(name).secret


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
