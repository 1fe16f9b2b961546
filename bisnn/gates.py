"""Gates: an ablation as tensors on the batch, so that every arm of a study runs in one launch.

Neutral gates are absent (or 1), so an intact individual computes the same bits beside any ablated one.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Gates(NamedTuple):
    """What is cut, silenced, frozen, clamped or turned down, per individual and by name."""

    gain: dict[str, Tensor]  # projection -> [*B] factor on its weights (0: cut)
    alive: dict[str, Tensor]  # area -> [*B, n] factor on its spikes (0: silenced; the voltage stays observable)
    plastic: dict[str, Tensor]  # plastic projection -> [*B] factor on its weight change (0: frozen)
    drive: dict[str, Tensor]  # area -> [*B] factor on its external drive
    release: dict[str, Tensor]  # modulator or named release -> [*B] factor on what is released
    keep: dict[str, Tensor]  # clamped modulator, or spikes_of(area) -> [*B] 1 free, 0 clamped
    value: dict[str, Tensor]  # clamped modulator, or spikes_of(area) -> [*B] the value it is held at
    shuffle: dict[str, Tensor]  # sense -> [*B] 1: replaced by a draw of the same base rate

    def over_trials(self) -> Gates:
        """The gates of individuals `[B]` for trials `[B, trials]` that each takes all at once: one dim more."""
        return Gates(*({name: gate.unsqueeze(1) for name, gate in table.items()} for table in self))

    def driven(self, area: str, drive: Tensor | None) -> Tensor | None:
        """External drive `[*B, n]` or `[*B, T, n]` as it arrives."""
        gate = self.drive.get(area)
        if gate is None or drive is None:
            return drive
        return drive * gate.reshape(*gate.shape, *(1,) * (drive.dim() - gate.dim()))

    def alive_only(self, area: str, spikes: Tensor) -> Tensor:
        """Spikes `[*B, n]` or `[*B, T, n]` of the units that are not silenced; a clamped area fires at every
        tick (1) or never (0)."""
        name = spikes_of(area)
        if name in self.keep:
            over = (1,) * (spikes.dim() - self.keep[name].dim())
            keep, value = (gate.reshape(*gate.shape, *over) for gate in (self.keep[name], self.value[name]))
            spikes = spikes * keep + (1.0 - keep) * value
        gate = self.alive.get(area)
        if gate is None:
            return spikes
        return spikes * (gate if gate.dim() == spikes.dim() else gate.unsqueeze(-2))

    def learned(self, projection: str, change: Tensor) -> Tensor:
        """Weight change `[*B, pre, post]` as it is applied."""
        gate = self.plastic.get(projection)
        return change if gate is None else change * gate[..., None, None]

    def unfrozen(self, projection: str, after: Tensor, before: Tensor) -> Tensor:
        """Weights `[*B, pre, post]` after learning; where the projection is frozen those from before, bit for bit."""
        gate = self.plastic.get(projection)
        return after if gate is None else torch.where(gate[..., None, None] == 0.0, before, after)

    def released(self, name: str, release: Tensor) -> Tensor:
        """Release `[*B]` as it arrives."""
        gate = self.release.get(name)
        return release if gate is None else release * gate

    def clamped(self, modulator: str, level: Tensor) -> Tensor:
        """Level `[*B]`, or the value at which the modulator is held."""
        if modulator not in self.keep:
            return level
        return level * self.keep[modulator] + (1.0 - self.keep[modulator]) * self.value[modulator]

    def shuffled(self, sense: str, true: Tensor, draw: Tensor) -> Tensor:
        """What the sense delivers `[*B, n]`: the truth, or the draw."""
        gate = self.shuffle.get(sense)
        return true if gate is None else torch.where(gate[..., None] > 0, draw, true)


def spikes_of(area: str) -> str:
    """The name under which the spikes of an area are clamped, apart from a modulator of the same name."""
    return f"{area}.spikes"


NO_GATES = Gates({}, {}, {}, {}, {}, {}, {}, {})
"""The intact circuit."""
