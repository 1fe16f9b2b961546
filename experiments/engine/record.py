"""What a run keeps of its recorded individuals: spikes as events, and how they fared, step by step.

Episodes -2 and -1 are the excerpt of development around the first injury, and the observation trials after it
(step 0 own pain, 1 own neutral, 2 seen pain, 3 seen neutral); from 0 on, episodes of the dilemma.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bisnn.recording import Recording

DEVELOPMENT, OBSERVATION = -2, -1
"""Episode numbers of what comes before the first episode."""
TRIALS = ("own_pain", "own_neutral", "seen_pain", "seen_neutral")
"""Observation trials, in the order of their steps."""
ENDS = 3
"""Episodes recorded at either end of a life."""
COLUMNS = ("individual", "episode", "step", "tick", "area", "unit")
TRACE = (
    "episode", "step", "place", "victim", "action", "reward", "delta", "dopamine", "signal", "mirror", "affect",
    "pain", "relieved", "at_switch",
)  # fmt: skip
"""Columns of the step-by-step trace of an individual."""


@dataclass
class Log:
    """Events of the recorded individuals of a shard, in the order in which they happened."""

    areas: list[str] = field(default_factory=list)
    """Names behind the area numbers of the events."""
    events: list[NDArray[np.int32]] = field(default_factory=list)
    """Spikes, `[k, 6]` each (see `COLUMNS`)."""
    traces: list[NDArray[np.float32]] = field(default_factory=list)
    """Step-by-step traces, `[k, 1 + 14]` each: individual, then `TRACE`."""
    extras: dict[str, Tensor] = field(default_factory=dict)
    """Further tensors: `individual/name`."""

    def spikes(self, recording: Recording, rows: Tensor, individual: Tensor, episode: Tensor, step: Tensor) -> None:
        """Keep the spikes of the batch rows `rows` `[r]`, which are `individual` `[r]` in `episode`, `step` `[r]`."""
        for name in recording:
            area, _, kind = name.rpartition(".")
            if kind != "spikes":
                continue
            if area not in self.areas:
                self.areas.append(area)
            found = recording[name][rows].nonzero()
            row, tick, unit = found.unbind(-1)
            number = torch.full_like(row, self.areas.index(area))
            columns = (individual[row], episode[row], step[row], tick, number, unit)
            self.events.append(torch.stack(columns, -1).to(torch.int32).cpu().numpy())

    def trace(self, individual: Tensor, columns: Mapping[str, Tensor]) -> None:
        """Keep one step of `individual` `[r]`; `columns` holds `TRACE`, `[r]` each."""
        stacked = torch.stack([individual, *(columns[name] for name in TRACE)], -1)
        self.traces.append(stacked.to(torch.float32).cpu().numpy())

    def pack(self) -> dict[str, Tensor]:
        """The log as tensors, for a checkpoint."""
        events = np.concatenate(self.events) if self.events else np.zeros((0, 6), np.int32)
        traces = np.concatenate(self.traces) if self.traces else np.zeros((0, 1 + len(TRACE)), np.float32)
        self.events, self.traces = [events], [traces]
        extras = {f"extra/{name}": value for name, value in self.extras.items()}
        return {"events": torch.from_numpy(events), "traces": torch.from_numpy(traces), **extras}

    @classmethod
    def unpack(cls, tensors: Mapping[str, Tensor], areas: list[str]) -> Log:
        """The log that `pack` gave."""
        extras = {name[6:]: value for name, value in tensors.items() if name.startswith("extra/")}
        return cls(list(areas), [tensors["events"].numpy()], [tensors["traces"].numpy()], extras)
