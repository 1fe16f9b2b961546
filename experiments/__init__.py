"""Experiments: declared, run, judged and drawn. `bisnn.experiments.run("altruistic-rescue", seeds=5)` runs one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bisnn.experiments.runner import run as run


def __getattr__(name: str) -> Any:
    if name == "run":
        from bisnn.experiments.runner import run

        return run
    raise AttributeError(f"module 'bisnn.experiments' has no attribute {name!r}")
