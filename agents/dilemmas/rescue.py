"""Rescue: on the way to its own goal, a helper may relieve another's pain, at a cost of its own.

Two rooms, parted by a wall. In the left one a victim walks onto a hazard and is in pain until the
helper, alone in the right one, stands on a switch and reaches out. The helper earns `goal_reward` at its
goal, where the episode ends, and loses `step_cost` in every other step; goal and switch lie apart. It
sees of the victim nothing but the face.

A step: the helper moves; if the victim was in pain and the helper stands on the switch and reaches out
(help is an act of one who empathises, not of one who passes by), the victim is relieved and safe for
the rest of the episode; the victim moves, first by a script that leads it onto a hazard, then at random;
it is hurt where its move brings it onto a hazard; the helper sees the face. All noise of step t of episode
e is that of moment 1024 e + t, so individuals of one seed meet the same victim in the same episode,
whatever they did before.

After Zhao, Feng, Tong, Han, Lin, Lu, Sun, Zeng (2025) Building altruistic and moral AI agent with
brain-inspired emotional empathy mechanisms. doi:10.1109/taffc.2025.3627936
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bisnn import rng, tree
from bisnn.agents import layouts, planning
from bisnn.agents.base import MOVES, REACH, Ledger, Obs, Outcome, Payoff, Picture, Senses
from bisnn.agents.clock import EPISODE
from bisnn.agents.dilemmas import rescue_facts
from bisnn.agents.dilemmas.rescue_rooms import RescueRooms, certificates, pairs
from bisnn.agents.dilemmas.world import check_actions, usual_traits
from bisnn.agents.expression import Expression
from bisnn.agents.layouts import Layout, RescueState, Scene
from bisnn.agents.planning import Certificate


@dataclass(frozen=True, kw_only=True)
class Rescue(RescueRooms):
    """The rescue dilemma; the defaults are the published 11 x 5 grid.

    Observation: `place` `[*B, 1]`, column + width * row in the right room; `expression` `[*B, 1, cells]`. Actions
    0 up, 1 down, 2 right, 3 left, and the same plus 4 to reach out as well; a move against a wall stays.
    Raises `ConfigError` where parameters do not fit together, or where helping would cost nothing.
    """

    name: ClassVar[str] = "rescue_v0"
    agents: ClassVar[tuple[str, ...]] = ("helper",)
    parties: ClassVar[tuple[str, ...]] = ("helper", "victim")
    actions: ClassVar[tuple[str, ...]] = (*MOVES, *(f"{move}+reach" for move in MOVES))
    traits: ClassVar[tuple[str, ...]] = (
        "observability", "honesty", "unwanted", "toll", "risk", "harm", "fakes_from", "fakes_until",
    )  # fmt: skip

    @property
    def senses(self) -> Senses:
        """Own place, the victim's face, and whether the victim in distress declines help."""
        return Senses(self.places, ("victim",), self.expression.cells, ("the victim declines help",))

    def payoff(self) -> Payoff:
        """The certificate for a victim in pain from the start; for drawn layouts, the mean over all that may occur.

        To await, at the switch, a pain that begins later costs a step more for each step waited.
        """
        mean = tree.map(lambda values: float(values.mean()), certificates(self))
        return Payoff(
            kind="altruism",
            cost_of_helping=mean.selfish - mean.altruistic,
            benefit=mean.spared,
            selfish=mean.selfish,
            altruistic=mean.altruistic,
            fair=mean.altruistic,
            against="the victim is in pain from the start and wants help; benefit in painful steps spared",
        )

    def payoffs(self, state: RescueState) -> Certificate:
        """The certificate of every individual's own layout."""
        return planning.certify(self.map(state))

    def reset(
        self,
        key: Tensor,
        state: RescueState | None = None,
        where: Tensor | None = None,
        traits: Mapping[str, Tensor] | None = None,
    ) -> tuple[RescueState, Obs]:
        """A new episode of all individuals or of those in `where` `[*B]`; `key` int64 `[*B]`."""
        if state is None:
            layout, mine = self._layout(key), usual_traits(self, key, traits)
            episode = t = torch.zeros_like(key)
        else:
            mine, chosen = state.traits, torch.ones_like(state.scene.over) if where is None else where
            layout, episode, t = state.layout, state.episode + chosen, state.t * ~chosen
            layout = self._moved(key, layout, chosen & (episode >= self.moves_at))
        noise = self._noise(key, episode, t)
        scene = self._opening(noise["rescue/world"], episode, mine)
        scene = scene if state is None else tree.where(chosen, scene, state.scene)
        return RescueState(episode, t, scene, layout, mine), self._observe(scene, noise, mine)

    def step(self, key: Tensor, state: RescueState, actions: Tensor) -> tuple[RescueState, Obs, Outcome]:
        """One step with `actions` `[*B, 1]`; where the last one ended the episode, a new one starts instead."""
        check_actions(self, key, actions)
        started = state.scene.over
        episode, t = state.episode + started, (state.t + 1) * ~started
        layout = self._moved(key, state.layout, started & (episode >= self.moves_at))
        noise, mine = self._noise(key, episode, t), state.traits
        world = noise["rescue/world"]
        moved, acted = self._move(state, actions[..., 0], world[..., 0])
        at_goal = moved.helper == state.layout.goal
        moved = moved._replace(over=at_goal | (t >= self.horizon))
        scene: Scene = tree.where(started, self._opening(world, episode, mine), moved)
        at_goal, acted = at_goal & ~started, acted & ~started
        relieved_now = acted & ~moved.declines
        slipped = acted & (world[..., 4] < mine["risk"])
        paid = mine["toll"] * relieved_now + mine["harm"] * slipped
        reward = torch.where(at_goal, self.goal_reward, -self.step_cost) * ~started - paid
        tables = self.tables(str(key.device))
        info = {
            "pain": scene.distress & ~scene.faked & ~scene.declines,
            "painful": scene.painful,
            "expressed": scene.distress,
            "relieved": scene.relieved,
            "relieved_now": relieved_now,
            "faked": scene.faked,
            "declines": scene.declines,
            "intruded": acted & moved.declines,
            "slipped": slipped,
            "paid": paid,
            "at_goal": at_goal,
            "at_switch": scene.helper == layout.switch,
            "helper_cell": tables.right_cell[scene.helper],
            "victim_cell": tables.left_cell[scene.victim],
        }
        outcome = Outcome(reward[..., None], at_goal, scene.over & ~at_goal, started, info)
        return RescueState(episode, t, scene, layout, mine), self._observe(scene, noise, mine), outcome

    def ledger(self, before: RescueState, actions: Tensor, after: RescueState, outcome: Outcome) -> Ledger:
        """What the step brought helper and victim; relief is worth the painful steps that it spares."""
        return rescue_facts.ledger(self.horizon, before, after, outcome)

    def advise(self, state: RescueState, goal: str) -> Tensor:
        """Selfish: the shortest way to its own goal. Altruistic and fair: to the switch first, where help is wanted."""
        return rescue_facts.advise(self.tables(str(state.t.device)), state, goal)

    def audit(self, state: RescueState) -> dict[str, Tensor]:
        """What must hold of every state."""
        return rescue_facts.audit(self, state)

    def picture(self, state: RescueState, individual: int = 0) -> Picture:
        """Both rooms from above."""
        return rescue_facts.picture(self, self.tables("cpu"), state, individual)

    def _noise(self, key: Tensor, episode: Tensor, t: Tensor) -> dict[str, Tensor]:
        """Everything that is random at one moment: victim's move, opening, honesty, visibility, slip, will, face."""
        return rng.uniforms(key, episode * EPISODE + t, {"rescue/world": 8, **self.expression.streams})

    def _layout(self, key: Tensor) -> Layout:
        """The layout of every individual at birth."""
        if self.layout == "drawn":
            return self._drawn(key)
        tables = self.tables(str(key.device))
        fixed = Layout(*(leaf.expand((*key.shape, *leaf.shape)).clone() for leaf in tables.layout))
        return layouts.widen(fixed, tables.left) if self.layout == "moved" else fixed

    def _drawn(self, key: Tensor) -> Layout:
        """The layout of its own of every individual."""
        tables = self.tables(str(key.device))
        start = self.victim_start[0] + self.wall * self.victim_start[1]
        return layouts.draw(key, pairs(self, str(key.device)), tables.left, start, len(self.hazards))

    def _moved(self, key: Tensor, layout: Layout, now: Tensor) -> Layout:
        """`layout`, or the drawn one for those who move `now` (bool `[*B]`)."""
        if self.layout != "moved" or not bool(now.any()):
            return layout
        return Layout(*tree.where(now, self._drawn(key), layout))

    def _opening(self, world: Tensor, episode: Tensor, traits: Mapping[str, Tensor]) -> Scene:
        """The scene before the first step, from the uniforms `[*B, 8]` of its moment."""
        start = torch.zeros_like(world[..., 0], dtype=torch.int64)
        no = torch.zeros_like(start, dtype=torch.bool)
        openings = layouts.WAITS if self.layout == "drawn" else len(self.openings)
        return Scene(
            helper=start + self.place(self.start),
            victim=start + (self.victim_start[0] + self.wall * self.victim_start[1]),
            opening=(world[..., 1] * openings).long(),
            faked=(world[..., 2] >= traits["honesty"])
            | ((episode >= traits["fakes_from"]) & (episode < traits["fakes_until"])),
            declines=world[..., 5] < traits["unwanted"],
            distress=no,
            painful=no,
            relieved=no,
            over=no,
        )

    def _move(self, state: RescueState, action: Tensor, chance: Tensor) -> tuple[Scene, Tensor]:
        """The scene after both have moved, and whether the helper reached out to one in real distress."""
        tables = self.tables(str(action.device))
        scene, layout = state.scene, state.layout
        helper = tables.right[scene.helper, action % REACH]
        acted = scene.distress & ~scene.faked & (helper == layout.switch) & (action >= REACH)
        relieved_now = acted & ~scene.declines
        relieved = scene.relieved | relieved_now
        length = layout.script.shape[-1]
        line = scene.opening * length + state.t.clamp(max=length - 1)
        scripted = layout.script.flatten(-2).gather(-1, line[..., None])[..., 0]
        victim = tables.left[scene.victim, torch.where(scripted < 0, (chance * 4).long(), scripted)]
        onto = layout.hazard.gather(-1, victim[..., None])[..., 0] & (victim != scene.victim)
        distress = (scene.distress & ~relieved_now) | (onto & ~relieved)
        painful = scene.painful | (distress & ~scene.faked & ~scene.declines)
        moved = scene._replace(helper=helper, victim=victim, distress=distress, painful=painful, relieved=relieved)
        return moved, acted

    def _observe(self, scene: Scene, noise: dict[str, Tensor], traits: Mapping[str, Tensor]) -> Obs:
        """What the helper perceives: its place, the victim's face, and whether it declines."""
        face = self.expression.pattern(scene.distress * self.pain_intensity, noise)
        visible = noise["rescue/world"][..., 3] < traits["observability"]
        declined = (scene.distress & scene.declines & visible).to(face.dtype)
        return Obs(scene.helper[..., None], (face * visible[..., None])[..., None, :], declined[..., None, None])


EXAMPLES = (
    Rescue(),
    Rescue(layout="drawn", observability=0.9, honesty=0.75, pain_intensity=0.8, expression=Expression(cells=24)),
)
