"""The dilemmas that there are, by their versioned names: found by walking the folder."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from bisnn.agents import dilemmas as folder
from bisnn.agents.base import Dilemma
from bisnn.errors import UnknownName, pick


def _kinds() -> Iterator[type]:
    """Every public dataclass of the folder that has a `name` of its own and the members of `Dilemma`."""
    wanted = {name for name in vars(Dilemma) if not name.startswith("_")}
    for found in pkgutil.iter_modules(folder.__path__):
        module = importlib.import_module(f"{folder.__name__}.{found.name}")
        for kind in vars(module).values():
            mine = inspect.isclass(kind) and kind.__module__ == module.__name__ and dataclasses.is_dataclass(kind)
            if mine and wanted <= {*dir(kind), *getattr(kind, "__dataclass_fields__", {})}:
                yield kind


@lru_cache(maxsize=1)
def dilemmas() -> dict[str, type]:
    """Versioned name -> class of the dilemma, sorted by name."""
    return dict(sorted((str(kind.name), kind) for kind in _kinds()))  # type: ignore[attr-defined]


def make(name: str, **parameters: Any) -> Dilemma:
    """The dilemma called `name`, such as `rescue_v0`, with some parameters of its own.

    Raises `UnknownName` for a name or a parameter that does not exist, `ConfigError` where parameters do not fit.
    """
    kind = dilemmas()[pick("dilemma", name, dilemmas())]
    known = {part.name for part in dataclasses.fields(kind)}
    for given in parameters:
        if given not in known:
            raise UnknownName(f"parameter of {name}", given, known)
    made: Dilemma = kind(**parameters)
    return made
