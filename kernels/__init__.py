"""CUDA kernels: each takes the arguments of its torch reference and gives the same bits.

Importing this package loads no GPU library. `TABLE` names the wrapper of every kernel; `get` loads it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

TABLE: dict[str, tuple[str, str]] = {
    "propagate": ("bisnn.kernels.propagate", "propagate"),
}
"""Kernel name to the module and function of its wrapper."""


def get(name: str) -> Callable[..., Any]:
    """The wrapper of the kernel `name`. Raises `KeyError`, listing the kernels, for an unknown one."""
    if name not in TABLE:
        raise KeyError(f"no kernel {name!r}; kernels: {', '.join(sorted(TABLE))}")
    module, function = TABLE[name]
    wrapper: Callable[..., Any] = getattr(import_module(module), function)
    return wrapper


def diagnose() -> tuple[str, str] | None:
    """`(reason, remedy)` when kernels cannot run here, else None; the remedy holds a pip line."""
    from bisnn.kernels import launch

    return launch.diagnose()


def why_not() -> str | None:
    """Why kernels cannot run here, with the remedy; None when they can."""
    from bisnn.kernels import launch

    return launch.why_not()


def available() -> bool:
    """Whether kernels can run on this machine."""
    return diagnose() is None
