"""Claims M1 to M5, D1 and D2: mirror and anti-mirror neurons grow from own pain; dopamine follows another's relief.

    w_perception->ifg after an exposure of k paired ticks = sum over j <= k of (1 - 0.99^j), clipped at 4;
    relief of a distress of -f that lasted n steps = f (1 - 0.8^n)

Feng, Zeng, Lu (2022) doi:10.3389/fncom.2022.784967 and its released network; Zhao et al. (2025)
doi:10.1109/taffc.2025.3627936; Schultz, Dayan, Montague (1997) doi:10.1126/science.275.5306.1593.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bisnn.agents.altruist import Altruist
from bisnn.agents.development import Nursery
from bisnn.agents.expression import Expression
from bisnn.circuit import CircuitState
from bisnn.experiments.claims.base import Claim, Interval
from bisnn.experiments.claims.body import AFFECT, share
from bisnn.gates import NO_GATES, Gates
from bisnn.interventions import Ablation, Targets, compile_gates
from bisnn.modulators import RewardPredictionError
from bisnn.recording import Probe
from bisnn.systems.empathy import Empathy, census
from bisnn.systems.empathy_presets import bae_snn

EMPATHY = "Zhao et al. (2025) IEEE Trans. Affect. Comput., doi:10.1109/taffc.2025.3627936"
SCHULTZ = "Schultz, Dayan, Montague (1997) Science 275:1593, doi:10.1126/science.275.5306.1593"
KEY = torch.arange(3)
TINY = 1e-6
"""What must at least remain of a value that has a sign."""


def pattern(network: Empathy, feeling: str, area: str) -> Tensor:
    """The cells of an area that stand for `pain` or `neutral`, `[3, n]`."""
    first, last = getattr(network, feeling)[area]
    cells = torch.zeros(len(KEY), network.circuit.areas[area].n)
    cells[:, first:last] = 1.0
    return cells


def expose(network: Empathy, state: CircuitState, feeling: str) -> CircuitState:
    """One step of own pain or of its absence, with the own face in sight."""
    own, face = (pattern(network, feeling, area) for area in ("emotion", "perception"))
    return network.experience(state, own, face)[0]


def spikes(
    network: Empathy, state: CircuitState, feeling: str, own: bool = False, gates: Gates = NO_GATES
) -> dict[str, Tensor]:
    """Spikes of every cell in one observation of 20 ticks, `[3, n]` by area; with `own`, of the own feeling."""
    probes = tuple(Probe(area) for area in ("ifg", "sma", "m1"))
    mine = pattern(network, feeling, "emotion") if own else None
    face = pattern(network, feeling, "perception")
    _, seen = network.observe(state, face, gates=gates, probes=probes, own=mine)
    return {area: seen[f"{area}.spikes"].sum(1) for area in ("ifg", "sma", "m1")}


def raised(network: Empathy) -> CircuitState:
    """A network that has felt pain and its absence."""
    return expose(network, expose(network, network.init(KEY), "pain"), "neutral")


def mirror() -> Mapping[str, float]:
    """M1: mirror cells appear with the first pain, and the weights grow as in the reference network."""
    network = bae_snn()
    state = network.init(KEY)
    before = max(float(part.max()) for part in spikes(network, state, "pain").values())
    weights = {}
    for number in (1, 2, 3):
        state = expose(network, state, "pain")
        weight = state.weights["perception->ifg"]
        weights[f"weight_{number}"] = float(weight[:, :20, :30].mean())
        weights[f"spread_{number}"] = float(weight[:, :20, :30].max() - weight[:, :20, :30].min())
    ifg = spikes(network, expose(network, network.init(KEY), "pain"), "pain")["ifg"]
    return {
        "before": before,
        "matching_least": float(ifg[:, :30].min()),
        "matching_most": float(ifg[:, :30].max()),
        "other_most": float(ifg[:, 30:].max()),
        **weights,
    }


def anti_mirror() -> Mapping[str, float]:
    """M2: own feelings are expressed at every tick, seen ones at none; both are told apart by SMA, M1 and IFG."""
    network = bae_snn()
    state = raised(network)
    own_least, seen_most, right = 20.0, 0.0, []
    for feeling in ("pain", "neutral"):
        for own in (True, False):
            found = spikes(network, state, feeling, own=own)
            for area in ("sma", "m1"):
                cells = found[area][:, slice(*getattr(network, feeling)[area])]
                own_least = min(own_least, float(cells.min())) if own else own_least
                seen_most = seen_most if own else max(seen_most, float(found[area].max()))
            by_group = [found["ifg"][:, slice(*getattr(network, one)["ifg"])].sum(-1) for one in ("pain", "neutral")]
            said_own, said_pain = found["m1"].sum(-1) > 0, by_group[0] > by_group[1]
            right.append((said_own == own) & (said_pain == (feeling == "pain")))
    return {"own_least": own_least, "seen_most": seen_most, "accuracy": share(torch.stack(right))}


def experience() -> Mapping[str, float]:
    """M3: who was never hurt mirrors nothing; who was hurt once, everything."""
    network = bae_snn()
    calm = network.init(KEY)
    for _ in range(5):
        calm = expose(network, calm, "neutral")
    hurt = expose(network, calm, "pain")
    return {
        "never_hurt": share(spikes(network, calm, "pain")["ifg"] > 0),
        "hurt_once": share(spikes(network, hurt, "pain")["ifg"][:, :20] > 0),
    }


def cut() -> Mapping[str, float]:
    """M4: IFG spikes at seen pain, intact and with perception->ifg cut."""
    network = bae_snn()
    ablation = (Ablation(name="no_mirror", cut=("perception->ifg",)),)
    gates = compile_gates(ablation, torch.zeros_like(KEY), KEY, Targets.of((network.circuit,)))
    state = raised(network)
    intact, without = (spikes(network, state, "pain", gates=one)["ifg"] for one in (NO_GATES, gates))
    return {"intact": float(intact.sum(-1).min()), "cut": float(without.sum(-1).max())}


def cells() -> Mapping[str, float]:
    """M5: the automatic census of the reference network."""
    network = bae_snn()
    found = census(network, raised(network))
    return {name: float(value[0]) for name, value in found._asdict().items()}


# ------------------------------------------------------------ dopamine


def prediction_response() -> Mapping[str, float]:
    """D1: the error of a step, and of shared distress -f that ends after n steps, against f (1 - 0.8^n)."""
    rpe = RewardPredictionError(beta=0.2)

    def response(signal: list[float]) -> list[float]:
        state, levels = rpe.init(torch.zeros((), dtype=torch.float64)), []
        for value in signal:
            level, state = rpe.step(state, torch.tensor(value, dtype=torch.float64), 1.0)
            levels.append(float(level))
        return levels

    step = max(abs(level - 0.8**n) for n, level in enumerate(response([1.0] * 12)))
    off, onset, relief = [], [], []
    for f in (0.15, 0.5, 1.0):
        for n in (1, 4, 6, 40):
            levels = response([-f] * n + [0.0])
            off.append(abs(levels[n] - f * (1 - 0.8**n)))
            onset.append(levels[0])
            relief.append(levels[n])
    return {"step_error": step, "relief_error": max(off), "onset_most": max(onset), "relief_least": min(relief)}


def r_squared(x: Tensor, y: Tensor) -> float:
    """The squared correlation of two series."""
    return float(torch.corrcoef(torch.stack((x, y)))[0, 1] ** 2)


def dopamine_by_level() -> Mapping[str, float]:
    """D2: dopamine at the onset and at the end of another's pain, over eleven levels, in a developed network."""
    agent, key = Altruist(), torch.arange(6)
    with torch.inference_mode():
        grown = Nursery().develop(agent, agent.init(key))
        visible = torch.ones(6, dtype=torch.bool)
        faces = [Expression().draw(key, 900_000, torch.full((6,), value), visible) for value in (1.0, 0.0)]
        levels, rpe = torch.linspace(0, 1, 11), RewardPredictionError(beta=0.2)
        hurt, calm = (
            torch.stack([
                agent.empathy.observe(
                    grown.empathy, face, torch.full((6,), float(level)), grown.gates, used=grown.used
                )[0].dopamine
                for level in levels
            ])
            for face in faces
        )  # fmt: skip
    state, onset = rpe.init(hurt), hurt
    for _ in range(6):
        _, state = rpe.step(state, hurt, 1.0)
    relief, _ = rpe.step(state, calm, 1.0)
    fits = [r_squared(levels, series[:, k]) for series in (onset, relief) for k in range(6)]
    return {"r_squared": min(fits), "onset_most": float(onset[2:].max()), "relief_least": float(relief[2:].min())}


def exactly(expected: Mapping[str, float], within: float = 0.0) -> dict[str, Interval]:
    """Intervals around the expected values."""
    return {name: (value - within, value + within) for name, value in expected.items()}


MIRROR = {"before": 0.0, "matching_least": 20.0, "matching_most": 20.0, "other_most": 0.0}
WEIGHTS = {"weight_1": 1.617, "weight_2": 3.234, "weight_3": 4.0}
SPREADS = {f"spread_{number}": 0.0 for number in (1, 2, 3)}
OWN = {"own_least": 20.0, "seen_most": 0.0, "accuracy": 1.0}
CENSUS = {"mirror_pain": 20.0, "mirror_neutral": 20.0, "non_selective": 10.0}
CENSUS |= {"anti_mirror_sma": 10.0, "anti_mirror_m1": 10.0}

CLAIMS = (
    Claim(
        name="empathy/M1",
        claim="Mirror neurons emerge with the first own pain: matching cells fire 20 of 20 ticks, the others never.",
        source=AFFECT,
        expected=MIRROR | WEIGHTS | SPREADS,
        tolerance=exactly(MIRROR) | exactly(WEIGHTS | SPREADS, 1e-3),
        measure=mirror,
    ),
    Claim(
        name="empathy/M2",
        claim="Own pain is expressed at every tick, seen pain at none; self and other are always told apart.",
        source=AFFECT,
        expected=OWN,
        tolerance=exactly(OWN),
        measure=anti_mirror,
    ),
    Claim(
        name="empathy/M3",
        claim="Own experience is necessary: who was never hurt mirrors nothing, who was hurt once everything.",
        source=AFFECT,
        expected={"never_hurt": 0.0, "hurt_once": 1.0},
        tolerance=exactly({"never_hurt": 0.0, "hurt_once": 1.0}),
        measure=experience,
    ),
    Claim(
        name="empathy/M4",
        claim="With perception->IFG cut, no cell mirrors seen pain.",
        source=AFFECT,
        expected={"intact": 600.0, "cut": 0.0},
        tolerance=exactly({"intact": 600.0, "cut": 0.0}),
        measure=cut,
    ),
    Claim(
        name="empathy/M5",
        claim="The census of cells finds 20 mirror cells of pain, 20 of its absence, 10 of both, 10 + 10 anti-mirror.",
        source=AFFECT,
        expected=CENSUS,
        tolerance=exactly(CENSUS),
        measure=cells,
    ),
    Claim(
        name="dopamine/D1",
        claim="Dopamine is the error of a leaky prediction: 1, .8, .64 ... after a step, f (1 - .8^n) at relief.",
        source=f"{SCHULTZ}; {EMPATHY}",
        expected={"step_error": 0.0, "relief_error": 0.0},
        tolerance={
            "step_error": (None, 1e-6),
            "relief_error": (None, 1e-6),
            "onset_most": (None, -TINY),
            "relief_least": (TINY, None),
        },
        measure=prediction_response,
    ),
    Claim(
        name="dopamine/D2",
        claim="Dopamine at relief is linear in the empathy level; shared distress punishes, its relief rewards.",
        source=EMPATHY,
        expected={"r_squared": 1.0},
        tolerance={"r_squared": (0.99, None), "onset_most": (None, -TINY), "relief_least": (TINY, None)},
        measure=dopamine_by_level,
        seconds=15.0,
    ),
)
