"""A working memory of another's face: what was seen last is held while nothing is seen.

    attend    fires iff a face is seen (two active cells or more)
    buffer_k  <-  1.2 face_k + 0.6 buffer_k (one tick ago) - 0.6 attend        spikes above 0.5
    recall_k  <-  0.6 buffer_k - 0.6 attend

A face loads the buffer: its own cells are driven against the inhibition of `attend`, the others lose what they held.
Without a face each cell of the buffer keeps itself firing (reverberation), and recall, released from inhibition,
shows the held face to perception. So distress lasts through moments in which the face is hidden, and a calm face
clears it. The memory is empty at the start of an episode; it does not learn.

Persistent activity in delays: Fuster, Alexander (1971) doi:10.1126/science.173.3997.652; its slow recurrent excitation:
Lisman, Fellous, Wang (1998) doi:10.1038/1593; Wang (2001) doi:10.1016/S0166-2236(00)01868-3. Gated loading: O'Reilly,
Frank (2006) doi:10.1162/089976606775093909. Wiring and weights are of bisnn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from bisnn import tree
from bisnn.circuit import Area, Circuit, CircuitState, Projection
from bisnn.coding import direct
from bisnn.gates import NO_GATES, Gates
from bisnn.initialisers import Constant, OneToOne
from bisnn.neurons import IF
from bisnn.parameters import counts
from bisnn.recording import Probe, Recording


@dataclass(frozen=True, kw_only=True)
class AffectMemory:
    """The memory (module docstring). Raises `ConfigError` where a count is no whole number from 1."""

    cells: int = 40
    """Cells of a face."""
    ticks: int = 4
    """Ticks of one environment step, 2 or more: the first one loads, the last one is read."""
    hold: float = 0.6
    """Weight of a buffer cell onto itself; at 0.5 or less nothing is held."""
    backend: str = "torch"
    """Backend of the circuit."""

    def __post_init__(self) -> None:
        counts(self, "cells", "ticks")

    @cached_property
    def circuit(self) -> Circuit:
        """face -> attend, buffer; attend inhibits buffer and recall; buffer -> buffer, recall."""
        relay = IF(floor=0.0)
        n = self.cells
        return Circuit(
            areas={
                "face": Area(n=n, neuron=relay),
                "attend": Area(n=1, neuron=IF(floor=0.0, threshold=1.5)),
                "buffer": Area(n=n, neuron=relay),
                "recall": Area(n=n, neuron=relay),
            },
            projections=(
                Projection(source="face", target="attend", weight=Constant(1.0), delay=0),
                Projection(source="face", target="buffer", weight=OneToOne(1.2), delay=0),
                Projection(source="attend", target="buffer", weight=Constant(-0.6), delay=0),
                Projection(source="buffer", target="buffer", weight=OneToOne(self.hold), delay=1),
                Projection(source="buffer", target="recall", weight=OneToOne(0.6), delay=0),
                Projection(source="attend", target="recall", weight=Constant(-0.6), delay=0),
            ),
            backend=self.backend,
        )

    def init(self, key: Tensor) -> CircuitState:
        """An empty memory, for individuals `key` int64 `[*B]`."""
        return self.circuit.init(key)

    def recall(
        self,
        state: CircuitState,
        face: Tensor,
        fresh: Tensor,
        gates: Gates = NO_GATES,
        probes: tuple[Probe, ...] = (),
    ) -> tuple[Tensor, CircuitState, Recording]:
        """What the memory shows, `[*B, cells]` of 0 and 1 and all 0 while a face is seen; the memory after `face`
        `[*B, cells]`, 0 where hidden; a recording. Where `fresh` (bool `[*B]`) an episode begins and it is empty.
        """
        if bool(fresh.any()):
            state = tree.where(fresh, self.circuit.rest(state), state)
        extra = tuple(probe for probe in probes if probe != Probe("recall"))
        state, seen = self.circuit.run(
            state,
            {"face": direct(face)},
            None,
            gates,
            steps=self.ticks,
            learning=False,
            probes=(Probe("recall"), *extra),
        )
        return seen["recall.spikes"][..., -1, :], state, seen


EXAMPLES = (AffectMemory(), AffectMemory(cells=24, ticks=3))
