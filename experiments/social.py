"""Social measures: what agents do to one another, from ledgers, rows or any arrays.

    h[i, j]  what agent i brought party j      c[i]  what i gave up for it      w[j]  welfare of party j

Each function takes arrays whose leading dims `...` are free (arms, seeds, episodes) and returns float64; NaN where a
measure is undefined (nothing to divide by). The first parties are the agents, in their order. Units: `h` in the unit
of the dilemma's benefit, `c` and an agent's `w` in reward.

Perolat et al. (2017) A multi-agent reinforcement learning model of common-pool resource appropriation
arXiv:1707.06600; Trivers (1971) doi:10.1086/406755; Axelrod, Hamilton (1981) doi:10.1126/science.7466396; Dorfman
(1979) A formula for the Gini coefficient doi:10.2307/1924845; Gorelick et al. (2004) doi:10.1086/424968.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bisnn.errors import ConfigError, ShapeMismatch, UnknownName

Floats = NDArray[np.float64]


def _floats(values: ArrayLike, least: int = 1) -> Floats:
    """`values` as float64. Raises `ShapeMismatch` where there are fewer than `least` dims."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim < least:
        raise ShapeMismatch(f"an array of shape {array.shape} has fewer than {least} dims; see the docstring")
    return array


def _ratio(total: ArrayLike, count: ArrayLike) -> Floats:
    """total / count; NaN where the count is 0."""
    above, below = np.broadcast_arrays(_floats(total, 0), _floats(count, 0))
    return np.asarray(np.divide(above, below, out=np.full(below.shape, np.nan), where=below != 0))


def by_agent(rows: Mapping[str, Any], name: str) -> Floats:
    """Columns `name_0`, `name_1` ... of the rows of a run as `[rows, agent]`. Raises `UnknownName`."""
    columns: list[Floats] = []
    while f"{name}_{len(columns)}" in rows:
        columns.append(_floats(rows[f"{name}_{len(columns)}"]))
    if not columns:
        raise UnknownName("column of every agent", name, {key.rpartition("_")[0] for key in rows if key[-1].isdigit()})
    return np.stack(columns, axis=-1)


# ------------------------------------------------------------ helping


def given(helped: ArrayLike) -> Floats:
    """What each agent brought all others: sum over j != i of h[i, j]; `[..., agent, party]` to `[..., agent]`."""
    matrix = _matrix(helped)
    return np.asarray(np.where(_others(matrix), matrix, 0.0).sum(-1))


def received(helped: ArrayLike) -> Floats:
    """What each party was brought by others: sum over i != j of h[i, j]; `[..., agent, party]` to `[..., party]`."""
    matrix = _matrix(helped)
    return np.asarray(np.where(_others(matrix), matrix, 0.0).sum(-2))


def _matrix(helped: ArrayLike) -> Floats:
    matrix = _floats(helped, 2)
    if matrix.shape[-1] < matrix.shape[-2]:
        raise ShapeMismatch(f"help of shape {matrix.shape}; give [..., agent, party], the agents being parties as well")
    return matrix


def _others(matrix: Floats) -> NDArray[np.bool_]:
    """Which entries of `[..., agent, party]` are between different ones."""
    return np.asarray(np.eye(*matrix.shape[-2:]) == 0.0)


def help_rate(need: ArrayLike, brought: ArrayLike) -> Floats:
    """Help rate given need: share of the episodes with need in which the agent did others good,

        #(need > 0 and brought > 0) / #(need > 0)        in [0, 1], no unit

    `need` and `brought` (as `given` has it) `[..., episodes]` to `[...]`.
    """
    asked, good = np.broadcast_arrays(_floats(need) > 0, _floats(brought) > 0)
    return _ratio((asked & good).sum(-1), asked.sum(-1))


def help_given(need: ArrayLike, brought: ArrayLike) -> Floats:
    """Benefit to others per episode with need, sum of h / #(need > 0), in the unit of benefit, below 0 for harm.

    `[..., episodes]` to `[...]`.
    """
    asked, good = np.broadcast_arrays(_floats(need) > 0, _floats(brought))
    return _ratio(np.where(asked, good, 0.0).sum(-1), asked.sum(-1))


def cost_paid(need: ArrayLike, cost: ArrayLike) -> Floats:
    """Cost of helping per episode with need, sum of c / #(need > 0), in reward, 0 or more; `[..., episodes]` to
    `[...]`."""
    asked, paid = np.broadcast_arrays(_floats(need) > 0, _floats(cost))
    return _ratio(np.where(asked, paid, 0.0).sum(-1), asked.sum(-1))


def price_of_help(cost: ArrayLike, brought: ArrayLike) -> Floats:
    """What one unit of benefit costs who brings it, sum of c / sum of max(h, 0): the c / b of Hamilton's rule.

    `[..., episodes]` to `[...]`, in reward per unit of benefit, 0 or more. Hamilton (1964)
    doi:10.1016/0022-5193(64)90038-4.
    """
    return _ratio(_floats(cost).sum(-1), np.maximum(_floats(brought), 0.0).sum(-1))


def beneficiaries(helped: ArrayLike) -> Floats:
    """Who benefits: each party's share of the good that an agent does others,

        max(h[i, j], 0) / sum over k != i of max(h[i, k], 0)        in [0, 1], rows sum to 1; 0 for oneself

    `[..., agent, party]` (summed over what is to be judged) to the same shape.
    """
    matrix = _matrix(helped)
    good = np.where(_others(matrix), np.maximum(matrix, 0.0), 0.0)
    return _ratio(good, good.sum(-1, keepdims=True))


# ------------------------------------------------------------ welfare


def welfare_sum(welfare: ArrayLike) -> Floats:
    """Utilitarian welfare, sum of w[j]; `[..., party]` to `[...]`, in the unit of welfare."""
    return np.asarray(_floats(welfare).sum(-1))


def welfare_worst(welfare: ArrayLike) -> Floats:
    """Welfare of the worst off, min of w[j]; `[..., party]` to `[...]`. Rawls (1971) A theory of justice."""
    return np.asarray(_floats(welfare).min(-1))


def efficiency(welfare: ArrayLike, steps: ArrayLike) -> Floats:
    """Sum of w[j] per step; `[..., party]` and `[...]` to `[...]`, in reward per step: U of Perolat et al. (2017)."""
    return _ratio(welfare_sum(welfare), steps)


def gini(welfare: ArrayLike) -> Floats:
    """Gini coefficient, the mean difference of two parties beside the most that it can be,

        sum over i, j of |w[i] - w[j]| / (2 n sum of w)             0 ... 1 - 1/n (`gini_bounds`), no unit

    `[..., party]` to `[...]`, of what is 0 or more; NaN where anything is below 0 (see `gini_signed`) or all is 0.
    """
    values = _floats(welfare)
    total = np.where((values < 0).any(-1), 0.0, values.sum(-1))
    return _ratio(_differences(values), 2 * values.shape[-1] * total)


def gini_bounds(parties: int) -> tuple[float, float]:
    """Least and greatest `gini` of so many parties: all alike, and one has everything: (0, 1 - 1/n)."""
    if parties < 1:
        raise ConfigError(f"{parties} parties; inequality is between one or more")
    return 0.0, 1.0 - 1.0 / parties


def gini_signed(welfare: ArrayLike) -> Floats:
    """Inequality of what may be below 0: the Gini coefficient with the norm that keeps it in [0, 1],

        sum over i, j of |w[i] - w[j]| / (2 (n - 1) sum of |w|)     0 all alike, 1 one gains what another loses

    `[..., party]` to `[...]`; where nothing is below 0 it is n / (n - 1) `gini`. Raffinetti, Siletti, Vernizzi (2015)
    Stat. Methods Appl. 24, 507-521.
    """
    values = _floats(welfare)
    return _ratio(_differences(values), 2 * (values.shape[-1] - 1) * np.abs(values).sum(-1))


def equality(welfare: ArrayLike) -> Floats:
    """1 - `gini`; `[..., party]` to `[...]`, in [1/n, 1]: E of Perolat et al. (2017)."""
    return np.asarray(1.0 - gini(welfare))


def _differences(values: Floats) -> Floats:
    """Sum over i, j of |w[i] - w[j]|."""
    return np.asarray(np.abs(values[..., :, None] - values[..., None, :]).sum((-1, -2)))


# ------------------------------------------------------------ give and take


class Reciprocity(NamedTuple):
    """Whether those help who were helped; `[...]` each, chance is `answered` = `unasked`, that is `phi` = 0."""

    answered: Floats  # P(i helps j | j helped i before), in [0, 1]
    unasked: Floats  # P(i helps j | j did not), in [0, 1]
    difference: Floats  # answered - unasked, in [-1, 1]
    phi: Floats  # correlation of the two events, in [-1, 1]


def reciprocity(acts: ArrayLike, memory: int = 1) -> Reciprocity:
    """Conditional probability of helping given having been helped in the last `memory` occasions, against chance.

    `acts` `[..., occasions, agent, agent]`: what i did for j, help where above 0; an occasion is a step or an episode.
    All ordered pairs count together; the first `memory` occasions only serve as a past. Trivers (1971)
    doi:10.1086/406755. Raises `ConfigError` for a memory below 1, `ShapeMismatch` where acts are not square.
    """
    helps = _floats(acts, 3) > 0
    if helps.shape[-1] != helps.shape[-2]:
        raise ShapeMismatch(f"acts of shape {helps.shape}; give [..., occasions, agent, agent], agents alone")
    if memory < 1:
        raise ConfigError(f"memory = {memory}; what happened 1 or more occasions before can be answered")
    count = helps.shape[-3] - memory
    if count < 1:
        nothing = np.full(helps.shape[:-3], np.nan)
        return Reciprocity(nothing, nothing, nothing, nothing)
    past = np.zeros_like(helps[..., memory:, :, :])
    for back in range(1, memory + 1):
        past |= helps[..., memory - back : memory - back + count, :, :].swapaxes(-1, -2)
    other, now = _others(helps.astype(np.float64)), helps[..., memory:, :, :]

    def number(event: NDArray[np.bool_]) -> Floats:
        return np.asarray((event & other).sum((-1, -2, -3)), dtype=np.float64)

    both, neither, after, before = number(past & now), number(~past & ~now), number(now & ~past), number(past & ~now)
    answered, unasked = _ratio(both, both + before), _ratio(after, after + neither)
    spread = (both + before) * (after + neither) * (both + after) * (before + neither)
    phi = _ratio(both * neither - after * before, np.sqrt(spread))
    return Reciprocity(answered, unasked, np.asarray(answered - unasked), phi)


def mutuality(helped: ArrayLike) -> Floats:
    """Correlation of what is given and what is returned, over all ordered pairs of agents,

        r = corr over i != j of (h[i, j], h[j, i])          in [-1, 1]; chance 0

    `[..., agent, party]` to `[...]`; NaN where all pairs are alike. Two agents are one pair both ways: r is -1 or NaN.
    """
    matrix = _matrix(helped)
    square = matrix[..., : matrix.shape[-2]]
    pairs = _others(square)
    one, two = square[..., pairs], square.swapaxes(-1, -2)[..., pairs]
    one, two = one - one.mean(-1, keepdims=True), two - two.mean(-1, keepdims=True)
    return _ratio((one * two).sum(-1), (one * one).sum(-1))


def exploitation(helped: ArrayLike) -> Floats:
    """What an agent gains from the other agents minus what it gives them,

        sum over j of h[j, i] - sum over j of h[i, j]           above 0: it lives on others; sums to 0 over the agents

    `[..., agent, party]` to `[..., agent]`, in the unit of benefit; parties that do not act are left out.
    """
    matrix = _matrix(helped)
    square = matrix[..., : matrix.shape[-2]]
    return np.asarray(received(square) - given(square))


# ------------------------------------------------------------ the commons


def sustainability(reward: ArrayLike) -> Floats:
    """Mean step at which agents gather: late is sustainable, early means that all was soon eaten,

        S = mean over i of E[t | r[i, t] > 0]           in steps, 1 (the first) to the horizon

    `reward` `[..., steps, agent]` to `[...]`; agents that gather nothing are left out. S of Perolat et al. (2017).
    """
    gathers = _floats(reward, 2) > 0
    time = np.arange(1.0, gathers.shape[-2] + 1.0)[:, None]
    return mean_known(_ratio((gathers * time).sum(-2), gathers.sum(-2)))


def mean_known(values: ArrayLike) -> Floats:
    """Mean over the last axis of what is not NaN; NaN where nothing is left."""
    array = _floats(values)
    known = np.isfinite(array)
    return _ratio(np.where(known, array, 0.0).sum(-1), known.sum(-1))


def division_of_labour(acts: ArrayLike) -> Floats:
    """How far who one is says what one does: mutual information of agents and tasks beside the entropy of tasks,

        I(agent; task) / H(task)        0: all do everything alike; 1: each task has its own agents; no unit

    `acts` `[..., agent, task]`, how often each did each; to `[...]`. NaN where there is one task only. Gorelick et al.
    (2004) doi:10.1086/424968.
    """
    counts = _floats(acts, 2)
    share = _ratio(counts, counts.sum((-1, -2), keepdims=True))
    agents, tasks = share.sum(-1), share.sum(-2)
    entropy = _entropy(tasks)
    return _ratio(_entropy(agents) + entropy - _entropy(share.reshape(*share.shape[:-2], -1)), entropy)


def _entropy(share: Floats) -> Floats:
    """- sum of p ln p over the last axis, nats."""
    return np.asarray(-(share * np.log(np.where(share > 0, share, 1.0))).sum(-1))
