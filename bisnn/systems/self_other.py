"""Self and other: whose feeling is it? The graded network of empathy with a read-out of what the other feels.

The temporo-parietal gate of the graded network (`empathy_presets`) says whether own pain is felt. Here the other's
feeling is read as well, by simulation: the medial prefrontal cortex takes what is shared (affect) for the other's. As
own emotion excites affect too, it would be read into the other; the supramarginal gyrus takes it out, cell by cell,
while TPJ says that what is seen is not what is felt (T: sum of TPJ, ten cells for a face):

    SMG_i   ~ emotion_i + 0.1 T - 1.2               fires only where there is own emotion and another's
    mPFC_i  ~ 0.6 affect_i - decoupling SMG_i       the other's feeling: pain i < 20, calm i >= 20

Without TPJ, own feelings intrude; where nobody is in sight, what is felt is projected.

The right supramarginal gyrus overcomes emotional egocentricity: Silani, Lamm, Ruff, Singer (2013)
doi:10.1523/JNEUROSCI.1488-13.2013; Lamm, Bukowski, Silani (2016) doi:10.1098/rstb.2015.0077. Emotions of others in
medial prefrontal cortex: Peelen, Atkinson, Vuilleumier (2010) doi:10.1523/JNEUROSCI.2161-10.2010. Their wiring and
weights are of bisnn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.circuit import Area, Circuit, CircuitState, Projection
from bisnn.gates import NO_GATES, Gates
from bisnn.initialisers import Constant, OneToOne
from bisnn.neurons import IF
from bisnn.parameters import not_negative
from bisnn.recording import Probe, Recording
from bisnn.systems.empathy import Empathy
from bisnn.systems.empathy_presets import GATE, graded

OUTPUTS = (*GATE, "tpj->smg")
"""The projections by which TPJ acts here."""
WATCHED = ("affect", "insula", "mpfc", "tpj", "m1")
"""The areas that are read."""


class Feelings(NamedTuple):
    """What is felt and read, each the mean firing of one half of an area, spikes per tick, `[*B]`."""

    own: Tensor  # pain half of the insula: what is felt as own pain
    affect: Tensor  # pain half of affect: distress, own or shared
    other_pain: Tensor  # pain half of mPFC: pain read into the other
    other_calm: Tensor  # calm half of mPFC: calm read into the other
    gate: Tensor  # TPJ, both halves
    shown: Tensor  # pain half of M1: what the own face expresses


@dataclass(frozen=True, kw_only=True)
class SelfOther:
    """The graded network with its read-out of the other (module docstring).

    Raises `ConfigError` for a negative `decoupling`.
    """

    decoupling: float = 1.2
    """Inhibition of a cell of mPFC by the cell of SMG for the same own emotion."""
    backend: str = "torch"
    """Backend of the circuit."""

    def __post_init__(self) -> None:
        not_negative(self, "decoupling")

    @cached_property
    def empathy(self) -> Empathy:
        """The network."""
        base = graded(self.backend)
        cell = IF(floor=-0.5, reset="subtract")

        def link(source: str, target: str, weight: Constant | OneToOne) -> Projection:
            return Projection(source=source, target=target, weight=weight, delay=0)

        circuit = replace(
            base.circuit,
            areas={**base.circuit.areas, "smg": Area(n=40, neuron=cell), "mpfc": Area(n=40, neuron=cell)},
            projections=(
                *base.circuit.projections,
                link("emotion", "smg", OneToOne(1.0)),
                link("tpj", "smg", Constant(0.1)),
                link("affect", "mpfc", OneToOne(0.6)),
                link("smg", "mpfc", OneToOne(-self.decoupling)),
            ),
        )
        halves = {"smg": ((0, 20), (20, 40)), "mpfc": ((0, 20), (20, 40))}
        return replace(
            base,
            circuit=circuit,
            pain={**base.pain, **{area: half[0] for area, half in halves.items()}},
            neutral={**base.neutral, **{area: half[1] for area, half in halves.items()}},
            held={**base.held, "smg": 1.2},
        )

    @property
    def circuit(self) -> Circuit:
        """The circuit of the network."""
        return self.empathy.circuit

    def init(self, key: Tensor, weights: Mapping[str, Tensor] | None = None) -> CircuitState:
        """Individuals `key` int64 `[*B]`: newborn, or with the `weights` `[*B, pre, post]` of a graded network."""
        state = self.circuit.init(key)
        learned = {p.name: weights[p.name] for p in self.circuit.plastic} if weights else {}
        return state._replace(weights=state.weights | learned)

    def feel(
        self,
        state: CircuitState,
        own: Tensor,
        face: Tensor,
        gates: Gates = NO_GATES,
        probes: tuple[Probe, ...] = (),
        used: Mapping[str, Tensor] | None = None,
    ) -> tuple[Feelings, Recording]:
        """One look: own emotion `own` `[*B, 40]` and the other's `face` `[*B, 40]` (0: hidden), weights frozen."""
        wanted = tuple(Probe(area) for area in WATCHED)
        extra = tuple(probe for probe in probes if probe not in wanted)
        level = torch.ones(own.shape[:-1], device=own.device)
        _, seen = self.empathy.observe(state, face, level, gates, (*wanted, *extra), used=used, own=own)
        return self.read(seen), seen

    def read(self, seen: Recording) -> Feelings:
        """The feelings in a recording."""
        plan, pain, calm = self.empathy, self.empathy.pain, self.empathy.neutral
        return Feelings(
            own=plan.firing(seen, "insula", pain["insula"]),
            affect=plan.firing(seen, "affect", pain["affect"]),
            other_pain=plan.firing(seen, "mpfc", pain["mpfc"]),
            other_calm=plan.firing(seen, "mpfc", calm["mpfc"]),
            gate=plan.firing(seen, "tpj", (pain["tpj"][0], calm["tpj"][1])),
            shown=plan.firing(seen, "m1", pain["m1"]),
        )


EXAMPLES = (SelfOther(), SelfOther(decoupling=0.9))
