"""Every dilemma as a Gymnasium environment of its first agent; the others are played inside.

    import gymnasium, bisnn.agents.gymnasium                      registers bisnn/Rescue-v0, bisnn/StagHunt-v0, ...
    env = gymnasium.make("bisnn/Rescue-v0", toll=1.0, render_mode="rgb_array")
    env = gymnasium.make("bisnn.agents.gymnasium:bisnn/Rescue-v0")              imports this module by itself
    envs = gymnasium.make_vec("bisnn/Rescue-v0", num_envs=1024)                 all worlds in one batched step

The seed is the individual, as in `bisnn.agents.pettingzoo`; `np_random_seed` says which one lives, also where the
seed was drawn by the operating system. `info` is empty: an agent is told no more than it perceives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import logger
from numpy.typing import NDArray

from bisnn.agents import interfaces, rendering
from bisnn.agents.base import Dilemma
from bisnn.agents.catalogue import dilemmas, make
from bisnn.agents.seats import Seats, Table, player
from bisnn.agents.society import Player
from bisnn.errors import ShapeMismatch, StateMismatch

PARTNERS = "altruistic"
"""Who plays the other agents unless something else is said."""

Partners = str | Player | Sequence[str | Player]
Observation = dict[str, Any]


def seats(dilemma: Dilemma, partners: Partners = PARTNERS) -> Seats:
    """A dilemma whose first agent is played from outside; `partners`: one player or name for all others, or one each.

    Raises `ShapeMismatch` unless there is one for each other agent, `UnknownName` for a name that does not exist.
    """
    others = dilemma.agents[1:]
    each: list[Any] = list(partners) if isinstance(partners, list | tuple) else [partners] * len(others)
    if len(each) != len(others):
        raise ShapeMismatch(
            f"{len(each)} partners in {dilemma.name}; give one for each other agent: "
            f"{', '.join(others) or 'there is none'}, or one for all"
        )
    shared = {id(who): player(dilemma, who) for who in each}  # players that are one plan act in one batch
    return Seats(dilemma, {number + 1: shared[id(who)] for number, who in enumerate(each)})


def gymnasium_id(name: str) -> str:
    """`stag_hunt_v0` -> `bisnn/StagHunt-v0`."""
    words, version = name.rsplit("_v", 1)
    return f"bisnn/{''.join(word.capitalize() for word in words.split('_'))}-v{version}"


class DilemmaGym(gymnasium.Env[Observation, int]):
    """A dilemma as its first agent lives in it: one world.

    `dilemma`: an id such as `rescue_v0`, with `parameters` of its own, or a dilemma. `partners` play the other agents:
    names of `bisnn.agents.seats.SCRIPTS` or bisnn agents, one for all or one for each.
    Raises `UnknownName`, `ConfigError`, `ShapeMismatch` for what does not exist or does not fit.
    """

    metadata = {"render_modes": list(interfaces.RENDER_MODES), "render_fps": interfaces.FPS}  # noqa: RUF012

    def __init__(
        self,
        dilemma: str | Dilemma,
        render_mode: str | None = None,
        partners: Partners = PARTNERS,
        **parameters: Any,
    ) -> None:
        self.dilemma = make(dilemma, **parameters) if isinstance(dilemma, str) else dilemma
        self.seats = seats(self.dilemma, partners)
        self.render_mode = interfaces.check_mode(render_mode)
        self._space = interfaces.observation_space(self.dilemma)
        self.observation_space = self._space
        self.action_space = interfaces.action_space(self.dilemma)  # type: ignore[assignment]
        self._screen = rendering.Screen(self.dilemma.name, interfaces.FPS)
        self._table: Table | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin the life of individual `seed`, or without one go on with the next episode of the same.

        `options={"traits": {NAME: VALUE}}` gives the world parameters for life; without a seed the same individual is
        born anew with them. Raises `ConfigError`, `UnknownName` for a seed or traits that do not fit.
        """
        traits = interfaces.traits_of(self.dilemma, options, 1)
        if self._table is None or seed is not None or traits is not None:
            again = self._np_random_seed if seed is None and self._table is not None else seed
            chosen = interfaces.seeded(again)
            super().reset(seed=chosen)
            self._table = self.seats.begin(torch.tensor([chosen]), traits)
        else:
            self._table = self.seats.renew(self._table, torch.ones(1, dtype=torch.bool))
        return self._now(), {}

    def step(self, action: int) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """One step. Raises `StateMismatch` before `reset` and after the end of an episode, `ShapeMismatch` for several
        actions, `ConfigError` for one that there is not."""
        if self._table is None or bool(self._table.over):
            why = "has not begun" if self._table is None else "has ended its episode"
            raise StateMismatch(f"{self.dilemma.name} {why}; call reset() before step()")
        chosen = interfaces.legal(self.dilemma, self.dilemma.agents[0], action)
        self._table, happened = self.seats.step(self._table, torch.tensor([[chosen]]))
        outcome = happened.outcome
        ended, cut = bool(outcome.terminated[0]), bool(outcome.truncated[0])
        return self._now(), float(outcome.reward[0, 0]), ended, cut, {}

    def render(self) -> NDArray[np.uint8] | str | None:
        """The world as it is now, as the render mode says. Raises `StateMismatch` before `reset`."""
        if self.render_mode is None:
            logger.warn("render() draws nothing without a render mode; give render_mode to gymnasium.make")
            return None
        if self._table is None:
            raise StateMismatch(f"{self.dilemma.name} has not begun; call reset() before render()")
        return rendering.draw(self.dilemma.picture(self._table.life.world), self.render_mode, self._screen)

    def close(self) -> None:
        """Close the window, if there is one; may be called again."""
        self._screen.close()

    def _now(self) -> Observation:
        """What the agent perceives; in `human` mode everybody sees the world too."""
        assert self._table is not None
        if self.render_mode == "human":
            self.render()
        return interfaces.observed(self._table.life.obs, 0, self._space)


def _register() -> None:
    """Tell Gymnasium's registry of every dilemma, once."""
    for name in dilemmas():
        if gymnasium_id(name) not in gymnasium.registry:
            gymnasium.register(
                gymnasium_id(name),
                entry_point="bisnn.agents.gymnasium:DilemmaGym",
                vector_entry_point="bisnn.agents.vector:DilemmaVectorEnv",
                kwargs={"dilemma": name},
            )


_register()
