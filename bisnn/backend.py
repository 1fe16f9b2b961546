"""Backends: which code runs the operations that have a kernel, chosen by name and never silently.

`torch` is the reference and runs on every device; a kernel gives the same bits, so the choice is one of
speed alone. A backend asked for by name either runs or raises with the reason and the remedy; `auto`
takes the fastest that can run here, and the name of what runs is kept in `Backend.name`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import propagate as reference
from bisnn.errors import BackendUnavailable, pick

BACKENDS = ("auto", "torch", "fused", "cuda")
"""Names that may be asked for; `auto` resolves to one of the others."""


class Backend(NamedTuple):
    """What runs: the operations of one backend."""

    name: str
    """The name of the backend that runs; never `auto`."""
    propagate: Callable[[Tensor, Tensor], Tensor]
    """Spikes `[*B, pre]` and used weights `[*B, pre, post]` to currents `[*B, post]`."""


class Missing(NamedTuple):
    """Why a backend cannot run, and what to do about it."""

    reason: str
    remedy: str


TORCH = Backend("torch", reference.propagate)
"""The reference backend."""


def missing(name: str, device: torch.device | str | None = None) -> Missing | None:
    """Why the backend `name` cannot run on `device` (None: on any device of this machine), or None if it can.

    Raises `UnknownName` for a name that is not in `BACKENDS`.
    """
    name = pick("backend", name, BACKENDS)
    if name in ("auto", "torch"):
        return None
    if name == "fused":
        return Missing("the fused CPU backend is not part of this version", "use backend 'auto' or 'torch'")
    if device is not None and torch.device(device).type != "cuda":
        return Missing(
            f"its kernels run on a CUDA device and this circuit is on '{torch.device(device)}'",
            "choose the device 'cuda', or backend 'auto' or 'torch'",
        )
    from bisnn import kernels

    found = kernels.diagnose()
    return None if found is None else Missing(*found)


def resolve(backend: str, device: torch.device | str) -> Backend:
    """The backend that runs for the name `backend` on `device`.

    Raises `UnknownName` for a name that does not exist and `BackendUnavailable`, with the reason and the
    remedy, for one that cannot run there.
    """
    return _resolve(pick("backend", backend, BACKENDS), torch.device(device))


@lru_cache(maxsize=64)
def _resolve(name: str, device: torch.device) -> Backend:
    """What can run does not change in a process, so it is found out once."""
    if name == "auto":
        name = "torch" if missing("cuda", device) else "cuda"
    lack = missing(name, device)
    if lack is not None:
        raise BackendUnavailable(f"backend {name!r} cannot run: {lack.reason}. Remedy: {lack.remedy}")
    if name == "torch":
        return TORCH
    from bisnn import kernels

    return Backend("cuda", kernels.get("propagate"))


def report() -> dict[str, dict[str, object]]:
    """For every backend but `auto`: `{"available", "why_not", "remedy"}` on this machine."""
    table: dict[str, dict[str, object]] = {}
    for name in BACKENDS[1:]:
        lack = missing(name)
        table[name] = {
            "available": lack is None,
            "why_not": lack.reason if lack else None,
            "remedy": lack.remedy if lack else None,
        }
    return table
