"""The exam of joining: a component in a small circuit is run, recorded, ablated, alone and in a batch.

    pre -> post:   50 ticks of random drive; every field of every name recorded

A neuron is the area `pre`, which can be silenced and cut off; a rule is on the projection, which can be frozen and cut;
a modulator teaches the projection and can be clamped. What an ablation touches is exactly nothing, and the individual
beside it keeps its bits.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from bisnn.circuit import Area, Circuit, Projection
from bisnn.gates import NO_GATES, Gates
from bisnn.initialisers import Uniform
from bisnn.interventions import INTACT, Ablation, Targets, compile_gates
from bisnn.modulators import Dopamine
from bisnn.neurons.base import elementwise, reaches, stochastic
from bisnn.plasticity import RSTDP
from bisnn.recording import Probe
from bisnn.testing.kinds import DTYPES, MODULATOR, NEURON, POST, PRE, RULE, Kind, N, keys, noise

TICKS = 50
LEARNED = "pre->post"
WEIGHTS = Uniform(0.1, 0.9)

Seen = dict[str, Tensor]
"""What was recorded: `target.field` to `[*B, T, ...]`."""


@cache
def _state_with(leaves: tuple[str, ...]) -> Any:
    return namedtuple("ReadableState", leaves)


@dataclass(frozen=True, kw_only=True)
class Readable:
    """A plain leaky neuron whose state offers the leaves that a rule reads: v <- v / 2 + I, the others in [0, 1]."""

    leaves: tuple[str, ...] = ()
    """Names of the leaves beside v."""

    def init(self, shape: tuple[int, ...], like: Tensor) -> Any:
        """All 0."""
        kind = _state_with(tuple(dict.fromkeys(("v", *self.leaves))))
        return kind(*(torch.zeros(shape, device=like.device, dtype=like.dtype) for _ in kind._fields))

    def step(self, state: Any, current: Tensor, dt: float) -> tuple[Tensor, Any]:
        """One tick; a spike at v >= 1 takes 1 away."""
        v = state.v * 0.5 + current
        spikes = reaches(v, 1.0)
        others = {leaf: (v * 0.5).clamp(0.0, 1.0) for leaf in state._fields if leaf != "v"}
        return spikes, state._replace(v=v - spikes, **others)


@dataclass(frozen=True)
class Joined:
    """A component in its circuit, and what drives that."""

    circuit: Circuit
    """pre -> post."""
    arms: tuple[Ablation, ...]
    """The intact circuit and the ablations that the component must bear."""
    release: tuple[str, ...] = ()
    """Modulators that are fed."""

    def run(self, key: Tensor, dtype: torch.dtype, gates: Gates = NO_GATES) -> Seen:
        """`TICKS` ticks of random drive; everything that can be recorded."""
        drive = {name: self._over_ticks(key, name, (area.n,), dtype) * 4.0 - 0.7 for name, area in self.areas.items()}
        release = {name: self._over_ticks(key, name, (), dtype) - 0.3 for name in self.release}
        names = self.circuit.names
        probes = [Probe(name, leaf) for name in names for leaf in self.circuit.fields(name)]
        state = self.circuit.init(key, dtype)
        _, recording = self.circuit.run(state, drive, release, gates, steps=TICKS, probes=probes)
        return {name: recording[name] for name in recording}

    def ablated(self, key: Tensor, dtype: torch.dtype) -> Seen:
        """The same individuals `[n]` in every arm, `[arms, n, T, ...]`, in one launch."""
        both = key.expand(len(self.arms), *key.shape)
        arm = torch.arange(len(self.arms))[:, None].expand(both.shape)
        gates = compile_gates(self.arms, arm, both, Targets.of((self.circuit,)))
        tables = ({name: gate.to(dtype) for name, gate in table.items()} for table in gates)
        return self.run(both, dtype, Gates(*tables))

    @property
    def areas(self) -> Mapping[str, Area]:
        """The areas of the circuit."""
        return self.circuit.areas

    @staticmethod
    def _over_ticks(key: Tensor, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        ticks = [noise(key, f"circuit/{name}", tick, shape, dtype) for tick in range(TICKS)]
        return torch.stack(ticks, dim=key.dim())


def joined(kind: Kind, component: Any) -> Joined:
    """The circuit in which a component of a kind is examined."""
    pre, post = Area(n=PRE, neuron=Readable()), Area(n=POST, neuron=Readable())
    arrow = Projection(source="pre", target="post", weight=WEIGHTS, bounds=(-1.0, 1.0))
    if kind is NEURON:
        circuit = Circuit(areas={"pre": Area(n=N, neuron=component), "post": post}, projections=(arrow,))
        silence, cut = Ablation(name="silence", silence=("pre",)), Ablation(name="cut", cut=(LEARNED,))
        return Joined(circuit, (INTACT, silence, cut))
    if kind is RULE:
        taught = (component.modulator,) if component.modulator else ()
        post = replace(post, neuron=Readable(leaves=tuple(getattr(component, "reads", ()))))
        circuit = Circuit(
            areas={"pre": pre, "post": post},
            projections=(replace(arrow, rule=component),),
            modulators={name: Dopamine(tau=0.0) for name in taught},
        )
        freeze, cut = Ablation(name="freeze", freeze=(LEARNED,)), Ablation(name="cut", cut=(LEARNED,))
        return Joined(circuit, (INTACT, freeze, cut), taught)
    assert kind is MODULATOR
    heard = getattr(component, "source", None)
    areas = {"pre": pre, "post": post} | ({heard: Area(n=N, neuron=Readable())} if heard else {})
    rule = RSTDP(modulator="level", rate=0.1)
    circuit = Circuit(areas=areas, projections=(replace(arrow, rule=rule),), modulators={"level": component})
    return Joined(circuit, (INTACT, Ablation(name="clamp", clamp={"level": 0.0})), ("level",))


def faults(kind: Kind, component: Any) -> list[str]:
    """What goes wrong when the component joins a circuit; empty: nothing."""
    found, plan, key = [], joined(kind, component), keys((4,))
    for dtype in DTYPES:
        seen = plan.run(key, dtype)
        found += [f"{name} is not finite in {dtype}" for name, value in seen.items() if not value.isfinite().all()]
        found += [f"{name} is {value.dtype} in {dtype}" for name, value in seen.items() if value.dtype != dtype]
        for i in range(len(key)):
            alone = plan.run(key[i], dtype)
            found += [f"{name} differs alone and in a batch, {dtype}" for name in _differ(alone, _row(seen, i))]
        arms = plan.ablated(key, dtype)
        found += [f"{name} of the intact arm differs beside an ablated one" for name in _differ(seen, _row(arms, 0))]
        found += _after_ablation(kind, plan, arms)
    return list(dict.fromkeys(found))


def sweep_faults(neuron: Any) -> list[str]:
    """What two areas of one neuron compute otherwise swept together than tick by tick; empty: nothing.

    Without learning, a run of many ticks joins areas of equal plans, unless the class says that its cells are not alike
    (`elementwise` False). Stochastic neurons are never swept.
    """
    if stochastic(neuron):
        return []
    alike, key, found = elementwise(neuron), keys((2,)), []
    sizes = {"small": 2 if alike else N, "large": N}
    circuit = Circuit(areas={name: Area(n=n, neuron=neuron) for name, n in sizes.items()})
    remedy = "; if its cells interact or differ, declare elementwise: ClassVar[bool] = False" if alike else ""
    for dtype in DTYPES:
        drive = {name: Joined._over_ticks(key, name, (n,), dtype) * 4.0 - 0.7 for name, n in sizes.items()}
        probes = [Probe(name, leaf) for name in sizes for leaf in circuit.fields(name)]
        try:
            start = now = circuit.init(key, dtype)
            ticks = []
            for tick in range(TICKS):
                given = {name: value[:, tick] for name, value in drive.items()}
                now, seen = circuit.run(now, given, steps=1, learning=False, probes=probes)
                ticks.append(seen)
            _, swept = circuit.run(start, drive, steps=TICKS, learning=False, probes=probes)
        except (RuntimeError, ValueError, IndexError) as error:
            found.append(f"areas of {sizes['small']} and {N} cells: {type(error).__name__}: {error}{remedy}")
            continue
        ticked = {name: torch.cat([seen[name] for seen in ticks], 1) for name in swept}
        both = {name: swept[name] for name in swept}
        found += [f"{name} is another swept than ticked, {dtype}{remedy}" for name in _differ(ticked, both)]
    return found


def _row(seen: Seen, index: int) -> Seen:
    return {name: value[index] for name, value in seen.items()}


def _differ(one: Seen, other: Seen) -> list[str]:
    return [name for name, value in one.items() if not torch.equal(value, other[name])]


def _after_ablation(kind: Kind, plan: Joined, arms: Seen) -> list[str]:
    """Whether every arm of a recording `[arms, n, T, ...]` is what its ablation says."""
    intact, found = _row(arms, 0), []
    for index, arm in enumerate(plan.arms[1:], start=1):
        now = _row(arms, index)
        if arm.silence:
            found += ["silenced, it still spikes"] if now["pre.spikes"].any() else []
            inner = [name for name in now if name.startswith("pre.") and name != "pre.spikes"]
            found += [f"silenced, its {n} is another" for n in inner if not torch.equal(now[n], intact[n])]
        if arm.cut and torch.equal(now["post.v"], intact["post.v"]):
            found.append("cut off, the projection still carries spikes")
        if arm.freeze or arm.clamp:
            first = now[f"{LEARNED}.weight"][:, :1]
            found += [f"{arm.name}: weights still move"] if (now[f"{LEARNED}.weight"] != first).any() else []
        if arm.clamp and now["level.level"].any():
            found.append("clamped at 0, its level is another")
    if kind is NEURON and not intact["pre.spikes"].any():
        found.append("in a circuit it never spikes")
    weights = intact.get(f"{LEARNED}.weight")
    if kind is not NEURON and weights is not None and not (weights != weights[:, :1]).any():
        found.append("in a circuit no weight ever moves")
    return found
