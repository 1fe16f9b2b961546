"""Development: an altruist comes to know its body and its pain, and so grows its mirror neurons.

Phase 1, own body: babbling teaches the forward model, and it sees its own calm face. Phase 2, own experience:
random steps in the room of self-pain; at every step the body compares predicted and actual displacement, the
pain drives the emotion area, the agent sees its own face, and perception->ifg and perception->sma learn.
Observation (phase 3) needs no learning.

Feng, Zeng, Lu (2022) Front. Comput. Neurosci. doi:10.3389/fncom.2022.784967
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from bisnn.agents.altruist import Altruist, AltruistState
from bisnn.agents.dilemmas.rooms import Move, SelfPainRoom
from bisnn.recording import Probe, Recording
from bisnn.systems.body import Feeling

MOMENT = 2**31
"""First moment of the noise of development, past every moment of a life."""

Watch = Callable[[int, Move, Feeling, Recording, Recording], None]
"""Called after each step with its number, the move, what the body felt, and recordings of empathy and body."""


def rest_of(key: torch.Tensor) -> Move:
    """The move of a body at rest, `[*B]`."""
    no = torch.zeros_like(key, dtype=torch.bool)
    still = torch.zeros(*key.shape, 2, dtype=torch.int64, device=key.device)
    zero = torch.zeros_like(key)
    return Move(~no, zero, still, still, no, no, no, no, no, zero)


@dataclass(frozen=True, kw_only=True)
class Nursery:
    """Where and how long an altruist develops."""

    room: SelfPainRoom = field(default_factory=SelfPainRoom)
    """The room of self-pain."""
    visits: int = 5
    """Visits to it; each lasts `room.horizon` steps."""
    calm: int = 40
    """Steps of phase 1 in which it sees its own calm face."""

    @property
    def steps(self) -> int:
        """Steps of the whole development."""
        return self.calm + self.visits * (self.room.horizon + 1)

    def develop(
        self,
        agent: Altruist,
        state: AltruistState,
        watch: Watch | None = None,
        probes: tuple[Probe, ...] = (),
        tick: Callable[[], None] = lambda: None,
    ) -> AltruistState:
        """The same individuals `[*B]` after development. `tick` is called at every step (to show progress)."""
        key = state.clock.key
        body = agent.body.babble(state.body, state.gates)
        walker, empathy = self.room.reset(key), state.empathy
        areas = tuple(probe for probe in probes if probe.target in agent.body.circuit.areas)
        others = tuple(probe for probe in probes if probe.target in agent.empathy.circuit.areas)
        for step in range(self.steps):
            if step >= self.calm:
                walker, move = self.room.step(key, walker)
            else:
                move = rest_of(key)
            passive = move.blocked | move.carried | move.started
            moved = move.actual.to(torch.float32)
            feeling, felt = agent.body.feel(body, move.action, passive, moved, state.gates, areas)
            intensity = feeling.pain.sum(-1) * (1.0 / agent.body.n_pain)
            face = agent.face.draw(key, MOMENT + step, intensity, torch.ones_like(move.started))
            own = agent.empathy.own_pattern(feeling.pain)
            empathy, seen = agent.empathy.experience(
                empathy, own, face, state.traits["level"], state.gates, probes=others
            )
            if watch is not None:
                watch(step, move, feeling, seen, felt)
            tick()
        used = agent.empathy.circuit.used_weights(empathy, state.gates)
        return state._replace(body=body, empathy=empathy, used=used)
