"""Claims of triage: affect is graded by need, the group of a victim plays no part, and what is fair here has no gap.

Grown altruists look at faces of five needs, 0.1 to 0.5, 40 looks each. Graded affect must rise with every level and be
linear in need (r2 of the means at least .98); all-or-none affect of a look above threshold must not tell 0.3 from 0.5.
In a room with two victims the actions of untrained individuals are compared with those of twins that see the marks of
the groups swapped: without bias every action is the same (exact); with bias some differ. The bounds are ours. The
references of the dilemma are played out over 4000 worlds: the fair policy's gap between groups at equal need lies
within 4 standard errors of 0, and the oracle spares what the certificate says within 4 standard errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bisnn.agents.development import Nursery
from bisnn.agents.dilemmas.rescue_several import RescueSeveral
from bisnn.agents.triage import Triage
from bisnn.experiments.claims.base import Claim

SEEDS = 6
LOOKS = 40
NEEDS = (0.1, 0.2, 0.3, 0.4, 0.5)


def grown(count: int) -> tuple[Triage, Any, Tensor]:
    """Altruists that have developed."""
    agent, key = Triage(episodes=10), torch.arange(count)
    return agent, Nursery().develop(agent, agent.init(key)), key


def graded() -> Mapping[str, float]:
    """Affect by need, and actions with and without swapped marks."""
    with torch.inference_mode():
        agent, state, key = grown(SEEDS)
        felt = []
        for number, need in enumerate(NEEDS):
            looks = []
            for step in range(LOOKS):
                face = agent.face.draw(key, 1000 * number + step, torch.full((SEEDS,), need), key >= 0)
                percept, _ = agent.empathy.observe(
                    state.empathy,
                    face,
                    state.traits["level"],
                    state.gates,
                    used=state.used,
                )
                looks.append(percept.affect)
            felt.append(torch.stack(looks).mean(0))
        mean = torch.stack(felt, -1).double().numpy()
        each = [float(np.corrcoef(NEEDS, row)[0, 1] ** 2) for row in mean]
        every = float((np.diff(mean, axis=-1) > 0).mean())
        swapped = {bias: _differing(agent, state, key, bias) for bias in (0.0, 1.0)}
    return {
        "rising_steps": every,
        "linear_r2": float(np.mean(each)),
        "weakest_affect": float(mean[:, 0].mean()),
        "strongest_affect": float(mean[:, -1].mean()),
        "different_unbiased": swapped[0.0],
        "different_biased": swapped[1.0],
    }


def _differing(agent: Triage, state: Any, key: Tensor, bias: float) -> float:
    """Share of looks after which attention or reaching differs between twins of which one sees the marks swapped."""
    dilemma, apart = RescueSeveral(), []
    traits = {**state.traits, "bias": torch.full(key.shape, bias)}
    one: Any = state._replace(traits=traits)
    two: Any = one
    world, obs = dilemma.reset(key)
    for _ in range(30):
        seen = obs.of(0)
        actions, one = agent.act(one, seen)
        other, two = agent.act(two, seen._replace(view=seen.view * torch.tensor([-1.0, -1.0, 1.0, 1.0])))
        apart.append((actions != other) | (one.attention.focus != two.attention.focus))
        world, obs, outcome = dilemma.step(key, world, actions[:, None])
        one, two = agent.learn(one, outcome.of(0)), agent.learn(two, outcome.of(0))
    return float(torch.stack(apart).double().mean())


def references() -> Mapping[str, float]:
    """What the fair policy and the oracle do in 4000 worlds."""
    dilemma, key = RescueSeveral(), torch.arange(4000)
    saved, spared = {}, {}
    for goal in ("fair", "altruistic"):
        state, _ = dilemma.reset(key)
        done, gain = torch.zeros_like(key, dtype=torch.bool), torch.zeros(len(key))
        at = state.scene
        while not bool(done.all()):
            before = state
            actions = dilemma.advise(state, goal)
            state, _, outcome = dilemma.step(key, state, actions)
            gain += dilemma.ledger(before, actions, state, outcome).help.sum((-1, -2)) * ~done
            at = at._replace(saved_at=torch.where(done[:, None], at.saved_at, state.scene.saved_at))
            done |= state.over
        saved[goal], spared[goal] = at, gain.double()
    fair = saved["fair"]
    mixed = (fair.group[:, 0] != fair.group[:, 1]) & (fair.need[:, 0] == fair.need[:, 1])
    first = torch.where(fair.group[:, 0], fair.saved_at[:, 1] > 0, fair.saved_at[:, 0] > 0)[mixed].double()
    error = float((spared["altruistic"].mean() - dilemma.payoff().benefit).abs())
    return {
        "lottery_z": float((first.mean() - 0.5) / (0.5 / len(first) ** 0.5)),
        "oracle_z": error / float(spared["altruistic"].std() / len(key) ** 0.5),
        "neediest_of_fair": float(
            (fair.saved_at.gather(-1, fair.need.argmax(-1, keepdim=True)) > 0)[fair.need[:, 0] != fair.need[:, 1]]
            .double()
            .mean()
        ),
    }


CLAIMS = (
    Claim(
        name="triage/grading",
        claim="The affect that a face evokes is graded by the need it shows, and the mark of a group plays no part in "
        "it unless a bias inhibits the mirror cells for it.",
        source="Coghill et al. (1999), doi:10.1152/jn.1999.82.4.1934; Xu et al. (2009), "
        "doi:10.1523/JNEUROSCI.2418-09.2009",
        expected={"rising_steps": 1.0, "linear_r2": 1.0, "different_unbiased": 0.0},
        tolerance={
            "rising_steps": (1.0, 1.0),
            "linear_r2": (0.98, None),
            "weakest_affect": (0.1, 0.35),
            "strongest_affect": (0.85, 1.0),
            "different_unbiased": (0.0, 0.0),
            "different_biased": (0.02, None),
        },
        measure=graded,
        seconds=30.0,
    ),
    Claim(
        name="triage/references",
        claim="The fair policy of the dilemma of several victims saves the neediest always and treats groups alike "
        "among equals; the oracle spares what the certificate says.",
        source="Broome (1990), doi:10.1093/aristotelian/91.1.87",
        expected={"lottery_z": 0.0, "oracle_z": 0.0, "neediest_of_fair": 1.0},
        tolerance={"lottery_z": (-4.0, 4.0), "oracle_z": (None, 4.0), "neediest_of_fair": (1.0, 1.0)},
        measure=references,
        seconds=3.0,
    ),
)
