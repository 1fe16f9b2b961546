"""Flags: settings and options of a command as typed flags (tyro), and every mistake in them as one sentence.

The flags of an experiment are the fields of its `Settings`. tyro reads them as text and writes the help; the
settings alone judge the values, so that a flag and a line of a TOML file are held to the same rules.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, make_dataclass
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bisnn.errors import ConfigError, UnknownName, pick

T = TypeVar("T")
ABSENT = "\0absent"
"""The value of a flag that was not given."""
WORDS = {int: "INT", float: "NUMBER", str: "NAME", bool: "{true,false}"}


def parse(plan: type[T], argv: Sequence[str], prog: str, description: str | None = None) -> T:
    """An instance of the dataclass `plan` from command-line arguments; `--help` prints help and exits with 0.

    Raises `UnknownName` for a flag that does not exist, `ConfigError` for an argument that cannot be read.
    """
    import tyro

    said = io.StringIO()
    config = (tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff)
    try:
        with contextlib.redirect_stderr(said):
            found, unknown = tyro.cli(
                plan, args=list(argv), prog=prog, description=description, return_unknown_args=True, config=config
            )
    except SystemExit as stop:
        if not stop.code:
            raise
        raise ConfigError(f"{_plain(said.getvalue())}; see `{prog} --help`") from None
    for token in unknown:
        if token.startswith("-"):
            raise UnknownName("flag", token.partition("=")[0], ("--help", *names(plan)))
    if unknown:
        raise ConfigError(f"unexpected argument {unknown[0]!r}; see `{prog} --help`")
    return found


def names(plan: type[Any]) -> list[str]:
    """The flags of a dataclass and of the dataclasses in it."""
    found = []
    for part in fields(plan):
        if dataclasses.is_dataclass(part.type):
            found += names(part.type)  # type: ignore[arg-type]  # a class, not an instance
        elif "Positional" not in str(part.type):
            found.append("--" + part.name.replace("_", "-"))
    return found


def _plain(box: str) -> str:
    """The first sentences of an error box, as one line."""
    lines = [line.strip("│╭╮╰╯─ \t") for line in box.splitlines()]
    body = []
    for line in lines[1:]:  # the first line is the title of the box
        if line.strip("-"):
            body.append(line)
        elif body:  # an empty line, or a rule where the box is drawn in ASCII
            break
    text = " ".join(body) or " ".join(line for line in lines if line) or "the arguments cannot be read"
    return text[:1].lower() + text[1:].rstrip(".")


# ------------------------------------------------------------ settings


def flags_of(settings: type[BaseModel]) -> type[Any]:
    """A dataclass `settings` with one text flag for every field; a sequence is split at commas and may be repeated."""
    import tyro

    columns: list[Any] = []
    for name, info in settings.model_fields.items():
        hint = _hint(info.get_default(call_default_factory=True))
        told = tyro.conf.arg(help=info.description or name, metavar=_word(info.annotation), help_behavior_hint=hint)
        if _is_sequence(info):
            kind = Annotated[tuple[tuple[str, ...], ...], told, tyro.conf.UseAppendAction]
            columns.append((name, kind, ()))
        else:
            columns.append((name, Annotated[str, told], ABSENT))
    return make_dataclass("settings", columns, frozen=True)


def given(flags: Any) -> dict[str, Any]:
    """The values of the flags that were given. Raises `ConfigError` for a flag without a value."""
    found: dict[str, Any] = {}
    for part in fields(flags):
        value, flag = getattr(flags, part.name), "--" + part.name.replace("_", "-")
        if value == ABSENT or value == ():
            continue
        if isinstance(value, tuple):
            value = pieces(piece for item in value for piece in item)
        if not value:
            raise ConfigError(f"{flag} needs a value")
        found[part.name] = value
    return found


def pieces(value: Iterable[str]) -> tuple[str, ...]:
    """The items of texts in which commas part them."""
    return tuple(text.strip() for piece in value for text in piece.split(",") if text.strip())


def canonical(settings: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with choices spelt as declared. Raises `UnknownName` for a choice that does not exist, `ConfigError`
    for true or false where a number is due."""
    found = dict(values)
    for name, info in settings.model_fields.items():
        value = found.get(name)
        if isinstance(value, bool) and info.annotation in (int, float):
            raise ConfigError(f"{name} = {str(value).lower()}: a number is due")
        if get_origin(info.annotation) is Literal and isinstance(value, str):
            found[name] = pick(name, value, [str(choice) for choice in get_args(info.annotation)])
    return found


def _is_sequence(info: FieldInfo) -> bool:
    return get_origin(info.annotation) in (tuple, list)


def _word(annotation: Any) -> str:
    """What stands for the value in the help."""
    if get_origin(annotation) is Literal:
        return "{" + ",".join(map(str, get_args(annotation))) + "}"
    if get_origin(annotation) in (tuple, list):
        item = _word(get_args(annotation)[0])
        return f"{item}[,{item}...]"
    return WORDS.get(annotation, "VALUE")


def _hint(default: Any) -> str:
    """The default in the help; nothing where it is empty."""
    if isinstance(default, tuple | list):
        default = ",".join(f"{item:g}" if isinstance(item, float) else str(item) for item in default)
    return "" if default is None or default == "" else f"(default: {default})"


def option(metavar: str | None = None, hint: str = "") -> Any:
    """How an option of a command is shown: the word for its value, and its default."""
    import tyro

    return tyro.conf.arg(metavar=metavar, help_behavior_hint=hint)


def whole(flag: str, text: str, least: int = 1) -> int:
    """A whole number, `least` or more. Raises `ConfigError`."""
    if not re.fullmatch(r"[+-]?\d{1,9}", text.strip()) or int(text) < least:
        raise ConfigError(f"{flag} {text}: a whole number, {least} or more, is due")
    return int(text)
