"""A probe: which quantity of a run to keep, of which units, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bisnn.errors import ConfigError
from bisnn.parameters import is_whole


def _numbered(given: Any) -> bool:
    """Whether it lists whole numbers from 0, at least one."""
    return isinstance(given, (tuple, list)) and len(given) > 0 and all(map(is_whole, given))


@dataclass(frozen=True)
class Probe:
    """One quantity to record: ("ifg", "spikes"), ("ifg", "v"), ("perception->ifg", "weight"), ("dopamine", "level").

    Raises `ConfigError` for a rate, range, list or window that can hold nothing.
    """

    target: str
    """Name of an area, projection or modulator."""
    field: str = "spikes"
    """Which of its quantities; the circuit lists them."""
    every: int = 1
    """Keep one tick in this many, from the first of the window on."""
    units: tuple[int, int] | None = None
    """Range of units (first, past the last) of the last dim; None: all."""
    window: tuple[int, int] | None = None
    """Ticks of the run (first, past the last) in which to record; None: all."""
    only: tuple[int, ...] | None = None
    """These units of the last dim, in this order, instead of a range."""

    def __post_init__(self) -> None:
        if not is_whole(self.every, 1):
            raise ConfigError(f"probe {self.name!r}: every = {self.every!r}; it counts whole ticks from 1")
        for what in ("units", "window"):
            given = getattr(self, what)
            if given is not None and not (_numbered(given) and len(given) == 2 and given[0] < given[1]):
                raise ConfigError(
                    f"probe {self.name!r}: {what} = {given!r}; it is (first, past the last), whole, 0 <= first < past"
                )
        if self.only is not None and (self.units is not None or not _numbered(self.only)):
            raise ConfigError(
                f"probe {self.name!r}: only = {self.only!r} lists units, numbered from 0, in place of `units`"
            )

    @property
    def name(self) -> str:
        """The key in the recording: `target.field`."""
        return f"{self.target}.{self.field}"

    @property
    def numbers(self) -> tuple[int, ...] | None:
        """The wanted units; None: all."""
        return self.only if self.units is None else tuple(range(*self.units))

    def part(self, value: Tensor) -> Tensor:
        """The wanted units of a value `[..., n]`. Raises `ConfigError` for a unit that does not exist."""
        if self.units is None and self.only is None:
            return value
        last = self.units[1] - 1 if self.units else max(self.only or ())
        if value.dim() == 0 or last >= value.shape[-1]:
            there = value.shape[-1] if value.dim() else 0
            raise ConfigError(f"probe {self.name!r} wants unit {last} of {there}; units are numbered from 0")
        if self.units:
            return value[..., slice(*self.units)]
        return value.index_select(-1, torch.tensor(self.only, device=value.device))

    def ticks(self, steps: int) -> range:
        """The ticks that it keeps of a run. Raises `ConfigError` for a window that reaches beyond the run."""
        first, past = self.window or (0, steps)
        if past > steps:
            raise ConfigError(
                f"probe {self.name!r}: window = {self.window} reaches beyond the {steps} ticks of the run"
            )
        return range(first, past, self.every)
