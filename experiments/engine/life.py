"""Lives in progress: the batch of a cohort that still lives, and what is kept of those that have ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bisnn import tree
from bisnn.agents import loop
from bisnn.agents.base import Dilemma
from bisnn.errors import StateMismatch
from bisnn.experiments.engine.cohort import Cohort
from bisnn.experiments.storage import Checkpoint


@dataclass
class Rows:
    """Finished episodes: `individual` (number in the cohort) and the columns of `loop.rows`, block by block."""

    blocks: list[dict[str, Tensor]] = field(default_factory=list)

    def count(self) -> int:
        """Number of episodes."""
        return sum(len(block["individual"]) for block in self.blocks)

    def pack(self) -> dict[str, Tensor]:
        """One tensor per column."""
        if not self.blocks:
            return {}
        packed = {name: torch.cat([block[name] for block in self.blocks]) for name in self.blocks[0]}
        self.blocks = [packed]
        return {f"rows/{name}": column for name, column in packed.items()}

    @classmethod
    def unpack(cls, tensors: dict[str, Tensor]) -> Rows:
        """The rows that `pack` gave."""
        block = {name[5:]: column for name, column in tensors.items() if name.startswith("rows/")}
        return cls([block] if block else [])


class Life(NamedTuple):
    """The living batch of a cohort, and what is kept."""

    condition: Tensor  # [B] int64 condition of the individuals that still live
    present: Tensor  # [B] int64 their number in the cohort
    begun: Tensor  # [B] bool: their ablation has begun
    loop: loop.LoopState
    rows: Rows
    kept: dict[str, Tensor]  # [N, ...] what each individual had learned at the end, by name

    @classmethod
    def begin(
        cls, dilemma: Dilemma, condition: Tensor, key: Tensor, mind: Any, traits: Mapping[str, Tensor] | None = None
    ) -> Life:
        """Individuals at the start of their lives, in worlds with `traits`."""
        begun = torch.zeros_like(condition, dtype=torch.bool)
        state = loop.begin(dilemma, key, mind, traits=traits)
        return cls(condition, torch.arange(len(condition), device=key.device), begun, state, Rows(), {})

    def restored(self, saved: Checkpoint, cohort: Cohort) -> Life:
        """The lives as they were when `saved` was written; `self` is the newborn cohort."""
        device = self.condition.device
        present = saved.tensors["present"].to(device)
        state = tree.take(self.loop, present)
        leaves = {name[5:]: leaf for name, leaf in saved.tensors.items() if name.startswith("loop/")}
        begun = saved.tensors["begun"].to(device)
        condition = self.condition[present]
        mind = state.agent
        if cohort.targets is not None:
            progress = torch.where(begun, 1.0, 0.0)
            mind = cohort.agent.regate(mind, cohort.gates(condition, state.key, progress))
        state = tree.restore(state._replace(agent=mind), leaves)
        kept = {name[5:]: leaf for name, leaf in saved.tensors.items() if name.startswith("kept/")}
        return Life(condition, present, begun, state, Rows.unpack(saved.tensors), kept)


def keep(life: Life, step: loop.Step) -> None:
    """Keep the episodes that a turn finished."""
    block = loop.rows(step)
    index = block.pop("index")
    if len(index):
        columns = {name: column.cpu() for name, column in block.items()}
        life.rows.blocks.append({"individual": life.present[index].cpu(), **columns})


def thin(cohort: Cohort, life: Life) -> Life:
    """Take those whose life is over out of the batch; what they had learned is kept."""
    over = life.loop.tally.episode >= cohort.settings.episodes
    kept = dict(life.kept)
    gone = life.present[over].cpu()
    for name, value in cohort.agent.keepsake(life.loop.agent).items():
        if name not in kept:
            kept[name] = torch.zeros((len(cohort.individuals[0]), *value.shape[1:]), dtype=value.dtype)
        kept[name] = kept[name].index_copy(0, gone, value[over].cpu())
    stay = (~over).nonzero()[:, 0]
    return Life(
        condition=life.condition[stay],
        present=life.present[stay],
        begun=life.begun[stay],
        loop=tree.take(life.loop, stay),
        rows=life.rows,
        kept=kept,
    )


def guard(cohort: Cohort, life: Life) -> None:
    """Raises `StateMismatch` where an individual computes NaN or Infinity, with arm, seed, part and episode."""
    for name, leaf in tree.flatten(life.loop.agent):
        if not leaf.is_floating_point() or bool(torch.isfinite(leaf.sum())):
            continue
        bad = ~torch.isfinite(leaf.reshape(leaf.shape[0], -1)).all(-1)
        if leaf.shape[0] != len(life.condition) or not bool(bad.any()):
            continue
        first = int(bad.nonzero()[0, 0])
        arm = cohort.conditions[int(life.condition[first])].name
        episode, steps = (int(life.loop.tally[i][first]) for i in (0, 1))
        raise StateMismatch(
            f"arm {arm!r}, seed {int(life.loop.key[first])}: {name} is not finite in episode {episode}, step {steps}; "
            f"what was finished is kept: mend the parameters and run again"
        )
