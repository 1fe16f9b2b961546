"""Many worlds of a dilemma for Stable-Baselines3: all of them in one batched step.

    from stable_baselines3 import PPO
    model = PPO("MultiInputPolicy", DilemmaVecEnv("rescue_v0", num_envs=64), seed=0)

Needs the extra `baselines`. Without this module, `make_vec_env("bisnn.agents.gymnasium:bisnn/Rescue-v0", n_envs=8)` of
Stable-Baselines3 works too, one world after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from bisnn.agents.base import Dilemma
from bisnn.agents.gymnasium import PARTNERS, Partners
from bisnn.agents.vector import DilemmaVectorEnv, Observation
from bisnn.errors import ConfigError, StateMismatch


class DilemmaVecEnv(VecEnv):
    """`bisnn.agents.vector.DilemmaVectorEnv` as a `VecEnv`; arguments are the same.

    An episode that ends is followed by the next one at once; its last observation is in `infos[k]`, as
    `terminal_observation`, with `TimeLimit.truncated`, and its return and length in `episode`. `seed(s)` makes the next
    `reset` begin the lives of individuals s, s + 1, ... Raises what `DilemmaVectorEnv` raises.
    """

    def __init__(
        self,
        dilemma: str | Dilemma,
        num_envs: int = 1,
        render_mode: str | None = None,
        partners: Partners = PARTNERS,
        **parameters: Any,
    ) -> None:
        self.worlds = DilemmaVectorEnv(dilemma, num_envs, render_mode, partners, **parameters)
        self._first: int | None = None
        self._actions: Any = None
        self._returns, self._lengths = np.zeros(num_envs), np.zeros(num_envs, np.int64)
        super().__init__(num_envs, self.worlds.single_observation_space, self.worlds.single_action_space)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """The individuals of the next `reset`."""
        self._first = seed
        return [None if seed is None else seed + k for k in range(self.num_envs)]

    def reset(self) -> Observation:
        """The first observations: of the individuals that `seed` named, else of the next episodes."""
        found, _ = self.worlds.reset(seed=self._first)
        self._first = None
        self._returns, self._lengths = np.zeros(self.num_envs), np.zeros(self.num_envs, np.int64)
        return found

    def step_async(self, actions: Any) -> None:
        """Keep the actions `[N]` for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[Observation, Any, Any, list[dict[str, Any]]]:
        """Take the step, and open the next episode where one has ended."""
        seen, rewards, ended, cut, _ = self.worlds.step(self._actions)
        self._returns += rewards
        self._lengths += 1
        dones = ended | cut
        infos: list[dict[str, Any]] = [{"TimeLimit.truncated": bool(cut[k])} for k in range(self.num_envs)]
        for k in np.flatnonzero(dones):
            infos[k]["terminal_observation"] = {part: value[k] for part, value in seen.items()}
            infos[k]["episode"] = {"r": float(self._returns[k]), "l": int(self._lengths[k]), "t": 0.0}
        if dones.any():
            seen, _ = self.worlds.reset(options={"reset_mask": dones})
            self._returns[dones], self._lengths[dones] = 0.0, 0
        return seen, rewards.astype(np.float32), dones, infos

    def close(self) -> None:
        """Close the window, if there is one."""
        self.worlds.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """An attribute of the worlds, the same for each."""
        return [getattr(self.worlds, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refused: worlds of one batch have one set of parameters; make another batch."""
        raise ConfigError(f"{attr_name} cannot be set: make another DilemmaVecEnv, or give traits to worlds.reset")

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Refused: the worlds are one batch, which has no methods of single worlds."""
        raise StateMismatch(f"{method_name} is of single worlds, and these are one batch; use bisnn.agents.gymnasium")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Whether each keeps the returns of its episodes as `Monitor` does; nothing else is wrapped."""
        monitored = wrapper_class.__name__ == "Monitor"
        return [monitored] * len(list(self._get_indices(indices)))

    def get_images(self) -> Sequence[Any]:
        """A frame for every world; needs `render_mode="rgb_array"`."""
        return list(self.worlds.render() or ())
