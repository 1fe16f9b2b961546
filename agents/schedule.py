"""Exploration: how greedy an agent is, in fractions of its life."""

from __future__ import annotations

import torch
from torch import Tensor

STAGES = ((0.2, 0.5), (0.5, 0.7), (0.7, 0.9), (1.0, 1.0))
"""(end of the stage as a fraction of the episodes, probability of the greedy action)."""


def greedy_probability(episode: Tensor, episodes: int) -> Tensor:
    """Probability of the greedy action in `episode` int64 `[*B]` of `episodes`: .5, .7, .9, then 1."""
    probability = torch.full(episode.shape, STAGES[-1][1], device=episode.device)
    for end, greedy in reversed(STAGES[:-1]):
        probability = torch.where(episode < round(end * episodes), greedy, probability)
    return probability
