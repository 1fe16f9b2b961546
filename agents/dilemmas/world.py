"""What the dilemmas share: episodes that begin and end, each individual's on its own, and noise that depends on
nothing but seed and moment."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from bisnn import tree
from bisnn.agents.base import Obs, Outcome, check_traits
from bisnn.agents.clock import EPISODE
from bisnn.errors import ShapeMismatch


class WorldState(NamedTuple):
    """The world of each individual."""

    episode: Tensor  # [*B] int64, from 0
    t: Tensor  # [*B] int64 steps taken in this episode
    over: Tensor  # [*B] bool: the episode has ended, the next step resets it
    scene: Any  # what changes within an episode: a NamedTuple of tensors [*B, ...]
    traits: dict[str, Tensor]  # [*B] float32 each, for life


class Turn(NamedTuple):
    """What a step does to a scene."""

    scene: Any
    reward: Tensor  # [*B, agent] float32
    ended: Tensor  # [*B] bool: by its own rule
    info: dict[str, Tensor]  # [*B] or [*B, agent] each


def usual_traits(dilemma: Any, key: Tensor, given: Mapping[str, Tensor] | None) -> dict[str, Tensor]:
    """Every trait of every world, float32 `[*B]`: as given, or the dilemma's own field of that name."""
    chosen = check_traits(given, dilemma.traits)
    like = torch.zeros(key.shape, device=key.device)
    usual = {name: torch.full_like(like, float(getattr(dilemma, name))) for name in dilemma.traits}
    return {name: chosen.get(name, value).to(like.dtype) for name, value in usual.items()}


def check_actions(dilemma: Any, key: Tensor, actions: Tensor) -> None:
    """Raises `ShapeMismatch` unless `actions` are whole numbers `[*B, agent]`; their values are not looked at."""
    due = (*key.shape, len(dilemma.agents))
    if tuple(actions.shape) != due or actions.dtype != torch.int64:
        raise ShapeMismatch(
            f"actions of {dilemma.name} are {actions.dtype} of shape {list(actions.shape)}; give int64 {list(due)}, "
            f"one for each agent ({', '.join(dilemma.agents)})"
        )


class World:
    """`reset` and `step` of a dilemma, from its `opening`, `move` and `observe`.

    The moment of a step, `EPISODE * episode + t` (t = 0 at the opening, 1 after the first action), keys all its noise,
    so that individuals of one seed meet the same chances whatever they did. `horizon` is below `EPISODE`.
    """

    traits: ClassVar[tuple[str, ...]] = ()

    if TYPE_CHECKING:  # a dilemma has them as fields, class variables or properties of its own

        @property
        def horizon(self) -> int: ...
        @property
        def agents(self) -> tuple[str, ...]: ...

    @abstractmethod
    def opening(self, key: Tensor, moment: Tensor, traits: Mapping[str, Tensor]) -> Any:
        """The scene before the first step of an episode."""

    @abstractmethod
    def move(self, key: Tensor, moment: Tensor, scene: Any, actions: Tensor, traits: Mapping[str, Tensor]) -> Turn:
        """The scene after a step with `actions` int64 `[*B, agent]`."""

    @abstractmethod
    def observe(self, key: Tensor, moment: Tensor, scene: Any, traits: Mapping[str, Tensor]) -> Obs:
        """What the agents perceive of a scene."""

    def reset(
        self,
        key: Tensor,
        state: WorldState | None = None,
        where: Tensor | None = None,
        traits: Mapping[str, Tensor] | None = None,
    ) -> tuple[WorldState, Obs]:
        """A new episode of all individuals or of those in `where` `[*B]`; `key` int64 `[*B]`."""
        if state is None:
            zero, mine = torch.zeros_like(key), usual_traits(self, key, traits)
            state = WorldState(zero, zero, zero > 0, self.opening(key, zero, mine), mine)
        else:
            chosen = torch.ones_like(state.over) if where is None else where
            episode, t = state.episode + chosen, state.t * ~chosen
            fresh = self.opening(key, episode * EPISODE, state.traits)
            scene = tree.where(chosen, fresh, state.scene)
            state = WorldState(episode, t, state.over & ~chosen, scene, state.traits)
        return state, self.observe(key, state.episode * EPISODE + state.t, state.scene, state.traits)

    def step(self, key: Tensor, state: WorldState, actions: Tensor) -> tuple[WorldState, Obs, Outcome]:
        """One step with `actions` `[*B, agent]`; where the last one ended the episode, a new one starts instead.

        Raises `ShapeMismatch` for actions of another shape or dtype. Their values are not checked here: each is from 0
        to the number of actions - 1.
        """
        check_actions(self, key, actions)
        started = state.over
        episode, t = state.episode + started, (state.t + 1) * ~started
        moment = episode * EPISODE + t
        turn = self.move(key, moment, state.scene, actions, state.traits)
        scene, ended = turn.scene, turn.ended & ~started
        if bool(started.any()):
            scene = tree.where(started, self.opening(key, moment, state.traits), scene)
        over = (ended | (t >= self.horizon)) & ~started
        reward = turn.reward * ~started[..., None]
        info = {name: value * ~tree.expand_right(started, value) for name, value in turn.info.items()}
        after = WorldState(episode, t, over, scene, state.traits)
        return (
            after,
            self.observe(key, moment, scene, state.traits),
            Outcome(reward, ended, over & ~ended, started, info),
        )
