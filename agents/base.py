"""What an agent may see, do and be told, and what a dilemma is: the only page that brains and dilemmas share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from bisnn.errors import UnknownName
from bisnn.gates import NO_GATES, Gates

MOVES = ("up", "down", "right", "left")
"""Names of the four moves, in the order of their numbers."""
REACH = len(MOVES)
"""Added to a move: the agent also reaches out to the other. An action is a number from 0 to 2 * REACH - 1."""


NOTHING = torch.zeros(0)
"""The view of an agent that perceives nothing but its place and faces."""
GOALS = ("selfish", "altruistic", "fair")
"""What `Dilemma.advise` can be asked to play for."""


class Obs(NamedTuple):
    """What one agent perceives. Never another's inner state: of the others it holds the expressions alone.

    A dilemma gives it with the dim `agent`; an agent gets its own slice, without.
    """

    place: Tensor  # [*B, agent] int64, index of the own cell or situation
    expression: Tensor  # [*B, agent, faces * cells] the others' visible expressions, graded and noisy, 0 or more
    view: Tensor = NOTHING  # [*B, agent, features] float32 in [-1, 1]: what else it perceives, named in `Senses`

    def of(self, agent: int) -> Obs:
        """What the agent number `agent` perceives."""
        view = self.view if self.view is NOTHING else self.view[..., agent, :]
        return Obs(self.place[..., agent], self.expression[..., agent, :], view)


class Senses(NamedTuple):
    """What an observation of a dilemma holds."""

    places: int  # `Obs.place` is 0 ... places - 1
    faces: tuple[str, ...] = ()  # whose expressions are seen, in order
    cells: int = 0  # cells of one expression
    features: tuple[str, ...] = ()  # what each entry of `Obs.view` says


class Outcome(NamedTuple):
    """What the world answers to an action. A dilemma gives rewards with the dim `agent`, an agent is told its own."""

    reward: Tensor  # [*B, agent] external reward
    terminated: Tensor  # [*B] bool: the episode has ended by its own rule
    truncated: Tensor  # [*B] bool: the episode was cut at its time limit
    started: Tensor  # [*B] bool: this step was the reset that starts an episode; no action was taken
    info: dict[str, Tensor]  # facts for the measures, [*B] or [*B, agent] each; agents do not read them

    def of(self, agent: int) -> Outcome:
        """What the agent number `agent` is told: no facts but its own."""
        return self._replace(reward=self.reward[..., agent], info={})


class Ledger(NamedTuple):
    """What one step brought every party, for measures; agents are not told it. All 0 where an episode started."""

    need: Tensor  # [*B, agent] bool: before the step another was in need, and this agent may relieve it in this episode
    help: Tensor  # [*B, agent, party] float32: what the agent's own act of this step brought each party; below 0, harm
    cost: Tensor  # [*B, agent] float32, 0 or more: what the agent gave up for it in this step, of its external reward
    welfare: Tensor  # [*B, party] float32: what the step was to each: an agent's reward, a patient's pain (below 0)


@dataclass(frozen=True, kw_only=True)
class Payoff:
    """Certificate of a dilemma: what its own rules say that helping costs and brings."""

    kind: str
    """Which kind of dilemma it is: a name in `bisnn.agents.kinds.KINDS`, whose conditions it meets."""
    cost_of_helping: float
    """External return that the best helper gives up against the best selfish agent."""
    benefit: float
    """What the helped one gains from the best helper, in its own unit."""
    selfish: float
    """Best external return without helping."""
    altruistic: float
    """Best external return with helping."""
    fair: float | None = None
    """Least welfare of an agent where that is as high as can be (max-min); None where nobody shares anything."""
    against: str = ""
    """What the other agents do meanwhile, and in which unit the benefit is."""
    method: str = "backward induction"
    """How the optima were found."""
    bound: float = 0.0
    """How far they may lie from the true ones; 0: exact."""
    game: Mapping[str, float] = field(default_factory=dict)
    """The game at its core, where there is one: T, R, P, S of one who defects on, joins, or is left by the others."""


class Mark(NamedTuple):
    """One thing in a picture."""

    cell: tuple[int, int]  # column, row
    glyph: str  # one character, for text
    colour: str  # "#RRGGBB"
    shape: str = "disc"  # disc, square, ring, star, face


class Picture(NamedTuple):
    """What a world looks like from above; how it is drawn is `bisnn.agents.rendering`'s business."""

    columns: int
    rows: int
    walls: tuple[tuple[int, int], ...] = ()
    ground: tuple[Mark, ...] = ()  # places, drawn under the marks
    marks: tuple[Mark, ...] = ()  # agents and what moves, drawn last
    text: str = ""  # a line below


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
    def parties(self) -> tuple[str, ...]:
        """Everybody whose welfare counts, in the order of the dim `party`: the agents first, then who does not act."""
        ...

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions of each agent; an action is its index."""
        ...

    @property
    def senses(self) -> Senses:
        """What an observation holds."""
        ...

    @property
    def horizon(self) -> int:
        """Steps after which an episode is cut."""
        ...

    @property
    def traits(self) -> tuple[str, ...]:
        """Parameters of which every individual's world may have a value of its own."""
        ...

    def payoff(self) -> Payoff:
        """The certificate, computed from the rules."""
        ...

    def reset(
        self,
        key: Tensor,
        state: Any | None = None,
        where: Tensor | None = None,
        traits: Mapping[str, Tensor] | None = None,
    ) -> tuple[Any, Obs]:
        """A new episode, of all individuals or of those in `where` `[*B]`; `key` int64 `[*B]`. `traits`, each `[*B]`,
        are given at birth (without `state`) and last. Raises `UnknownName` for another trait."""
        ...

    def step(self, key: Tensor, state: Any, actions: Tensor) -> tuple[Any, Obs, Outcome]:
        """One step with `actions` `[*B, agent]`. Where the last step ended the episode, this one resets it
        (`Outcome.started`) and the action is ignored, so the final observation is always seen."""
        ...

    def ledger(self, before: Any, actions: Tensor, after: Any, outcome: Outcome) -> Ledger:
        """What the step from `before` to `after` brought every party."""
        ...

    def advise(self, state: Any, goal: str) -> Tensor:
        """What every agent does next, int64 `[*B, agent]`, who knows everything and plays for a goal of `GOALS`; played
        by who the certificate says, it earns what the certificate says. Raises `UnknownName` for another goal."""
        ...

    def audit(self, state: Any) -> Mapping[str, Tensor]:
        """What must hold of every state, by name, bool `[*B]`."""
        ...

    def picture(self, state: Any, individual: int = 0) -> Picture:
        """What the world of one individual (a row of a batch `[N]`) looks like."""
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
