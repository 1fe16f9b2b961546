"""Configuration files: `bisnn run --config FILE.toml`, one flat table of settings, read strictly, never executed.

experiment = "altruistic-rescue"     # optional, so are workers and out
seeds = 50
arms = ["intact", "no_mirror"]
gain = 4.5
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from bisnn.errors import ConfigError, UnknownName

BESIDE = ("experiment", "workers", "out")
"""Keys that are no settings of the experiment."""


def read(path: str) -> dict[str, Any]:
    """The table in a TOML file. Raises `ConfigError` with the file and, where there is one, the line."""
    try:
        text = Path(path).read_bytes().decode()
        return tomllib.loads(text)
    except OSError as problem:
        raise ConfigError(f"cannot read the configuration {path}: {problem.strerror or problem}") from None
    except UnicodeDecodeError as problem:
        raise ConfigError(f"{path} is not text in UTF-8 (byte {problem.start}); write it as TOML") from None
    except tomllib.TOMLDecodeError as problem:
        line = re.search(r"at line (\d+)", str(problem))
        place = f"{path}, line {line.group(1)}" if line else f"{path}, last line"
        raise ConfigError(f"{place}: not TOML: {problem}; write one `name = value` a line, texts in quotes") from None


def check(path: str, values: dict[str, Any], settings: type[BaseModel]) -> None:
    """Raises `UnknownName` for a key that is no setting, `ConfigError` for `workers` or `out` of another type."""
    for name in values:
        if name not in settings.model_fields and name not in BESIDE:
            raise _within(path, UnknownName("setting", name, (*settings.model_fields, *BESIDE)))
    for name, kind, word in (("experiment", str, "a text"), ("out", str, "a text"), ("workers", int, "a whole number")):
        value = values.get(name, kind())
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ConfigError(f"{path}: {name} = {value!r}: {word} is due")


def _within(path: str, problem: UnknownName) -> UnknownName:
    """The same error, with the file it is in."""
    problem.args = (f"{path}: {problem}",)
    return problem


def settings_in(values: dict[str, Any]) -> dict[str, Any]:
    """The settings among the keys of a file."""
    return {name: value for name, value in values.items() if name not in BESIDE}
