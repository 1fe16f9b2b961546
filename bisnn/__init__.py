"""bisnn: brain-inspired spiking neural agents that feel, share pain and learn to help."""

from __future__ import annotations

from pathlib import Path as _Path

__version__ = "0.1.0"

_root = _Path(__file__).resolve().parent.parent
if (_root / "pyproject.toml").is_file() and (_root / "agents" / "__init__.py").is_file():
    __path__.append(str(_root))  # a checkout: bisnn.agents, bisnn.experiments, bisnn.kernels lie beside this folder


def __getattr__(name: str) -> object:
    if name == "load_run":
        from bisnn.experiments.results import load_run

        return load_run
    raise AttributeError(f"module 'bisnn' has no attribute {name!r}")
