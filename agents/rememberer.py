"""Spiking altruists that keep more of another than its present face: one remembers, one heeds a refusal.

    Rememberer:  perceived = face + recall        recall: the face seen last, while none is seen (`AffectMemory`)
    Respecter:   perceived = face, or nothing where a refusal is seen

Where a face is hidden at times, an altruist without memory feels relief whenever it loses sight of pain and distress
whenever it sees it again, and dopamine rewards looking on. A rememberer perceives through the memory, so the index of
its state, its reaching and its dopamine follow the other, not its own sight. A respecter takes the distress of one
who declines help for no plea: the gate is a decision of the model, not learned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, cast

from torch import Tensor

from bisnn.agents.altruist import Altruist, AltruistState, Mood, Pending, Share
from bisnn.agents.base import NOTHING, Obs
from bisnn.agents.clock import Clock
from bisnn.circuit import CircuitState
from bisnn.errors import ConfigError
from bisnn.gates import NO_GATES, Gates
from bisnn.interventions import Targets
from bisnn.modulators import PredictionState
from bisnn.recording import Probe, Recording
from bisnn.systems.affect_memory import AffectMemory


class RemembererState(NamedTuple):
    """An `AltruistState`, and its memory."""

    clock: Clock
    traits: dict[str, Tensor]
    gates: Gates
    body: CircuitState
    empathy: CircuitState
    moral: CircuitState
    prediction: PredictionState
    pending: Pending
    mood: Mood
    share: Share
    used: dict[str, Tensor]
    memory: CircuitState  # what it holds of the face


@dataclass(frozen=True, kw_only=True)
class Rememberer(Altruist):
    """The spiking altruist with a working memory of the other's face (module docstring).

    Raises `ConfigError` where memory and face have not the same number of cells.
    """

    memory: AffectMemory = field(default_factory=AffectMemory)
    """The memory."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "memory", replace(self.memory, backend=self.backend))
        if self.memory.cells != self.face.cells:
            raise ConfigError(f"memory has {self.memory.cells} cells, a face {self.face.cells}; give both as many")

    @property
    def targets(self) -> Targets:
        """What ablations can name: the memory too (cut `buffer->recall`: none is left)."""
        known, more = super().targets, Targets.of((self.memory.circuit,))
        return replace(known, areas={**known.areas, **more.areas}, projections=(*known.projections, *more.projections))

    def init(self, key: Tensor, gates: Gates = NO_GATES, traits: Mapping[str, Tensor] | None = None) -> AltruistState:
        """A newborn batch, individuals `key` int64 `[*B]`: a `RemembererState` with an empty memory."""
        born = RemembererState(*super().init(key, gates, traits), memory=self.memory.init(key))
        return cast(AltruistState, born)

    def watched_act(
        self, state: AltruistState, obs: Obs, probes: tuple[Probe, ...]
    ) -> tuple[Tensor, AltruistState, tuple[Recording, Recording]]:
        """That of an altruist who sees what is seen or remembered."""
        mind = cast(RemembererState, state)
        recalled, memory, _ = self.memory.recall(mind.memory, obs.expression, mind.clock.fresh, mind.gates)
        mind = mind._replace(memory=memory)
        return super().watched_act(
            cast(AltruistState, mind), obs._replace(expression=obs.expression + recalled), probes
        )


@dataclass(frozen=True, kw_only=True)
class Respecter(Altruist):
    """The spiking altruist that does not take a declined distress for a plea (module docstring)."""

    def watched_act(
        self, state: AltruistState, obs: Obs, probes: tuple[Probe, ...]
    ) -> tuple[Tensor, AltruistState, tuple[Recording, Recording]]:
        """That of an altruist who does not see the face of one who declines (`Obs.view`, first feature)."""
        if obs.view is not NOTHING:
            heeded = 1.0 - obs.view[..., :1]
            obs = obs._replace(expression=obs.expression * heeded)
        return super().watched_act(state, obs, probes)


EXAMPLES = (Rememberer(), Respecter(episodes=10))
