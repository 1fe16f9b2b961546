"""SpikingJelly 2 beside bisnn: its neurons as areas of a circuit, its plasticity as oracle of ours.

    SpikingJelly                                     bisnn
    weight [out, in], one for all samples            weight [*B, pre, post], own to every individual
    trace <- trace (1 - 1/tau)        (STDP)         trace <- trace exp(-dt/tau)
    trace <- trace exp(-1/tau)        (MSTDPET)      the same with dt = 1
    e <- e exp(-1/tau_e) + eligibility / tau_e       E <- E exp(-dt/tau_e) + eligibility, so E = tau_e e

Timing of MSTDP and MSTDPET: reward[t] acts on eligibility up to tick t - 1, as in our rules; the first update is 0. Its
time constants count ticks, so a circuit that holds one of its neurons has dt = 1.

Fang et al. (2023) Sci. Adv. 9:eadi1480. doi:10.1126/sciadv.adi1480
"""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import torch
from spikingjelly.activation_based import base, functional
from torch import Tensor, nn

from bisnn.errors import ConfigError

_make_tuple: Callable[..., Any] = namedtuple


@lru_cache(maxsize=256)
def _state_type(names: tuple[str, ...]) -> Any:
    """The NamedTuple of a node's memories."""
    return _make_tuple("SpikingJellyState", names)


@dataclass(frozen=True)
class SpikingJellyNeuron:
    """Any SpikingJelly 2 node as a neuron model: `SpikingJellyNeuron(lambda: neuron.LIFNode(tau=2.0))`.

    The state holds the node's memories (`v` ...), each `[*B, n]`; the node itself keeps none, and learns nothing.
    Parameters that the node draws at random are drawn once, from torch's generator. Raises `ConfigError` for a
    node without memories or with one that is not a number, for one that gives more than 0 and 1, draws noise at every
    tick, or cannot step on a current of any shape, and for a tick that is not 1.
    """

    factory: Callable[[], nn.Module]
    """Makes the node, in single-step mode."""

    @cached_property
    def node(self) -> nn.Module:
        """The node; only its parameters matter."""
        node = self.factory()
        base.load_memories(node, [self._number(name, value) for name, value in base.named_memories(node)])
        if not self.names:
            raise ConfigError(f"{type(node).__name__} has no memories; a neuron model keeps at least a potential")
        if getattr(node, "step_mode", "s") != "s":
            raise ConfigError(f"{type(node).__name__} is in multi-step mode; make it with step_mode='s'")
        self._rehearse(node.requires_grad_(False).eval())
        return node

    def _rehearse(self, node: nn.Module) -> None:
        """Raises `ConfigError` for what is no neuron: spikes that are graded, drawn, or hang on the batch's shape."""
        name, runs, before = type(node).__name__, [], torch.get_rng_state()
        for shape in ((65,), (5, 13)):
            current = torch.linspace(-8.0, 8.0, 65).reshape(shape)
            memories = tuple(torch.full_like(current, value) for _, value in base.named_memories(node))
            for _ in range(8):
                try:
                    spikes, memories = self._forward(node, current, memories)
                except Exception as problem:  # whatever stops it
                    raise ConfigError(f"{name} cannot step on a current {list(shape)} ({problem!r})") from problem
                if not bool(((spikes == 0) | (spikes == 1)).all()):
                    raise ConfigError(f"{name} gives more than 0 and 1; the spikes of a neuron are 0 or 1")
                runs.append(spikes.flatten())
        if not torch.equal(before, torch.get_rng_state()):
            raise ConfigError(f"{name} draws noise from torch's generator; it would spike otherwise every time")
        if not torch.equal(torch.stack(runs[:8]), torch.stack(runs[8:])):
            raise ConfigError(f"{name} computes other spikes for another shape of the batch; units stand alone")

    @staticmethod
    def _forward(node: nn.Module, current: Tensor, memories: Any) -> tuple[Tensor, Any]:
        """One tick of the node, without gradient."""
        with torch.no_grad():
            (spikes,), after = base.to_functional_forward(node)((current,), tuple(memories))
        return spikes, after

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the node's memories; a dot becomes an underscore."""
        return tuple(name.replace(".", "_") for name, _ in base.named_memories(self.factory()))

    @staticmethod
    def _number(name: str, value: object) -> float:
        if isinstance(value, Tensor) and value.numel() == 1:
            return float(value)
        if isinstance(value, (int, float)):
            return float(value)
        raise ConfigError(f"the memory {name!r} starts as {type(value).__name__}; only numbers can be given a shape")

    def init(self, shape: tuple[int, ...], like: Tensor) -> Any:
        """The node's initial memories, each of `shape` `[*B, n]`."""
        values = [value for _, value in base.named_memories(self.node)]
        full = (torch.full(shape, value, device=like.device, dtype=like.dtype) for value in values)
        return _state_type(self.names)(*full)

    def step(self, state: Any, current: Tensor, dt: float) -> tuple[Tensor, Any]:
        """One tick: `current` `[*B, n]` to spikes `[*B, n]` and the next memories."""
        if dt != 1.0:
            raise ConfigError(f"dt is {dt}; SpikingJelly counts time in ticks, so its neurons need dt = 1")
        node = self.node.to(device=current.device)
        spikes, memories = self._forward(node, current, state)
        return spikes, type(state)(*memories)


def _individuals(weight: Tensor) -> int:
    return math.prod(weight.shape[:-2])


def _one(value: float) -> Callable[[Tensor], Tensor]:
    return lambda weight: torch.full_like(weight, value)


def stdp_oracle(
    pre: Tensor,
    post: Tensor,
    weight: Tensor,
    *,
    tau_pre: float,
    tau_post: float,
    a_plus: float = 1.0,
    a_minus: float = 1.0,
) -> Tensor:
    """Weight changes `[T, *B, pre, post]` by SpikingJelly's STDP, looped over individuals.

    Spikes `pre` `[T, *B, pre]`, `post` `[T, *B, post]`. `tau_pre` and `tau_post` are ours (ms, dt = 1); its Euler decay
    1 - 1/tau is made equal to exp(-1/tau). dw = a_plus x_i z_j - a_minus s_i y_j, traces with this tick's spikes.
    """
    euler = {"tau_pre": 1.0 / -math.expm1(-1.0 / tau_pre), "tau_post": 1.0 / -math.expm1(-1.0 / tau_post)}
    count, matrix = _individuals(weight), torch.zeros_like(weight[(0,) * (weight.dim() - 2)].T)
    s, z = pre.reshape(len(pre), count, -1), post.reshape(len(post), count, -1)
    changes = []
    for k in range(count):
        trace = (torch.zeros_like(s[0, :1]), torch.zeros_like(z[0, :1]))
        for x, y in zip(s[:, k : k + 1], z[:, k : k + 1], strict=True):
            change, trace = functional.learning.stdp_linear_step(
                x, y, trace, matrix, f_pre=_one(a_minus), f_post=_one(a_plus), **euler
            )
            changes.append(change.T)
    found: Tensor = torch.stack(changes).unflatten(0, (count, len(pre)))
    return found.transpose(0, 1).reshape(len(pre), *weight.shape)


def mstdp_oracle(
    pre: Tensor,
    post: Tensor,
    reward: Tensor,
    weight: Tensor,
    *,
    tau_pre: float,
    tau_post: float,
    a_plus: float = 1.0,
    a_minus: float = 1.0,
) -> Tensor:
    """Weight changes `[T, *B, pre, post]` by SpikingJelly's MSTDP (learning rate 1), looped over individuals.

    Spikes `pre` `[T, *B, pre]`, `post` `[T, *B, post]`, `reward` `[T, *B]`. The eligibility of a tick waits for the
    reward of the next, as in its `MSTDPLearner`.
    """
    count, matrix = _individuals(weight), torch.zeros_like(weight[(0,) * (weight.dim() - 2)].T)
    s, z, r = pre.reshape(len(pre), count, -1), post.reshape(len(post), count, -1), reward.reshape(len(reward), count)
    changes = []
    for k in range(count):
        trace, waiting = (torch.zeros_like(s[0, :1]), torch.zeros_like(z[0, :1])), matrix
        for x, y, d in zip(s[:, k : k + 1], z[:, k : k + 1], r[:, k], strict=True):
            changes.append((d * waiting).T)
            eligibility, trace = functional.learning.mstdp_linear_step(
                x, y, trace, matrix, tau_pre=tau_pre, tau_post=tau_post, f_pre=_one(a_minus), f_post=_one(a_plus)
            )
            waiting = eligibility[0]
    found: Tensor = torch.stack(changes).unflatten(0, (count, len(pre)))
    return found.transpose(0, 1).reshape(len(pre), *weight.shape)


def mstdpet_oracle(
    pre: Tensor,
    post: Tensor,
    reward: Tensor,
    weight: Tensor,
    *,
    tau_pre: float,
    tau_post: float,
    tau_e: float,
    a_plus: float = 1.0,
    a_minus: float = 1.0,
) -> Tensor:
    """Weight changes `[T, *B, pre, post]` by SpikingJelly's MSTDPET (learning rate 1), looped over individuals.

    Spikes `pre` `[T, *B, pre]`, `post` `[T, *B, post]`, `reward` `[T, *B]`. `MSTDPET` of `rate` r
    gives r of it, `RSTDP` of `rate` r gives r tau_e of it.
    """
    count, matrix = _individuals(weight), torch.zeros_like(weight[(0,) * (weight.dim() - 2)].T)
    s, z, r = pre.reshape(len(pre), count, -1), post.reshape(len(post), count, -1), reward.reshape(len(reward), count)
    changes = []
    for k in range(count):
        trace, held, waiting = (torch.zeros_like(s[0, k]), torch.zeros_like(z[0, k])), matrix, matrix
        for x, y, d in zip(s[:, k], z[:, k], r[:, k], strict=True):
            change, held = functional.learning.mstdpet_reward_step(d, waiting, held, tau_trace=tau_e)
            waiting, trace = functional.learning.mstdpet_linear_step(
                x, y, trace, matrix, tau_pre=tau_pre, tau_post=tau_post, f_pre=_one(a_minus), f_post=_one(a_plus)
            )
            changes.append(change.T)
    found: Tensor = torch.stack(changes).unflatten(0, (count, len(pre)))
    return found.transpose(0, 1).reshape(len(pre), *weight.shape)
