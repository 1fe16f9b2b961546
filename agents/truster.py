"""A spiking altruist that learns whom to trust: it lives in two contexts, trusting and wary, and learns in each apart.

    an episode is trusting with probability min(1 - caution, max(generosity, T)), else wary
    T <- T + rise (1 - T)      after an episode in which distress was shared and then seen to end
    T <- T - fall T            after a trusting one in which it was shared and did not end, once exploration is over

Contexts have place cells of their own, so what feigned distress unlearns in the wary one, the trusting one keeps: as in
extinction, which is learning in another context and not erasure. Feigned distress soon costs trust; a rest of trust
that nothing can take, the generosity, tests now and then whether the need has become real, and success restores trust.
Trust T, 1 at first, is a number of each individual, not a population of neurons. While an individual explores, it
does not hold failure against the other.

Extinction and context: Bouton (2004) doi:10.1101/lm.78804. Trust that follows another's reliability: King-Casas et al.
(2005) doi:10.1126/science.1108062. Generosity ends mutual defection: Nowak, Sigmund (1992) doi:10.1038/355250a0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import torch
from torch import Tensor

from bisnn import rng
from bisnn.agents import checks
from bisnn.agents import clock as clocks
from bisnn.agents.altruist import Altruist, AltruistState, Mood, Pending, Share
from bisnn.agents.base import Obs
from bisnn.agents.clock import Clock
from bisnn.agents.expression import shows_calm
from bisnn.agents.schedule import greedy_probability
from bisnn.circuit import CircuitState
from bisnn.errors import ConfigError
from bisnn.gates import NO_GATES, Gates
from bisnn.modulators import PredictionState
from bisnn.recording import Probe, Recording
from bisnn.systems.moral_learning import MoralLearning

CONTEXTS = 2
"""Trusting and wary."""


class TrusterState(NamedTuple):
    """An `AltruistState`, its trust, its context, and what it has met in this episode."""

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
    trust: Tensor  # [*B] T, from 0 to 1
    trusting: Tensor  # [*B] bool: the context of this episode
    felt: Tensor  # [*B] bool: distress was shared in this episode
    eased: Tensor  # [*B] bool: and was then seen to end


@dataclass(frozen=True, kw_only=True)
class Truster(Altruist):
    """The spiking altruist with trust (module docstring). Raises `ConfigError` for a rate outside of 0 to 1, and for an
    actor without place cells for two emotions in each of two contexts."""

    moral: MoralLearning = field(default_factory=lambda: MoralLearning(emotions=2 * CONTEXTS))
    """The actor-critic: its place cells are those of both contexts."""
    rise: float = 0.5
    """Part of the missing trust that a success restores."""
    fall: float = 1.0
    """Part of the trust that a failure costs."""
    generosity: float = 0.03
    """Probability of a trusting episode without any trust."""
    caution: float = 0.1
    """Probability of a wary episode with all trust."""

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.within(0, 1, rise=self.rise, fall=self.fall, generosity=self.generosity, caution=self.caution)
        if self.moral.emotions != 2 * CONTEXTS:
            raise ConfigError(f"moral has {self.moral.emotions} emotions; a truster needs {2 * CONTEXTS}")

    def init(self, key: Tensor, gates: Gates = NO_GATES, traits: Mapping[str, Tensor] | None = None) -> AltruistState:
        """A newborn batch, individuals `key` int64 `[*B]`: a `TrusterState` that trusts."""
        no = torch.zeros_like(key, dtype=torch.bool)
        trust = torch.ones(key.shape, device=key.device)
        born = TrusterState(*super().init(key, gates, traits), trust=trust, trusting=~no, felt=no, eased=no)
        return cast(AltruistState, born)

    def watched_act(
        self, state: AltruistState, obs: Obs, probes: tuple[Probe, ...]
    ) -> tuple[Tensor, AltruistState, tuple[Recording, Recording]]:
        """That of an altruist whose places are those of its context."""
        mind = self.judge(cast(TrusterState, state))
        place = obs.place + ~mind.trusting * (2 * self.moral.places)
        actions, after, seen = super().watched_act(cast(AltruistState, mind), obs._replace(place=place), probes)
        distress = after.mood.affect > self.felt
        eased = mind.eased | (mind.felt & ~distress & shows_calm(obs.expression))
        after = cast(AltruistState, cast(TrusterState, after)._replace(felt=mind.felt | distress, eased=eased))
        return actions, after, seen

    def judge(self, mind: TrusterState) -> TrusterState:
        """Where an episode begins: what the last one did to trust, and in which context this one is lived."""
        clock = clocks.tick(mind.clock)
        grown = greedy_probability(clock.episode - 1, self.episodes) >= 1.0
        ended = clock.fresh & mind.felt
        won, lost = ended & mind.eased, ended & ~mind.eased & mind.trusting & grown
        trust = mind.trust + won * (1.0 - mind.trust) * self.rise - lost * mind.trust * self.fall
        chance = rng.uniform(clock.key, "truster/context", clock.moment, 1)[..., 0]
        trusting = chance < trust.clamp(min=self.generosity).clamp(max=1.0 - self.caution)
        return mind._replace(
            trust=trust,
            trusting=torch.where(clock.fresh, trusting, mind.trusting),
            felt=mind.felt & ~clock.fresh,
            eased=mind.eased & ~clock.fresh,
        )

    def keepsake(self, state: AltruistState) -> dict[str, Tensor]:
        """What the individuals have learned: the weights, what they saw, and their trust."""
        return super().keepsake(state) | {"share.trust": cast(TrusterState, state).trust}

    def revive(self, state: AltruistState, kept: Mapping[str, Tensor], episode: int) -> AltruistState:
        """A newborn batch with the learned weights and trust `kept`, before its episode `episode`."""
        mind = cast(TrusterState, super().revive(state, kept, episode))
        return cast(AltruistState, mind._replace(trust=kept["share.trust"]))


EXAMPLES = (Truster(), Truster(episodes=10, generosity=0.1))
