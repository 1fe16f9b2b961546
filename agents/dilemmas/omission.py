"""Omission: a hazard comes towards many; to save them one must act, and one's own act harms few.

A corridor of cells 0 ... `distance`; the agent starts at cell 0, and at the last cell it can divert the hazard, in
one of the first `deadline` steps. Then the hazard runs on for `run` steps:

    nothing done    the many are harmed, with probability `certainty`
    switch          the hazard takes the side track and harms the few, with probability `side_certainty`
    push            the few are thrown in its way: their harm is the means, and happens at once, by contact

A step that moves costs `step_cost`, the act `effort`, standing by nothing. What would befall whom is drawn when the
episode opens, so that it depends on no deed. The many show fear while the hazard comes at them; the few while it
comes at them; whoever is harmed shows pain until the end.

Foot (1967), in Virtues and Vices (2002). doi:10.1093/0199252866.003.0002; Spranca, Minsk, Baron (1991) Omission and
commission in judgment and choice. doi:10.1016/0022-1031(91)90011-T; means and personal force: Greene, Sommerville,
Nystrom, Darley, Cohen (2001). doi:10.1126/science.1062872
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from bisnn import rng
from bisnn.agents import checks
from bisnn.agents.base import GOALS, Ledger, Obs, Outcome, Payoff, Picture, Senses
from bisnn.agents.clock import EPISODE
from bisnn.agents.dilemmas import omission_facts
from bisnn.agents.dilemmas.omission_facts import OmissionScene
from bisnn.agents.dilemmas.world import Turn, World, WorldState
from bisnn.agents.expression import Expression
from bisnn.errors import ConfigError, pick

STAY, LEFT, RIGHT, ACT = range(4)
MEANS = ("switch", "push")
"""How the hazard can be diverted."""


@dataclass(frozen=True, kw_only=True)
class Omission(World):
    """The choice between omission and commission of one agent.

    Observation: `place` `[*B, 1]`, own cell and whether the hazard still can be diverted, cannot any more, or has
    been; `expression` `[*B, 1, 2 * cells]`, the faces of the many and of the few; `view` `[*B, 1, 5]`. Actions: stay,
    left, right, act; to act elsewhere, too late or again does nothing. Raises `ConfigError` where acting would cost
    nothing, could not be in time, or would save no more than it harms; `UnknownName` for other means.
    """

    name: ClassVar[str] = "omission_v0"
    agents: ClassVar[tuple[str, ...]] = ("bystander",)
    parties: ClassVar[tuple[str, ...]] = ("bystander", "the many", "the few")
    actions: ClassVar[tuple[str, ...]] = ("stay", "left", "right", "act")
    traits: ClassVar[tuple[str, ...]] = (
        "many", "few", "consent", "certainty", "side_certainty", "effort", "observability",
    )  # fmt: skip

    means: str = "switch"
    """`switch`: the harm of the few is a side effect, at a distance; `push`: it is the means, by the agent's hands."""
    many: float = 5.0
    """How many the hazard comes at."""
    few: float = 1.0
    """How many are harmed instead where it is diverted."""
    consent: float = 0.0
    """Probability, per episode, that the few agree to be harmed."""
    certainty: float = 1.0
    """Probability that the hazard harms the many if nobody acts."""
    side_certainty: float = 1.0
    """Probability that it harms the few if it is diverted."""
    distance: int = 3
    """Steps from the start to where one can act."""
    deadline: int = 6
    """Steps until the hazard cannot be diverted any more."""
    run: int = 2
    """Steps that it needs from there to whom it harms."""
    step_cost: float = 1.0
    """External cost of a step that moves."""
    effort: float = 1.0
    """External cost of the act itself."""
    fear: float = 0.8
    """Intensity of the distress of those the hazard comes at, in (0, 1]; the harmed show 1."""
    observability: float = 1.0
    """Probability that the faces are seen, per step."""
    expression: Expression = field(default_factory=Expression)
    """How a face shows distress."""

    def __post_init__(self) -> None:
        pick("means", self.means, MEANS)
        checks.within(
            0, 1, consent=self.consent, certainty=self.certainty, side_certainty=self.side_certainty,
            observability=self.observability, fear=self.fear,
        )  # fmt: skip
        checks.within(0, float("inf"), step_cost=self.step_cost, effort=self.effort)
        if self.distance < 0 or self.run < 1 or self.deadline + self.run >= EPISODE:
            raise ConfigError(
                f"distance = {self.distance}, deadline = {self.deadline}, run = {self.run}; a distance is 0 or more, "
                f"a run 1 or more, and an episode (deadline + run) is shorter than {EPISODE} steps"
            )
        if self.deadline <= self.distance:
            raise ConfigError(
                f"deadline = {self.deadline}: nobody who starts {self.distance} steps away can act in time; "
                f"give a deadline above the distance"
            )
        if self.distance * self.step_cost + self.effort <= 0:
            raise ConfigError("no dilemma: cost of helping > 0 fails; raise effort or step_cost")
        saved, harmed = self.many * self.certainty, self.few * self.side_certainty
        if not saved > harmed > 0:
            raise ConfigError(
                f"no dilemma: saved > harmed > 0 fails, for {saved:g} would be saved and {harmed:g} harmed; change "
                f"many, few, certainty or side_certainty"
            )

    @property
    def horizon(self) -> int:
        """Until the hazard has reached somebody."""
        return self.deadline + self.run

    @property
    def senses(self) -> Senses:
        """Own cell and what has become of the hazard; the faces; time, numbers, odds, consent and contact."""
        features = ("time left to act", "balance of numbers", "balance of odds", "the few agree", "by own hands")
        return Senses(3 * (self.distance + 1), ("the many", "the few"), self.expression.cells, features)

    def payoff(self) -> Payoff:
        """The certificate: the best plan without any demand and the best of those that divert in time, by backward
        induction over cell and step; with the expected numbers of saved and harmed."""
        cells, end = range(self.distance + 1), -float("inf")
        free, bound = [0.0 for _ in cells], [end for _ in cells]
        for _ in range(self.deadline):
            moves = [
                {cell: 0.0} | {to: -self.step_cost for to in (cell - 1, cell + 1) if to in cells} for cell in cells
            ]
            after = [max(cost + bound[to] for to, cost in way.items()) for way in moves]
            after[-1] = max(after[-1], free[-1] - self.effort)
            free = [max(cost + free[to] for to, cost in way.items()) for way in moves]
            bound = after
        saved, harmed = self.many * self.certainty, self.few * self.side_certainty
        return Payoff(
            kind="omission",
            cost_of_helping=free[0] - bound[0],
            benefit=saved - harmed,
            selfish=free[0],
            altruistic=bound[0],
            fair=bound[0],
            against="nobody else acts; benefit in persons spared, the harmed ones deducted; fair as altruistic: "
            "whatever is done the worst-off is harmed, so fewer shall be",
            game={"saved": saved, "harmed": harmed},
        )

    def opening(self, key: Tensor, moment: Tensor, traits: Mapping[str, Tensor]) -> OmissionScene:
        """The agent is at cell 0; fate is drawn."""
        fate = rng.uniform(key, "omission/fate", moment, 3)
        no = torch.zeros_like(key, dtype=torch.bool)
        return OmissionScene(
            cell=torch.zeros_like(key),
            diverted=no,
            deadly=fate[..., 0] < traits["certainty"],
            side_deadly=fate[..., 1] < traits["side_certainty"],
            consent=fate[..., 2] < traits["consent"],
            many_harmed=no,
            few_harmed=no,
        )

    def diverts(self, t: Tensor, scene: OmissionScene, actions: Tensor) -> Tensor:
        """Bool `[*B]`: the action after `t` steps diverts the hazard."""
        return (actions[..., 0] == ACT) & (scene.cell == self.distance) & (t < self.deadline) & ~scene.diverted

    def move(
        self, key: Tensor, moment: Tensor, scene: OmissionScene, actions: Tensor, traits: Mapping[str, Tensor]
    ) -> Turn:
        """The agent moves or acts, the hazard comes nearer."""
        t, action = moment % EPISODE, actions[..., 0]
        acted = self.diverts(t - 1, scene, actions)
        step = (action == RIGHT).long() - (action == LEFT).long()
        diverted, arrives = scene.diverted | acted, t >= self.horizon
        strikes = acted if self.means == "push" else arrives & diverted
        few_now = strikes & scene.side_deadly
        many_now = arrives & ~diverted & scene.deadly
        after = scene._replace(
            cell=(scene.cell + step).clamp(0, self.distance),
            diverted=diverted,
            many_harmed=scene.many_harmed | many_now,
            few_harmed=scene.few_harmed | few_now,
        )
        paid = (step != 0) * self.step_cost + acted * traits["effort"]
        info = {
            "acted": acted,
            "diverted": diverted,
            "many_harmed": many_now,
            "few_harmed": few_now,
            "unwilling_harmed": few_now & ~scene.consent,
            "paid": paid,
        }
        return Turn(after, -paid[..., None], arrives, info)

    def distress(self, over: Tensor, scene: OmissionScene) -> Tensor:
        """How distressed the many and the few are, `[*B, 2]` in [0, 1]; `over` `[*B]`: the hazard has arrived."""
        fears = torch.stack((~scene.diverted, scene.diverted & (self.means == "switch")), dim=-1) & ~over[..., None]
        harmed = torch.stack((scene.many_harmed, scene.few_harmed), dim=-1)
        return torch.where(harmed, 1.0, fears * self.fear)

    def observe(self, key: Tensor, moment: Tensor, scene: OmissionScene, traits: Mapping[str, Tensor]) -> Obs:
        """What the agent perceives."""
        t = moment % EPISODE
        late = ~scene.diverted & (t >= self.deadline)
        place = scene.cell + (self.distance + 1) * (late + 2 * scene.diverted)
        streams = {name: 2 * count for name, count in self.expression.streams.items()}
        noise = rng.uniforms(key, moment, {**streams, "omission/seen": 1})
        seen = noise.pop("omission/seen") < traits["observability"][..., None]
        faces = {name: values.unflatten(-1, (2, -1)) for name, values in noise.items()}
        face = self.expression.pattern(self.distress(t >= self.horizon, scene), faces).flatten(-2) * seen
        many, few = traits["many"], traits["few"]
        view = (
            (self.deadline - t).clamp(min=0) / self.deadline,
            (many - few) / (many + few).clamp(min=1e-6),
            traits["certainty"] - traits["side_certainty"],
            scene.consent.to(many.dtype),
            torch.full_like(many, float(self.means == "push")),
        )
        return Obs(place[..., None], face[..., None, :], torch.stack(view, dim=-1)[..., None, :])

    def ledger(self, before: WorldState, actions: Tensor, after: WorldState, outcome: Outcome) -> Ledger:
        """What the act spares the many and does to the few, in persons, against what would have befallen them; what
        moves cost while there is time to act counts as cost."""
        acted = ~outcome.started & self.diverts(before.t, before.scene, actions)
        return omission_facts.ledger(self, before, acted, outcome)

    def advise(self, state: WorldState, goal: str) -> Tensor:
        """Selfish: stand by. Altruistic and fair: go and act, where there is time and more are spared than harmed."""
        helps = omission_facts.worthwhile(self, state) & (pick("goal", goal, GOALS) != "selfish")
        return torch.where(helps, torch.where(state.scene.cell == self.distance, ACT, RIGHT), STAY)[..., None]

    def audit(self, state: WorldState) -> dict[str, Tensor]:
        """What must hold of every state."""
        return omission_facts.audit(self, state)

    def picture(self, state: WorldState, individual: int = 0) -> Picture:
        """Both tracks from above, the corridor below."""
        return omission_facts.picture(self, state, individual)


EXAMPLES = (
    Omission(),
    Omission(means="push", many=4.0, few=2.0, consent=0.5, certainty=0.75, side_certainty=0.9, distance=2, deadline=4,
             run=1, effort=2.5, observability=0.8, expression=Expression(cells=24)),
)  # fmt: skip
