"""Optional packages: imported when they are used, with an error that says how to install them."""

from __future__ import annotations

import importlib
from typing import Any

from bisnn.errors import ConfigError


def need(module: str, extra: str) -> Any:
    """The module of an optional package. Raises `ConfigError` with the remedy where it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as problem:
        if (problem.name or "").split(".")[0] != module.split(".")[0]:
            raise
        package = module.split(".")[0]
        raise ConfigError(f'{package} is not installed; it comes with: pip install "bisnn[{extra}]"') from problem
