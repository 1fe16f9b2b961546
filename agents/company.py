"""One learner among partners: a dilemma of several agents as a dilemma of its first one alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bisnn.agents.base import NOTHING, Dilemma, Ledger, Obs, Outcome, Payoff, Picture, Senses
from bisnn.agents.society import Advised, Life, Player, Society
from bisnn.errors import ShapeMismatch


class CompanyState(NamedTuple):
    """A world `[N]`, the minds of the partners in it, and what all perceive."""

    world: Any
    minds: tuple[Any, ...]
    obs: Obs
    actions: Tensor  # [N, agent] int64: what all did last
    rewards: Tensor  # [N, agent]: what it brought them


@dataclass(frozen=True)
class Company:
    """`dilemma` as its first agent lives in it, while `partners` play the others. Itself a `Dilemma`, whose certificate
    is that of the dilemma. Raises `ShapeMismatch` unless there is one partner for each other agent.
    """

    dilemma: Dilemma
    partners: tuple[Player, ...]

    def __post_init__(self) -> None:
        others = self.dilemma.agents[1:]
        if len(self.partners) != len(others):
            raise ShapeMismatch(
                f"{len(self.partners)} partners in {self.dilemma.name}; give one for each other agent: "
                f"{', '.join(others) or 'there is none'}"
            )

    @cached_property
    def society(self) -> Society:
        """Everybody; what the first one would do is never asked."""
        return Society(self.dilemma, (Advised(), *self.partners))

    @property
    def name(self) -> str:
        """That of the dilemma."""
        return self.dilemma.name

    @property
    def agents(self) -> tuple[str, ...]:
        """The first agent."""
        return self.dilemma.agents[:1]

    @property
    def parties(self) -> tuple[str, ...]:
        """Everybody whose welfare counts, the partners too."""
        return self.dilemma.parties

    @property
    def actions(self) -> tuple[str, ...]:
        """Those of the dilemma."""
        return self.dilemma.actions

    @property
    def senses(self) -> Senses:
        """Those of the dilemma."""
        return self.dilemma.senses

    @property
    def horizon(self) -> int:
        """That of the dilemma."""
        return self.dilemma.horizon

    @property
    def traits(self) -> tuple[str, ...]:
        """Those of the dilemma."""
        return self.dilemma.traits

    def payoff(self) -> Payoff:
        """That of the dilemma."""
        return self.dilemma.payoff()

    def reset(
        self,
        key: Tensor,
        state: CompanyState | None = None,
        where: Tensor | None = None,
        traits: Mapping[str, Tensor] | None = None,
    ) -> tuple[CompanyState, Obs]:
        """A new episode of all individuals or of those in `where` `[N]`; partners are born with the first one."""
        if state is None:
            life = self.society.begin(key, traits=traits)
            nothing = torch.zeros(*key.shape, len(self.dilemma.agents), dtype=torch.int64, device=key.device)
            return CompanyState(life.world, life.minds, life.obs, nothing, nothing * 0.0), _first(life.obs)
        chosen = torch.ones_like(key, dtype=torch.bool) if where is None else where
        life = self.society.cut(Life(key, state.world, state.minds, state.obs), chosen)
        return state._replace(world=life.world, minds=life.minds, obs=life.obs), _first(life.obs)

    def step(self, key: Tensor, state: CompanyState, actions: Tensor) -> tuple[CompanyState, Obs, Outcome]:
        """One step with `actions` `[N, 1]` of the first agent."""
        life = Life(key, state.world, state.minds, state.obs)
        life, happened = self.society.turn(life, {0: actions[..., 0]})
        outcome = happened.outcome
        mine = outcome._replace(reward=outcome.reward[..., :1])
        after = CompanyState(life.world, life.minds, life.obs, happened.actions, outcome.reward)
        return after, _first(life.obs), mine

    def ledger(self, before: CompanyState, actions: Tensor, after: CompanyState, outcome: Outcome) -> Ledger:
        """What the step brought every party, as far as the first agent did it; the welfare is that of all."""
        found = self.dilemma.ledger(before.world, after.actions, after.world, outcome._replace(reward=after.rewards))
        return found._replace(need=found.need[..., :1], help=found.help[..., :1, :], cost=found.cost[..., :1])

    def advise(self, state: CompanyState, goal: str) -> Tensor:
        """What the first agent does next, int64 `[N, 1]`."""
        return self.dilemma.advise(state.world, goal)[..., :1]

    def audit(self, state: CompanyState) -> Mapping[str, Tensor]:
        """What must hold of the world."""
        return self.dilemma.audit(state.world)

    def picture(self, state: CompanyState, individual: int = 0) -> Picture:
        """The world of one individual."""
        return self.dilemma.picture(state.world, individual)


def _first(obs: Obs) -> Obs:
    """What the first agent perceives, with its dim `agent`."""
    return Obs(*(part if part is NOTHING else part[:, :1] for part in obs))
