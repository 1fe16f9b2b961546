"""What is installed, what runs where, and the exact line for what is missing. Reports, never fails."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib import metadata
from typing import Any

PACKAGES = (
    "torch", "spikingjelly", "numpy", "scipy", "matplotlib", "tyro", "pydantic", "rich", "safetensors", "pyarrow",
    "cupy-cuda13x", "cupy-cuda12x", "pettingzoo", "gymnasium", "torchvision", "torchaudio",
)  # fmt: skip
"""Distributions whose versions matter here; they are looked up, not imported."""


def report() -> dict[str, Any]:
    """Facts about this machine, as plain JSON values."""
    found: dict[str, Any] = {
        "bisnn": _version("bisnn"),
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "torch": _version("torch"),
        "cuda": {"available": False, "version": None, "devices": []},
        "cpu_cores": _cores(),
        "cpu_threads": None,
        "compilers": {name: shutil.which(name) for name in ("g++", "clang++", "nvcc")},
        "packages": {name: _version(name) for name in PACKAGES},
        "backends": {},
        "problems": [],
    }
    for look in (_look_at_torch, _look_at_backends):
        try:
            look(found)
        except Exception as error:
            found["problems"].append(f"{type(error).__name__}: {error}")
    return found


def _look_at_torch(found: dict[str, Any]) -> None:
    import torch

    available = torch.cuda.is_available()
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if available else []
    found["torch"] = str(torch.__version__)
    found["cuda"] = {"available": available, "version": torch.version.cuda, "devices": names}
    found["cpu_threads"] = torch.get_num_threads()


def _look_at_backends(found: dict[str, Any]) -> None:
    from bisnn import backend

    found["backends"] = backend.report()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except Exception:  # absent, or its metadata is damaged: both mean that it cannot be counted on
        return None


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def render(report: dict[str, Any]) -> str:
    """`report` as lines of text for a person."""
    devices = ", ".join(report["cuda"]["devices"]) or "no CUDA device"
    lines = [
        f"bisnn     {report['bisnn'] or 'not installed (run from a checkout)'}",
        f"python    {report['python']}  {report['executable']}",
        f"platform  {report['platform']}",
        f"torch     {report['torch'] or 'missing: pip install torch'}  ({devices})",
        f"cpu       {report['cpu_cores']} cores, {report['cpu_threads']} torch threads",
        "",
        "backends",
    ]
    for name, state in report["backends"].items():
        lines.append(f"  {name:<8}{'runs' if state['available'] else 'does not run: ' + str(state['why_not'])}")
        if not state["available"]:
            lines.append(f"          remedy: {state['remedy']}")
    lines += ["", "packages"]
    lines += [f"  {name:<14}{version or '-'}" for name, version in report["packages"].items()]
    if report["problems"]:
        lines += ["", "problems", *(f"  {problem}" for problem in report["problems"])]
    return "\n".join(lines)
