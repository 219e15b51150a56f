"""How the value of an option is written, read from text, and explained when it is wrong. Pure."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

_SHOWN = 60
_FIRST_NUMBER = re.compile(r"\s*([+-]?\d[\d,_ ]*(?:\.\d+)?)")
_WORDS = {
    "bool_parsing": "is neither true nor false",
    "bool_type": "is neither true nor false",
    "int_parsing": "is no whole number",
    "int_type": "is no whole number",
    "int_from_float": "is no whole number",
    "float_parsing": "is no number",
    "float_type": "is no number",
    "finite_number": "is no number that ends",
    "list_type": "is no list",
    "tuple_type": "is no list",
    "string_type": "is no text",
    "path_type": "is no path",
}
"""What is wrong, by pydantic's name of it; others in pydantic's own words."""


class Form(NamedTuple):
    """How an option's value is written.

    Attributes:
        many: whether it is a list.
        text: whether text is taken as it is.
        choices: the values that it, or each of its list, may have; empty where any will do.
        secret: whether it is never shown.
        example: a value that is allowed, as `str` of it is written.
    """

    many: bool
    text: bool
    choices: tuple[str, ...]
    secret: bool
    example: str


class SettingSource(NamedTuple):
    """Where a value comes from.

    Attributes:
        name: for people: a file, an environment variable, `--set`.
        template: how a value is given there, with `{}` for the value; of a file the value is TOML.
        toml: whether it is TOML.
    """

    name: str
    template: str
    toml: bool = False


def form_of(field: FieldInfo) -> Form:
    """Tell how an option is written, from its declaration."""
    kinds = _kinds(field.annotation)
    many = get_origin(field.annotation) in (list, tuple)
    choices = [choice for kind in kinds for choice in _choices(kind)]
    shown = field.examples[0] if field.examples else field.default
    return Form(
        many=many,
        text=not many and bool({str, Path, SecretStr} & set(kinds) or choices),
        choices=tuple(choices),
        secret=SecretStr in kinds,
        example=_written(shown) or (choices[0] if choices else ""),
    )


def read(form: Form, text: str) -> Any:  # noqa: ANN401 - what a TOML value may be; pydantic checks it next
    """Read what was given as text: of a list all its values with commas between them, or an array of TOML or JSON."""
    if form.text:
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return _parts(text) if form.many else text


def fitting(form: Form, value: Any) -> Any:  # noqa: ANN401 - as above
    """Take a single text for a list of one, or of all that stand between its commas."""
    return _parts(value) if form.many and isinstance(value, str) else value


def explained(form: Form, source: SettingSource, problem: Mapping[str, Any]) -> tuple[str, str]:
    """Say what is wrong with a value, and what would be right.

    Args:
        form: the option's.
        source: where the value comes from.
        problem: pydantic's, of which `type`, `msg`, `input` and `ctx` are looked at.

    Returns:
        What is wrong, and a hint.
    """
    given = problem["input"]
    if form.choices and problem["type"] in ("literal_error", "enum"):
        wrong, near = f"is none of {', '.join(form.choices)}", _nearest(str(given), form.choices)
    elif problem["type"] in _WORDS:
        wrong, near = _WORDS[problem["type"]], _near_value(problem["type"], given)
    else:
        said = str(problem["msg"]).removeprefix("Value error, ").removeprefix("Input ")
        wrong, near = said[0].lower() + said[1:], _bound(problem.get("ctx", {}))
    hidden = form.secret or "@" in str(given)  # it may hold credentials
    shown = "its value" if hidden else json.dumps(given, ensure_ascii=False, default=str)[:_SHOWN]
    example = source.template.format(_toml(form) if source.toml else form.example)
    hints = [f"did you mean {near}?" if near and not hidden else "", f"write it as {example}" if form.example else ""]
    return f"{shown} {wrong}", " ".join(hint for hint in hints if hint)


def _kinds(annotation: Any) -> list[Any]:  # noqa: ANN401 - any type annotation
    """Unwrap optional, annotated and list types, and literals as they are."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kinds(get_args(annotation)[0])
    if origin is None or origin is Literal:
        return [annotation]
    return [kind for each in get_args(annotation) for kind in _kinds(each)]


def _choices(kind: Any) -> list[str]:  # noqa: ANN401 - any type
    if get_origin(kind) is Literal:
        return [str(choice) for choice in get_args(kind)]
    return [str(choice.value) for choice in kind] if isinstance(kind, type) and issubclass(kind, Enum) else []


def _written(value: Any) -> str:  # noqa: ANN401 - a default
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return "" if value is None or isinstance(value, SecretStr) else str(value)


def _toml(form: Form) -> str:
    if form.many:
        return json.dumps(form.example.split(","), ensure_ascii=False)
    return json.dumps(form.example, ensure_ascii=False) if form.text else form.example


def _parts(text: str) -> list[str]:
    bare = text.strip().removeprefix("[").removesuffix("]")
    return [part for each in bare.split(",") if (part := each.strip().strip("\"'"))]


def _nearest(given: str, choices: tuple[str, ...]) -> str:
    return next(iter(difflib.get_close_matches(given.lower(), choices, n=1, cutoff=0.5)), "")


def _near_value(kind: str, given: object) -> str:
    """Give the value that was probably meant: `1000` of `1,000`, `5` of `5 s`, `true` of `ture`."""
    text = str(given)
    if kind.startswith("bool"):
        return _nearest(text, ("true", "false"))
    number = _FIRST_NUMBER.match(text)
    digits = re.sub(r"[,_ ]", "", number[1]) if number else ""
    return digits.partition(".")[0] if kind.startswith("int") else digits


def _bound(limits: Mapping[str, Any]) -> str:
    """Give the bound that a number is beyond, where it is allowed itself; or what a check suggests."""
    return str(next((limits[name] for name in ("ge", "le", "near") if name in limits), ""))
