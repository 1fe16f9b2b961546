"""Many worlds of a dilemma as one Gymnasium `VectorEnv`: a step of all of them is one batched step of tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium import logger, spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray
from torch import Tensor

from bisnn.agents import interfaces, rendering
from bisnn.agents.base import Dilemma
from bisnn.agents.catalogue import make
from bisnn.agents.gymnasium import PARTNERS, Partners, seats
from bisnn.agents.seats import Table
from bisnn.agents.society import PERSON
from bisnn.errors import ConfigError, ShapeMismatch, StateMismatch

Array = NDArray[Any]
Observation = dict[str, Array]


class DilemmaVectorEnv(VectorEnv[Observation, Any, Array]):
    """`num_envs` worlds of a dilemma, as its first agent lives in them; arguments are those of `DilemmaGym`.

    World k of `reset(seed=s)` is that of `DilemmaGym.reset(seed=s + k)`, bit for bit. Autoreset is that of the next
    step (`AutoresetMode.NEXT_STEP`): the step after the end of an episode ignores the action, brings no reward and
    shows the first observation of the next, so the last one is always seen. `render` gives a frame for every world;
    `human` shows world 0. Raises `ConfigError` unless `num_envs` is 1 or more.
    """

    metadata = {  # noqa: RUF012
        "render_modes": list(interfaces.RENDER_MODES),
        "render_fps": interfaces.FPS,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        dilemma: str | Dilemma,
        num_envs: int = 1,
        render_mode: str | None = None,
        partners: Partners = PARTNERS,
        **parameters: Any,
    ) -> None:
        if num_envs < 1:
            raise ConfigError(f"num_envs is {num_envs!r}; give 1 or more")
        self.dilemma = make(dilemma, **parameters) if isinstance(dilemma, str) else dilemma
        self.seats, self.num_envs = seats(self.dilemma, partners), num_envs
        self.render_mode = interfaces.check_mode(render_mode)
        self._space: spaces.Dict = interfaces.observation_space(self.dilemma)
        self.single_observation_space = self._space
        self.single_action_space = interfaces.action_space(self.dilemma)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._screen = rendering.Screen(self.dilemma.name, interfaces.FPS)
        self._table: Table | None = None

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Begin the lives of the individuals `seed`, `seed` + 1, ..., or of those listed; without a seed, go on with
        the next episode of the same ones.

        `options`: `traits` give the worlds parameters for life, a number or `[N]` each (without a seed, the same
        individuals are born anew with them); `reset_mask` bool `[N]` says which worlds, the others stay as they are.
        Raises `ShapeMismatch`, `ConfigError`, `UnknownName` for what does not fit.
        """
        where = self._mask(options)
        traits = interfaces.traits_of(self.dilemma, options, self.num_envs)
        if self._table is None or seed is not None or traits is not None:
            key = self._keys(seed)
            super().reset(seed=int(key[0]))
            born = self.seats.begin(key, traits)
            self._table = born if self._table is None else self.seats.merge(where, born, self._table)
        else:
            self._table = self.seats.renew(self._table, where)
        return self._now(), {}

    def step(self, actions: Any) -> tuple[Observation, Array, Array, Array, dict[str, Any]]:
        """One step of every world with `actions` `[N]` (lists and arrays of whole numbers).

        Raises `StateMismatch` before `reset`, `ShapeMismatch` unless there is one for each world, `ConfigError` for one
        that there is not.
        """
        if self._table is None:
            raise StateMismatch(f"{self.dilemma.name} has not begun; call reset() before step()")
        chosen = interfaces.all_legal(self.dilemma, actions, self.num_envs)
        self._table, happened = self.seats.step(self._table, chosen[:, None])
        outcome = happened.outcome
        reward = outcome.reward[:, 0].numpy().astype(np.float64)
        return self._now(), reward, outcome.terminated.numpy().copy(), outcome.truncated.numpy().copy(), {}

    def render(self) -> Any:
        """A frame for every world, or None after `human` has shown the first. Raises `StateMismatch` before `reset`."""
        if self.render_mode is None:
            logger.warn("render() draws nothing without a render mode; give render_mode to gymnasium.make_vec")
            return None
        if self._table is None:
            raise StateMismatch(f"{self.dilemma.name} has not begun; call reset() before render()")
        world, mode = self._table.life.world, self.render_mode
        if mode == "human":
            return rendering.draw(self.dilemma.picture(world), mode, self._screen)
        pictures = (self.dilemma.picture(world, number) for number in range(self.num_envs))
        return tuple(rendering.draw(picture, mode, self._screen) for picture in pictures)

    def close_extras(self, **kwargs: Any) -> None:
        """Close the window, if there is one."""
        self._screen.close()

    def _now(self) -> Observation:
        assert self._table is not None
        if self.render_mode == "human":
            self.render()
        return interfaces.all_observed(self._table.life.obs, 0, self._space)

    def _keys(self, seed: Any) -> Tensor:
        """The individuals that a seed, a list of seeds, or their absence mean: int64 `[N]`."""
        count = self.num_envs
        if seed is None:
            if self._table is not None:
                return self._table.life.key
            return torch.tensor([interfaces.seeded(None) for _ in range(count)])
        if isinstance(seed, list | tuple | np.ndarray):
            if len(seed) != count:
                raise ShapeMismatch(f"{len(seed)} seeds for {count} worlds; give one for each, or the first one")
            return torch.tensor([interfaces.seeded(one) for one in seed])
        first = interfaces.seeded(seed)
        if first + count > PERSON:
            raise ConfigError(f"the seed is {seed}; seeds of {count} worlds from it on are not all below 2**48")
        return torch.arange(first, first + count)

    def _mask(self, options: dict[str, Any] | None) -> Tensor:
        """Which worlds a reset is for, bool `[N]`."""
        given = (options or {}).get("reset_mask")
        if given is None:
            return torch.ones(self.num_envs, dtype=torch.bool)
        mask = np.asarray(given)
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
            raise ShapeMismatch(f"reset_mask is {mask.dtype}{list(mask.shape)}; give bool[{self.num_envs}]")
        if self._table is None:
            raise StateMismatch(f"{self.dilemma.name} has not begun; the first reset() is for all worlds")
        return torch.from_numpy(mask.copy())
