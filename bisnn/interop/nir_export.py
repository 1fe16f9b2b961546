"""Frozen circuits as NIR graphs, and back; extra `nir`.

    NIR                                              bisnn
    IF      dv/dt = r I, r = 1000 / s                IF, reset to zero
    LIF     tau dv/dt = v_leak - v + r I             LIF without refractory time, tau in s, v_leak = 0, r = 1
    Linear  [post, pre]                              the weights as used, [pre, post]
    Delay   d dt, in s, before the Linear            a projection of delay d > 0
    Input, Output                                    areas that are driven from outside, areas that are read

A graph holds equations in continuous time and starts at rest; who reads it chooses the step. `from_nir` chooses ours
(the exact integration of LIF; a spike where v > threshold for IF, v >= threshold for LIF) and gives the same spikes.
What NIR cannot say is refused, never dropped: refractory times, floors, filters, receptors, silenced or clamped areas,
other neurons. Learning is left out where the caller says `frozen=True`.

Pedersen et al. (2024) Nat. Commun. 15:8122. doi:10.1038/s41467-024-52259-9
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bisnn.circuit import Area, Circuit, CircuitState
from bisnn.errors import ConfigError, ShapeMismatch, UnknownName
from bisnn.gates import NO_GATES, Gates
from bisnn.interop.extras import need
from bisnn.neurons import IF, LIF

PER_SECOND = 1000.0
"""ms in a second."""


@dataclass(frozen=True)
class Given:
    """Initial weights that are written out."""

    rows: tuple[tuple[float, ...], ...]
    """`[pre][post]`."""

    @property
    def largest(self) -> float:
        """The largest absolute weight."""
        return max((abs(value) for row in self.rows for value in row), default=0.0)

    def weights(self, key: Tensor, name: str, pre: int, post: int) -> Tensor:
        """`[*B, pre, post]`, the same for all."""
        return torch.tensor(self.rows, device=key.device).reshape(pre, post).expand(*key.shape, pre, post)


def to_nir(
    circuit: Circuit,
    state: CircuitState,
    gates: Gates = NO_GATES,
    *,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    frozen: bool = False,
) -> Any:
    """The `nir.NIRGraph` of one individual's circuit, at rest, with the weights of `state` as used.

    `inputs`: areas that are driven (None: those that nothing reaches); `outputs`: areas to read (None: those that reach
    nothing). `frozen`: leave out rules and modulators; masks, signs and normalisation are in the weights as used, and
    nothing is left that could change them. Raises `ConfigError` for what NIR cannot say and without the extra,
    `ShapeMismatch` for more than one individual.
    """
    nir = need("nir", "nir")
    _refuse(circuit, state, gates, frozen)
    sources, targets = ({getattr(p, end) for p in circuit.projections} for end in ("source", "target"))
    driven = [name for name in circuit.areas if name not in targets] if inputs is None else list(inputs)
    read = [name for name in circuit.areas if name not in sources] if outputs is None else list(outputs)
    for areas, what in ((driven, "inputs"), (read, "outputs")):
        if not areas:
            raise ConfigError(f"every area has both ends of projections; name the areas to take as `{what}`")
    for name in (*driven, *read):
        if name not in circuit.areas:
            raise UnknownName("area", name, circuit.areas)
    nodes = {name: _neuron(nir, name, area) for name, area in circuit.areas.items()}
    edges = []
    for end, areas in (("input", driven), ("output", read)):
        for name in areas:
            label = end if len(areas) == 1 else f"{end}_{name}"
            shape = {end: np.array([circuit.areas[name].n])}
            _add(nodes, label, nir.Input(shape) if end == "input" else nir.Output(shape))
            edges.append((label, name) if end == "input" else (name, label))
    used = circuit.used_weights(state, gates)
    for p in circuit.projections:
        path, label = [p.source], f"{p.source}_to_{p.target}"
        if p.delay:
            late = np.full(circuit.areas[p.source].n, p.delay * circuit.dt / PER_SECOND)
            path.append(_add(nodes, f"{label}_delay", nir.Delay(late)))
        path.append(_add(nodes, label, nir.Linear(used[p.name].T.contiguous().cpu().numpy())))
        edges.extend(zip(path, [*path[1:], p.target], strict=True))
    return nir.NIRGraph(nodes=nodes, edges=edges, metadata={"bisnn": _said(circuit)})


def _add(nodes: dict[str, Any], label: str, node: Any) -> str:
    if label in nodes:
        raise ConfigError(f"an area is called {label!r}, as a node of the graph must be; rename the area")
    nodes[label] = node
    return label


def _said(circuit: Circuit) -> str:
    """What keeps the round trip exact: ms as written, and the order in which currents are added."""
    taus = {name: area.neuron.tau for name, area in circuit.areas.items() if isinstance(area.neuron, LIF)}
    order = [[p.source, p.target, p.delay] for p in circuit.projections]
    return json.dumps({"dt": circuit.dt, "areas": list(circuit.areas), "tau": taus, "projections": order})


def _refuse(circuit: Circuit, state: CircuitState, gates: Gates, frozen: bool) -> None:
    """Raises for what a NIR graph cannot say."""
    some = next(iter(state.spikes.values()))[0]
    if some.dim() != 1:
        raise ShapeMismatch(f"a NIR graph is one individual, the state holds {list(some.shape[:-1])}; pick one of them")
    learning = [*(p.name for p in circuit.projections if p.rule), *circuit.modulators]
    if learning and not frozen:
        raise ConfigError(
            f"NIR has no learning ({', '.join(learning)}); say frozen=True to export the weights as they are"
        )
    for part, where in (("alive", gates.alive), ("drive", gates.drive), ("keep", gates.keep)):
        for name, gate in where.items():
            if bool((gate != 1).any()):
                raise ConfigError(f"NIR cannot say that {name!r} is silenced, clamped or turned down (gate {part!r})")
    for p in circuit.projections:
        if p.filter is not None:
            raise ConfigError(f"NIR has no filter of a projection ({p.name!r}); export without it or not at all")
    receptors = {name: area.receptors for name, area in circuit.areas.items()}
    for name, given in (receptors | {p.name: p.receptors for p in circuit.projections}).items():
        if given:
            raise ConfigError(f"NIR has no receptors ({name!r}); export without them or not at all")


def _neuron(nir: Any, name: str, area: Area) -> Any:
    """The NIR node of an area. Raises `ConfigError` for a neuron that NIR has not."""
    neuron = area.neuron

    def each(value: float) -> Any:
        return np.full(area.n, value)

    if type(neuron) is IF:
        if neuron.reset != "zero" or neuron.floor is not None:
            raise ConfigError(
                f"area {name!r}: the IF of NIR resets to a potential and has no floor; this one is {neuron}"
            )
        return nir.IF(r=each(PER_SECOND), v_threshold=each(neuron.threshold), v_reset=each(0.0))
    if type(neuron) is LIF:
        if neuron.refractory != 0.0:
            raise ConfigError(f"area {name!r}: the LIF of NIR has no refractory time; this one is {neuron}")
        tau, v = each(neuron.tau / PER_SECOND), each(neuron.threshold)
        return nir.LIF(tau=tau, r=each(1.0), v_leak=each(0.0), v_threshold=v, v_reset=each(neuron.reset))
    raise ConfigError(f"area {name!r}: NIR has no {type(neuron).__name__}; it has IF and LIF")
