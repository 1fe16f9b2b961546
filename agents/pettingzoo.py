"""Every dilemma as a PettingZoo environment, for anybody's agents.

    env = parallel_env("rescue_v0", toll=1.0, render_mode="rgb_array", scripted={"b": "altruistic"})
    observations, infos = env.reset(seed=5, options={"traits": {"risk": 0.2}})
    observations, rewards, terminations, truncations, infos = env.step({"helper": 2})

The seed is the individual: `reset(seed=5)` begins the life of world 5 with its first episode, whose every bit is that
of world 5 in any batch; `reset()` goes on with its next episode; a first `reset()` draws a seed from the operating
system. `infos` are empty: an agent is told no more than it perceives. `bisnn/<id>` is also known to `pettingzoo.make`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pettingzoo
import torch
from gymnasium import logger, spaces
from numpy.typing import NDArray
from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils.conversions import parallel_to_aec_wrapper
from pettingzoo.utils.wrappers import OrderEnforcingWrapper

from bisnn.agents import interfaces, rendering
from bisnn.agents.base import Dilemma, Ledger
from bisnn.agents.catalogue import dilemmas, make
from bisnn.agents.seats import Seats, Table, player
from bisnn.agents.society import Happened, Player
from bisnn.errors import ConfigError, ShapeMismatch, StateMismatch, UnknownName, pick

Observation = dict[str, Any]


class DilemmaEnv(ParallelEnv[str, Observation, int]):  # type: ignore[misc]
    """A dilemma as a `ParallelEnv`: one world, all of whose agents live and leave together.

    Spaces are those of `bisnn.agents.interfaces`. `scripted`: name of an agent -> who plays it inside, a name of
    `bisnn.agents.seats.SCRIPTS` or a bisnn agent; it is no agent of this environment. `max_cycles`: steps after which
    an episode is cut, if the dilemma does not end it before. Raises `UnknownName` for an agent, script or render mode
    that does not exist, `ConfigError` where nobody is left to play or `max_cycles` is below 1.
    """

    def __init__(
        self,
        dilemma: Dilemma,
        render_mode: str | None = None,
        scripted: Mapping[str, str | Player] | None = None,
        max_cycles: int | None = None,
    ) -> None:
        names = dilemma.agents
        inside = {
            names.index(pick("agent", name, names)): player(dilemma, who) for name, who in (scripted or {}).items()
        }
        self.dilemma, self.seats = dilemma, Seats(dilemma, inside)
        if not self.seats.open:
            raise ConfigError(f"every agent of {dilemma.name} is scripted; leave one of {', '.join(names)} to play")
        if max_cycles is not None and max_cycles < 1:
            raise ConfigError(f"max_cycles is {max_cycles!r}; an episode has at least one step")
        self.render_mode, self.max_cycles = interfaces.check_mode(render_mode), max_cycles
        self.metadata = {
            "name": dilemma.name,
            "render_modes": list(interfaces.RENDER_MODES),
            "render_fps": interfaces.FPS,
            "is_parallelizable": True,
        }
        self.possible_agents = [names[number] for number in self.seats.open]
        self.agents: list[str] = []
        self.individual: int | None = None
        self._observes = {name: interfaces.observation_space(dilemma) for name in self.possible_agents}
        self._acts = {name: interfaces.action_space(dilemma) for name in self.possible_agents}
        self._screen = rendering.Screen(dilemma.name, interfaces.FPS)
        self._table: Table | None = None
        self._last: tuple[Happened, Table] | None = None
        self._steps = 0

    def observation_space(self, agent: str) -> spaces.Dict:
        """What an agent perceives: the same object at every call."""
        return self._observes[self._known(agent)]

    def action_space(self, agent: str) -> spaces.Discrete:
        """What an agent may do: the same object at every call."""
        return self._acts[self._known(agent)]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, dict[str, Any]]]:
        """Begin the life of individual `seed`, or without one go on with the next episode of the same.

        `options={"traits": {NAME: VALUE}}` gives the world parameters for life; without a seed the same individual is
        born anew with them. Raises `ConfigError`, `UnknownName` for a seed or traits that do not fit.
        """
        traits = interfaces.traits_of(self.dilemma, options, 1)
        if self._table is None or seed is not None or traits is not None:
            again = self.individual if seed is None else seed
            self.individual = interfaces.seeded(again)
            self._table = self.seats.begin(torch.tensor([self.individual]), traits)
        else:
            self._table = self.seats.renew(self._table, torch.ones(1, dtype=torch.bool))
        self.agents, self._last, self._steps = list(self.possible_agents), None, 0
        if self.render_mode == "human":
            self.render()
        return self._seen(), {name: {} for name in self.agents}

    def step(
        self, actions: Mapping[str, int]
    ) -> tuple[dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """One step with an action of every agent.

        Raises `StateMismatch` before `reset` and after the end of the episode, when no agent lives; `UnknownName` for
        an agent that does not exist, `ShapeMismatch` where an action is missing or no single number, `ConfigError` for
        a number that names no action or for an agent that is scripted.
        """
        chosen = torch.tensor([self._chosen(actions)])
        assert self._table is not None
        self._table, happened = self.seats.step(self._table, chosen)
        self._last, outcome = (happened, self._table), happened.outcome
        self._steps += 1
        ended = bool(outcome.terminated[0])
        cut = bool(outcome.truncated[0]) or (self._steps == self.max_cycles and not ended)
        names, found = self.agents, self._seen()
        rewards = {name: float(outcome.reward[0, self._number(name)]) for name in names}
        if ended or cut:
            self.agents = []
        if self.render_mode == "human":
            self.render()
        return found, rewards, dict.fromkeys(names, ended), dict.fromkeys(names, cut), {name: {} for name in names}

    def check(self, agent: str, action: Any) -> int:
        """The action of a living agent as a number; raises what `step` raises for it."""
        self._alive()
        if agent not in self.agents:
            self._known(agent)
        return interfaces.legal(self.dilemma, agent, action)

    def render(self) -> NDArray[np.uint8] | str | None:
        """The world as it is now, as the render mode says. Raises `StateMismatch` before `reset`."""
        if self.render_mode is None:
            logger.warn("render() draws nothing without a render mode; give render_mode to parallel_env")
            return None
        if self._table is None:
            raise StateMismatch(f"{self.dilemma.name} has not begun; call reset() before render()")
        return rendering.draw(self.dilemma.picture(self._table.life.world), self.render_mode, self._screen)

    def ledger(self) -> Ledger:
        """What the last step brought every party, `[1, ...]`, for who measures. Raises `StateMismatch` without one."""
        if self._last is None:
            raise StateMismatch(f"no step of {self.dilemma.name} has been taken in this episode; call step()")
        happened, after = self._last
        return self.dilemma.ledger(happened.before, happened.actions, after.life.world, happened.outcome)

    def close(self) -> None:
        """Close the window, if there is one; may be called again."""
        self._screen.close()

    def _number(self, agent: str) -> int:
        return self.dilemma.agents.index(agent)

    def _known(self, agent: str) -> str:
        if agent in self.possible_agents:
            return agent
        if agent in self.dilemma.agents:
            raise ConfigError(f"{agent} is scripted and plays by itself; agents: {', '.join(self.possible_agents)}")
        raise UnknownName("agent", agent, self.possible_agents)

    def _alive(self) -> None:
        if self._table is None:
            raise StateMismatch(f"{self.dilemma.name} has not begun; call reset() before step()")
        if not self.agents:
            raise StateMismatch(
                f"the episode of {self.dilemma.name} has ended and its agents are gone; call reset() before step()"
            )

    def _chosen(self, actions: Any) -> list[int]:
        """The actions of all living agents, in their order."""
        self._alive()
        if not isinstance(actions, Mapping):
            raise ShapeMismatch(f"the actions are {actions!r}; give a dict: {self._wanted()}")
        for name in actions:
            self._known(name)
        missing = [name for name in self.agents if name not in actions]
        if missing:
            raise ShapeMismatch(f"no action of {', '.join(missing)}; give a dict: {self._wanted()}")
        return [interfaces.legal(self.dilemma, name, actions[name]) for name in self.agents]

    def _wanted(self) -> str:
        return "{" + ", ".join(f"{name!r}: action" for name in self.agents) + "}"

    def _seen(self) -> dict[str, Observation]:
        assert self._table is not None
        obs = self._table.life.obs
        return {name: interfaces.observed(obs, self._number(name), self._observes[name]) for name in self.agents}


class InTurn(OrderEnforcingWrapper[str, Observation, Any]):  # type: ignore[misc]
    """The AEC form, which refuses a wrong action at once and not only when the last agent has acted."""

    def step(self, action: Any) -> None:
        """The action of `agent_selection`; None where its episode has ended. Raises as `DilemmaEnv.step` does."""
        parallel = self.unwrapped
        if not self._has_reset:
            raise StateMismatch("the environment has not begun; call reset() before step()")
        if not self.agents:
            raise StateMismatch("the episode has ended and its agents are gone; call reset() before step()")
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            if action is not None:
                raise StateMismatch(
                    f"the episode of {agent} has ended; step(None) lets it leave, action {action!r} cannot"
                )
        else:
            action = parallel.check(agent, action)
        super().step(action)


def parallel_env(
    id: str,  # noqa: A002
    render_mode: str | None = None,
    scripted: Mapping[str, str | Player] | None = None,
    max_cycles: int | None = None,
    **parameters: Any,
) -> DilemmaEnv:
    """The dilemma `id`, such as `rescue_v0`, with some parameters of its own, as a PettingZoo `ParallelEnv`.

    Raises `UnknownName` for an id or a parameter that does not exist, `ConfigError` where parameters do not fit, and
    what `DilemmaEnv` raises.
    """
    return DilemmaEnv(make(id, **parameters), render_mode, scripted, max_cycles)


def raw_env(id: str, **given: Any) -> AECEnv[str, Observation, Any]:  # noqa: A002
    """The same agent by agent, without checks of its own; arguments are those of `parallel_env`."""
    return parallel_to_aec_wrapper(parallel_env(id, **given))


def env(id: str, **given: Any) -> AECEnv[str, Observation, Any]:  # noqa: A002
    """The same agent by agent (AEC), in order and with checked actions; arguments are those of `parallel_env`."""
    return InTurn(raw_env(id, **given))


def _register() -> None:
    """Tell PettingZoo's registry (since 1.26) of `bisnn/<id>`, once."""
    if not hasattr(pettingzoo, "parallel_registry"):
        return
    for name in dilemmas():
        if f"bisnn/{'-v'.join(name.rsplit('_v', 1))}" not in pettingzoo.parallel_registry:
            pettingzoo.register("parallel", f"bisnn/{name}", parallel_env, kwargs={"id": name})
            pettingzoo.register("aec", f"bisnn/{name}", env, kwargs={"id": name})


_register()
