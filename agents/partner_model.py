"""Models of partners from what they are seen to do, never from their inner states.

    type      P(t | deeds) ~ P(t) prod P(a | t);   P(a | t) = (1 - lapse) [a = what t would do] + lapse / actions
              after each telling deed   P(t) <- (1 - change) P(t) + change prior        a partner may change its type
    counts    P(cooperates | it could) = (for + helped) / (for + against + chances)    Beta(for, against), mean
              after each telling deed   counts <- (1 - forget) counts

The types are the goals that a dilemma can be asked to advise for, and chance. Inference from action by the plans that
would explain it: Baker, Saxe, Tenenbaum (2009) Action understanding as inverse planning.
doi:10.1016/j.cognition.2009.07.005
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.agents import checks
from bisnn.agents.base import GOALS
from bisnn.errors import ConfigError

TYPES = (*GOALS, "random")
"""What a partner may be, in the order of the dim `type`."""


class Beliefs(NamedTuple):
    """What is believed of partners. `[*B]` ends with the dim of who is observed."""

    types: Tensor  # [*B, type] float32, probabilities
    helped: Tensor  # [*B] float32, telling deeds that cooperated
    chances: Tensor  # [*B] float32, telling deeds


@dataclass(frozen=True, kw_only=True)
class PartnerModel:
    """What partners are and will do, inferred from what they did. Raises `ConfigError` for a field out of range."""

    lapse: float = 0.1
    """Probability that a partner does something at random, whatever its type."""
    change: float = 0.001
    """Probability that a partner is of another type after a deed; above 0 no type is ever ruled out for good."""
    forget: float = 0.0
    """Part of the counts that fades with every telling deed."""
    prior: tuple[float, float] = (1.0, 1.0)
    """Deeds for and against that are taken as seen before the first; above 0."""

    def __post_init__(self) -> None:
        checks.within(0, 1, lapse=self.lapse, change=self.change, forget=self.forget)
        if len(self.prior) != 2 or not min(self.prior) > 0:
            raise ConfigError(f"prior = {self.prior}; give two numbers above 0, deeds for and against")
        if self.lapse == 0 and self.change == 0:
            raise ConfigError("lapse = change = 0: one slip rules out every type; raise either")

    def newborn(self, like: Tensor) -> Beliefs:
        """Beliefs before the first deed, of partners in the shape `[*B]` of `like`."""
        zero = torch.zeros(like.shape, dtype=torch.float32, device=like.device)
        return Beliefs(torch.full((*like.shape, len(TYPES)), 1 / len(TYPES), device=like.device), zero, zero)

    def likelihood(self, advice: Tensor, action: Tensor, actions: int) -> Tensor:
        """P(action | type) `[*B, type]`, for `advice` int64 `[*B, goal]` and `action` int64 `[*B]` of `actions`."""
        meant = advice == action[..., None]
        goals = meant * (1 - self.lapse) + self.lapse / actions
        chance = torch.full_like(goals[..., :1], 1 / actions)
        return torch.cat((goals, chance), dim=-1)

    def observe(
        self, beliefs: Beliefs, advice: Tensor, action: Tensor, actions: int, telling: Tensor, cooperated: Tensor
    ) -> Beliefs:
        """Beliefs after a deed. `advice` int64 `[*B, goal]` says what each type would have done; where the deed is not
        `telling` (bool `[*B]`) nothing is learned; `cooperated` bool `[*B]`."""
        joint = beliefs.types * self.likelihood(advice, action, actions)
        total = joint[..., 0] + joint[..., 1] + joint[..., 2] + joint[..., 3]
        types = joint / total[..., None] * (1 - self.change) + self.change / len(TYPES)
        kept = 1 - self.forget * telling
        return Beliefs(
            torch.where(telling[..., None], types, beliefs.types),
            beliefs.helped * kept + (telling & cooperated),
            beliefs.chances * kept + telling,
        )

    def foresee(self, beliefs: Beliefs, advice: Tensor, actions: int) -> Tensor:
        """P(action) `[*B, actions]` of the next deed, for `advice` int64 `[*B, goal]` in the situation."""
        found = beliefs.types[..., 3:].expand(*beliefs.types.shape[:-1], actions) / actions
        for goal in range(len(GOALS)):
            chosen = torch.nn.functional.one_hot(advice[..., goal], actions)
            found = found + beliefs.types[..., goal, None] * (chosen * (1 - self.lapse) + self.lapse / actions)
        return found

    def cooperation(self, beliefs: Beliefs) -> Tensor:
        """P(the next telling deed cooperates) `[*B]`, from the counts."""
        good, bad = self.prior
        return (beliefs.helped + good) / (beliefs.chances + (good + bad))

    def kindness(self, beliefs: Beliefs) -> Tensor:
        """P(altruistic or fair) `[*B]`, from the types."""
        return beliefs.types[..., 1] + beliefs.types[..., 2]
