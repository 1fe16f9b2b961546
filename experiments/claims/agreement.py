"""Agreement with independent implementations: Brian2 (golden arrays in tests/truth) and SpikingJelly, individual by
individual.

The arrays say how they were made, and by which versions. What maps to what for the neurons: both find a spike at
the end of the tick in which the potential reaches the threshold, and reset in that tick; Brian2 counts `refractory`
from the tick of the spike on, so it has R + dt where ours is R ("deaf for R after it"); Brian2's method "euler" is
`u_sees="old"`, the order of the author's script, written as two statements, is `u_sees="new"`. The sums of Izhikevich's
equations are taken in one order by both: rounding grows exponentially in half of his classes.

Stimberg, Brette, Goodman (2019) eLife 8:e47314, doi:10.7554/eLife.47314;
Fang et al. (2023) Sci. Adv. 9:eadi1480, doi:10.1126/sciadv.adi1480
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import bisnn
from bisnn import rng
from bisnn.errors import ConfigError
from bisnn.experiments.claims.base import Claim
from bisnn.interop.spikingjelly import mstdp_oracle, mstdpet_oracle, stdp_oracle
from bisnn.modulators import Dopamine
from bisnn.neurons import LIF, PRESETS, Izhikevich
from bisnn.plasticity import MSTDP, MSTDPET, RSTDP, PairSTDP, TripletSTDP
from bisnn.plasticity.triplet_stdp import Pairing

Array = NDArray[Any]
BRIAN2 = "Stimberg, Brette, Goodman (2019), Brian2 2.9, doi:10.7554/eLife.47314"
SPIKINGJELLY = "Fang et al. (2023), SpikingJelly 2, doi:10.1126/sciadv.adi1480"


class Compared(NamedTuple):
    """One model beside Brian2's, on the same currents."""

    name: str
    spikes: Array  # bool [steps, units], ours
    theirs: Array  # bool [steps, units]
    deviation: float  # largest difference of a state variable


def truth(folder: str, name: str) -> dict[str, Array]:
    """The golden arrays of one file. Raises `ConfigError` where the checkout is not at hand."""
    path = truth_folder(folder) / f"{name}.npz"
    with np.load(path) as found:
        return dict(found)


def truth_folder(folder: str) -> Path:
    """Where golden arrays lie. Raises `ConfigError` where the checkout is not at hand."""
    path = Path(bisnn.__file__).resolve().parent.parent / "tests" / "truth" / folder
    if not path.is_dir():
        raise ConfigError(f"there are no golden arrays at {path}; run it from a checkout: pip install -e .")
    return path


def recipe() -> ModuleType:
    """Currents and parameters of the comparisons of neurons with Brian2."""
    spec = importlib.util.spec_from_file_location("neurons_recipe", truth_folder("neurons") / "recipe.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _spikes_and_states(neuron: Any, currents: Tensor, dt: float, every: int) -> tuple[Array, dict[str, Array]]:
    """Spikes `[steps, units]`, and the state of every so many ticks."""
    state = neuron.init(currents.shape[1:], currents.new_zeros(()))
    spikes, seen = [], []
    for tick, current in enumerate(currents):
        out, state = neuron.step(state, current, dt)
        spikes.append(out)
        if tick % every == 0:
            seen.append(state)
    states = {name: torch.stack([getattr(one, name) for one in seen]).numpy() for name in state._fields}
    return torch.stack(spikes).bool().numpy(), states


def lif_beside_brian2() -> Iterator[Compared]:
    """Every LIF of the recipe on constant and noisy currents over 2000 ticks, float64."""
    made, golden = recipe(), truth("neurons", "lif")
    currents = torch.from_numpy(made.lif_currents())
    for number, given in enumerate(made.LIF):
        spikes, seen = _spikes_and_states(LIF(**given), currents, made.LIF_DT, made.EVERY)
        theirs = np.unpackbits(golden["spikes"][number], axis=-1, count=currents.shape[1]).astype(bool)
        yield Compared(f"LIF {number}", spikes, theirs, float(np.abs(seen["v"] - golden["v"][number]).max()))


def izhikevich_beside_brian2() -> Iterator[Compared]:
    """Every Izhikevich cell of the recipe in both orders of updates, on constant and noisy currents, float64."""
    made, golden = recipe(), truth("neurons", "izhikevich")
    currents = torch.from_numpy(made.izhikevich_currents())
    per, half = len(made.FACTORS), currents.shape[1] // 2
    for scheme in ("old", "new"):
        every = np.unpackbits(golden[f"spikes_{scheme}"], axis=-1, count=currents.shape[1]).astype(bool)
        for number, name in enumerate(made.IZHIKEVICH):
            units = np.r_[number * per : (number + 1) * per, half + number * per : half + (number + 1) * per]
            neuron = Izhikevich(**{**vars(PRESETS[name].neuron), "u_sees": scheme})
            spikes, seen = _spikes_and_states(neuron, currents[:, units], made.IZHIKEVICH_DT, made.EVERY)
            apart = max(float(np.abs(seen[x] - golden[f"{x}_{scheme}"][:, units]).max()) for x in ("v", "u"))
            yield Compared(f"{name}, {scheme}", spikes, every[:, units], apart)


def neurons_brian2() -> Mapping[str, float]:
    """Spikes that differ, of all, over 2000 ticks in float64, and the largest difference of a potential."""
    lif, izhikevich = list(lif_beside_brian2()), list(izhikevich_beside_brian2())
    return {
        "lif_spikes_that_differ": float(sum((one.spikes != one.theirs).sum() for one in lif)),
        "izhikevich_spikes_that_differ": float(sum((one.spikes != one.theirs).sum() for one in izhikevich)),
        "lif_largest_deviation": max(one.deviation for one in lif),
        "izhikevich_largest_deviation": max(one.deviation for one in izhikevich),
        "spikes": float(sum(one.theirs.sum() for one in (*lif, *izhikevich))),
    }


# ------------------------------------------------------------ rules


def on_trains(
    rule: Any, golden: Mapping[str, Array], dtype: torch.dtype, levels: Tensor | None = None, dt: float = 1.0
) -> tuple[Array, Array]:
    """Weights and eligibility `[len(steps), pre, post]` of a rule on the trains of a file."""
    pre, post = (torch.from_numpy(golden[end]).to(dtype) for end in ("pre", "post"))
    weight = torch.zeros(pre.shape[1], post.shape[1], dtype=dtype)
    trace, weights, tags = rule.init(weight), [], []
    for tick in range(len(pre)):
        level = None if levels is None else levels[tick]
        change, trace = rule.step(trace, weight, pre[tick], post[tick], level, dt)
        weight = weight + change
        weights.append(weight)
        tags.append(getattr(trace, "eligibility", weight))
    kept = torch.from_numpy(golden["steps"])
    return torch.stack(weights)[kept].double().numpy(), torch.stack(tags)[kept].double().numpy()


def dopamine_levels(release: Array, tau: float, dtype: torch.dtype) -> Tensor:
    """Dopamine of every tick."""
    modulator, like, levels = Dopamine(tau=tau), torch.zeros((), dtype=dtype), []
    state = modulator.init(like)
    for each in torch.from_numpy(release).to(dtype):
        level, state = modulator.step(state, each, 1.0)
        levels.append(level)
    return torch.stack(levels)


def rules_beside_brian2(dtype: torch.dtype) -> Iterator[tuple[str, Array, Array]]:
    """Name, ours and theirs: weights and eligibility of every rule that Brian2 ran."""
    given: dict[str, Any] = {"tau_pre": 17.0, "tau_post": 34.0, "tau_e": 40.0, "a_plus": 0.9, "a_minus": 0.6}
    for name, rule in {"rstdp": RSTDP(rate=0.005, **given), "mstdpet": MSTDPET(rate=0.15, **given)}.items():
        golden = truth("plasticity", name)
        for kind, tau in (("white", 0.0), ("pulses", 200.0)):
            levels = dopamine_levels(golden[f"{kind}_release"], tau, dtype)
            weights, tags = on_trains(rule, golden, dtype, levels)
            yield f"{name} {kind} weight", weights, golden[f"{kind}_w"]
            yield f"{name} {kind} eligibility", tags, golden[f"{kind}_tag"]
    golden = truth("plasticity", "izhikevich")  # Brian2's s is per second
    traces: dict[str, Any] = {"tau_pre": 20.0, "tau_post": 20.0, "tau_e": 1000.0, "tau_modulator": 200.0}
    rule = RSTDP(rate=1e-3, a_plus=0.1, a_minus=0.15, **traces)
    weights, tags = on_trains(rule, golden, dtype, dopamine_levels(golden["release"], 200.0, dtype))
    yield "izhikevich weight", weights, golden["s"]
    yield "izhikevich eligibility", tags, golden["c"]
    golden = truth("plasticity", "pair")
    for pairing in get_args(Pairing):
        pairs = PairSTDP(rate=0.01, tau_pre=17.0, tau_post=34.0, a_plus=1.0, a_minus=0.7, pairing=pairing)
        yield f"pair {pairing} weight", on_trains(pairs, golden, dtype)[0], golden[f"{pairing}_w"]
    golden = truth("plasticity", "triplet")
    for fit, preset in (("cortex", TripletSTDP.visual_cortex), ("hippocampus", TripletSTDP.hippocampus)):
        for pairing in get_args(Pairing):
            triplets = preset("full", pairing, rate=0.2)
            yield (
                f"triplet {fit} {pairing} weight",
                on_trains(triplets, golden, dtype, dt=0.5)[0],
                golden[f"{fit}_{pairing}_w"],
            )


def rules_brian2() -> Mapping[str, float]:
    """Largest difference of a weight or an eligibility of 12 synapses over 1500 to 3000 ticks, in both dtypes."""
    found = {}
    for word, dtype in (("float64", torch.float64), ("float32", torch.float32)):
        compared = list(rules_beside_brian2(dtype))
        found[word] = max(float(np.abs(ours - theirs).max()) for _, ours, theirs in compared)
    return {**found, "largest_weight": max(float(np.abs(w).max()) for name, _, w in compared if "weight" in name)}


# ------------------------------------------------------------ SpikingJelly


def rules_spikingjelly() -> Mapping[str, float]:
    """Largest difference of a weight change of six individuals over 80 ticks, SpikingJelly looped over individuals."""
    key, ticks, shape = torch.arange(6), 80, (5, 4)
    draws = [rng.uniforms(key, tick, {"pre": shape[0], "post": shape[1], "level": 1}) for tick in range(ticks)]
    pre, post = (torch.stack([draw[end] < 0.3 for draw in draws]).double() for end in ("pre", "post"))
    level = torch.stack([draw["level"][..., 0] for draw in draws]).double() - 0.5
    weight = rng.uniform(key, "weight", 0, 20).reshape(6, *shape).double()
    traces: dict[str, Any] = {"tau_pre": 20.0, "tau_post": 15.0}
    worth: dict[str, Any] = {"a_plus": 0.8, "a_minus": 0.6}

    moved = [0.0]

    def apart(rule: Any, oracle: Tensor, scale: float) -> float:
        trace, largest = rule.init(weight), 0.0
        moved.append(float(oracle.abs().max()) * scale)
        for tick in range(ticks):
            change, trace = rule.step(trace, weight, pre[tick], post[tick], level[tick], 1.0)
            largest = max(largest, float((change - oracle[tick] * scale).abs().max()))
        return largest

    tagged = mstdpet_oracle(pre, post, level, weight, tau_e=30.0, **traces, **worth)
    plain, rewarded = (
        stdp_oracle(pre, post, weight, **traces, **worth),
        mstdp_oracle(pre, post, level, weight, **traces, **worth),
    )
    found = {
        "rstdp": apart(RSTDP(rate=0.05, tau_e=30.0, **traces, **worth), tagged, 0.05 * 30.0),
        "mstdpet": apart(MSTDPET(rate=0.5, tau_e=30.0, **traces, **worth), tagged, 0.5),
        "mstdp": apart(MSTDP(rate=0.05, **traces, **worth), rewarded, 0.05),
        "pair_stdp": apart(PairSTDP(rate=0.05, **traces, **worth), plain, 0.05),
    }
    return {**found, "smallest_of_largest_changes": min(moved[1:])}


CLAIMS = (
    Claim(
        name="neurons/brian2",
        claim="LIF and Izhikevich agree with Brian2 spike for spike over 2000 ticks, constant and noisy currents.",
        source=BRIAN2,
        expected={"lif_spikes_that_differ": 0.0, "izhikevich_spikes_that_differ": 0.0},
        tolerance={
            "lif_spikes_that_differ": (0.0, 0.0),
            "izhikevich_spikes_that_differ": (0.0, 0.0),
            "lif_largest_deviation": (None, 1e-9),
            "izhikevich_largest_deviation": (None, 1e-9),
            "spikes": (10_000.0, None),
        },
        measure=neurons_brian2,
        seconds=6.0,
    ),
    Claim(
        name="plasticity/brian2",
        claim="R-STDP, MSTDPET, Izhikevich 2007, pair and triplet STDP agree with Brian2 within 1e-5.",
        source=BRIAN2,
        expected={"float64": 0.0, "float32": 0.0},
        tolerance={"float64": (None, 1e-5), "float32": (None, 1e-5), "largest_weight": (0.3, None)},
        measure=rules_brian2,
        seconds=10.0,
    ),
    Claim(
        name="plasticity/spikingjelly",
        claim="R-STDP, MSTDPET, MSTDP and pair STDP agree with SpikingJelly's functional steps within 1e-6.",
        source=SPIKINGJELLY,
        expected=dict.fromkeys(("rstdp", "mstdpet", "mstdp", "pair_stdp"), 0.0),
        tolerance={
            **dict.fromkeys(("rstdp", "mstdpet", "mstdp", "pair_stdp"), (0.0, 1e-6)),
            "smallest_of_largest_changes": (1e-3, None),
        },
        measure=rules_spikingjelly,
        seconds=3.0,
    ),
)
