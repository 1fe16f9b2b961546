"""What an agent may see, do and be told: the only page that brains and dilemmas share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

from torch import Tensor

from bisnn.errors import UnknownName
from bisnn.gates import NO_GATES, Gates

MOVES = ("up", "down", "right", "left")
"""Names of the four moves, in the order of their numbers."""
REACH = len(MOVES)
"""Added to a move: the agent also reaches out to the other. An action is a number from 0 to 2 * REACH - 1."""


class Obs(NamedTuple):
    """What one agent perceives. Never another's inner state: of the other it holds the expression alone.

    A dilemma gives it with the dim `agent`; an agent gets its own slice, without.
    """

    place: Tensor  # [*B, agent] int64, index of the own cell
    expression: Tensor  # [*B, agent, cells] the other's visible expression, graded and noisy, 0 or more

    def of(self, agent: int) -> Obs:
        """What the agent number `agent` perceives."""
        return Obs(self.place[..., agent], self.expression[..., agent, :])


class Outcome(NamedTuple):
    """What the world answers to an action. A dilemma gives rewards with the dim `agent`, an agent is told its own."""

    reward: Tensor  # [*B, agent] external reward
    terminated: Tensor  # [*B] bool: the episode has ended by its own rule
    truncated: Tensor  # [*B] bool: the episode was cut at its time limit
    started: Tensor  # [*B] bool: this step was the reset that starts an episode; no action was taken
    info: dict[str, Tensor]  # facts for the measures, [*B] each; agents do not read them

    def of(self, agent: int) -> Outcome:
        """What the agent number `agent` is told: no facts but its own."""
        return self._replace(reward=self.reward[..., agent], info={})


@dataclass(frozen=True, kw_only=True)
class Payoff:
    """Certificate of a dilemma: what its own rules say that helping costs and brings."""

    kind: str
    """Which kind of dilemma it is."""
    cost_of_helping: float
    """External return that the best helper gives up against the best selfish agent."""
    benefit: float
    """Painful steps that the helped one is spared by the best helper."""
    selfish: float
    """Best external return without helping."""
    altruistic: float
    """Best external return with helping."""


@runtime_checkable
class Dilemma(Protocol):
    """A batched world: a frozen dataclass of task parameters with pure `reset` and `step`."""

    @property
    def name(self) -> str:
        """Versioned name, such as `rescue_v0`."""
        ...

    @property
    def agents(self) -> tuple[str, ...]:
        """Names of its agents, in the order of the dim `agent`."""
        ...

    @property
    def horizon(self) -> int:
        """Steps after which an episode is cut."""
        ...

    def payoff(self) -> Payoff:
        """The certificate, computed from the rules."""
        ...

    def reset(self, key: Tensor, state: Any | None = None, where: Tensor | None = None) -> tuple[Any, Obs]:
        """A new episode, of all individuals or of those in `where` `[*B]`; `key` int64 `[*B]`."""
        ...

    def step(self, key: Tensor, state: Any, actions: Tensor) -> tuple[Any, Obs, Outcome]:
        """One step with `actions` `[*B, agent]`. Where the last step ended the episode, this one resets it
        (`Outcome.started`) and the action is ignored, so the final observation is always seen."""
        ...


@runtime_checkable
class Agent(Protocol):
    """A batch of individuals of one kind. Methods are pure; `[*B]` is the shape of `key`."""

    def init(self, key: Tensor, gates: Gates = NO_GATES, traits: Mapping[str, Tensor] | None = None) -> Any:
        """A newborn batch; `traits` `[*B]` by name override the plan's. Raises `UnknownName` for another trait."""
        ...

    def act(self, state: Any, obs: Obs) -> tuple[Tensor, Any]:
        """Perceive `obs`, learn from what it says of the last action, choose actions int64 `[*B]`."""
        ...

    def learn(self, state: Any, outcome: Outcome) -> Any:
        """Be told the outcome of the action; it takes effect when the next observation is perceived."""
        ...

    def keepsake(self, state: Any) -> dict[str, Tensor]:
        """What the individuals have learned, leaves `[*B, ...]`; empty for agents that do not learn."""
        ...

    def revive(self, state: Any, kept: Mapping[str, Tensor], episode: int) -> Any:
        """A newborn batch `state` with what `keepsake` kept, before its episode `episode`."""
        ...


class Unlearning:
    """The part of `Agent` that is empty for agents that learn nothing."""

    def keepsake(self, state: Any) -> dict[str, Tensor]:
        """Nothing is learned, nothing is kept."""
        return {}

    def revive(self, state: Any, kept: Mapping[str, Tensor], episode: int) -> Any:
        """A newborn is all there is."""
        return state


def check_traits(traits: Mapping[str, Tensor] | None, known: Iterable[str] = ()) -> dict[str, Tensor]:
    """The traits, or none. Raises `UnknownName` for a trait that the agent does not have."""
    choices = tuple(known)
    for name in traits or {}:
        if name not in choices:
            raise UnknownName("trait", name, choices)
    return dict(traits or {})
