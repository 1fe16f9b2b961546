"""Gathering: the finished shards of a run become its episodes, spikes, recordings and final state."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bisnn.errors import RunCorrupt
from bisnn.experiments import storage
from bisnn.experiments.engine.cohort import Cohort
from bisnn.experiments.engine.record import COLUMNS, TRACE

Columns = dict[str, NDArray[np.generic]]
LONGEST = 120
"""Characters of an arm's name in the name of a file."""


def gather(shards: Sequence[Cohort], folder: Path) -> None:
    """Write episodes.parquet, spikes.parquet, recordings/ and state.safetensors. Raises `RunCorrupt` where a shard
    is missing or unfinished."""
    rows: list[Columns] = []
    spikes: list[Columns] = []
    state: dict[str, Tensor] = {}
    for shard in shards:
        saved = storage.load_checkpoint(folder, shard.part.name)
        if saved is None or not saved.data["finished"]:
            raise RunCorrupt(f"{folder}: shard {shard.part.name} is not finished; go on with --resume")
        rows.append(_episodes(shard, saved.tensors))
        spikes.append(_spikes(shard, saved.tensors, saved.data["areas"]))
        kept = {name[5:]: value for name, value in saved.tensors.items() if name.startswith("kept/")}
        _recordings(shard, saved.tensors, kept, folder)
        agent = shard.part.agent
        condition, seed = shard.individuals
        for name, value in {**kept, "condition": condition, "seed": seed}.items():
            state[f"{agent}/{name}"] = (
                torch.cat((state[f"{agent}/{name}"], value)) if f"{agent}/{name}" in state else value
            )
    storage.write_parquet(folder / "episodes.parquet", _sorted(rows, ("arm_number", "seed", "agent", "episode")))
    events = _sorted(spikes, ("arm_number", "seed", "episode", "step", "tick", "area", "unit"))
    if len(events["seed"]):
        storage.write_parquet(folder / "spikes.parquet", events)
    storage.write_tensors(folder / "state.safetensors", _ordered(state))


def _ordered(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Individuals of every agent sorted by condition, then seed."""
    found: dict[str, Tensor] = {}
    for agent in dict.fromkeys(name.split("/")[0] for name in state):
        condition, seed = state[f"{agent}/condition"], state[f"{agent}/seed"]
        order = torch.from_numpy(np.lexsort((seed.numpy(), condition.numpy())))
        found |= {name: value[order] for name, value in state.items() if name.split("/")[0] == agent}
    return found


def _sorted(parts: Sequence[Columns], keys: Sequence[str]) -> Columns:
    """The parts as one table, sorted; `arm_number` only serves to sort."""
    table = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort([table[name] for name in reversed(keys)])
    return {name: column[order] for name, column in table.items() if name != "arm_number"}


def _arms(shard: Cohort) -> NDArray[np.object_]:
    return np.array([condition.name for condition in shard.conditions], dtype=object)


def _episodes(shard: Cohort, tensors: dict[str, Tensor]) -> Columns:
    """The rows of one shard, with arm, seed, agent and the facts of the condition."""
    row = {name[5:]: value.numpy() for name, value in tensors.items() if name.startswith("rows/")}
    condition, seed = (values.numpy() for values in shard.individuals)
    mine = condition[row["individual"]]
    found: Columns = {
        "arm_number": mine,
        "arm": _arms(shard)[mine],
        "seed": seed[row["individual"]],
        "episode": row["episode"],
        "agent": np.full(len(mine), shard.part.agent, dtype=object),
    }
    facts = dict.fromkeys(name for c in shard.conditions for name in c.facts)
    for name in facts:
        found[name] = np.array([float(c.facts.get(name, np.nan)) for c in shard.conditions])[mine]
    return found | {name: column for name, column in row.items() if name not in ("individual", "episode")}


def _spikes(shard: Cohort, tensors: dict[str, Tensor], areas: Sequence[str]) -> Columns:
    """The spike events of one shard, named."""
    events = tensors["events"].numpy()
    columns = {name: events[:, i] for i, name in enumerate(COLUMNS)}
    condition, seed = (values.numpy() for values in shard.individuals)
    mine = condition[columns["individual"]]
    return {
        "arm_number": mine,
        "arm": _arms(shard)[mine],
        "seed": seed[columns["individual"]].astype(np.int64),
        **{name: columns[name] for name in ("episode", "step", "tick")},
        "area": np.array([*areas, ""], dtype=object)[columns["area"]],
        "unit": columns["unit"],
    }


def file_name(arm: str, seed: int, agent: str = "") -> str:
    """Name of the recording of one individual, free of odd characters; with the agent where an arm has several."""
    if len(arm) > LONGEST:  # of many ablations: file systems take 255 bytes
        arm = f"{arm[:LONGEST]}_{hashlib.sha256(arm.encode()).hexdigest()[:8]}"
    parts = (re.sub("[^A-Za-z0-9_.=-]+", "_", arm), str(seed), agent)
    return "-".join(part for part in parts if part)


def _recordings(shard: Cohort, tensors: dict[str, Tensor], kept: dict[str, Tensor], folder: Path) -> None:
    """recordings/ARM-SEED.safetensors: trace.*, weight.*@phase, voltage.ifg, census.* of every recorded individual."""
    condition, seed = shard.individuals
    traces = tensors["traces"]
    for number in (seed < shard.settings.record).nonzero()[:, 0].tolist():
        arm, who = shard.conditions[int(condition[number])].name, int(seed[number])
        mine = traces[traces[:, 0] == number]
        found = {f"trace.{name}": mine[:, i + 1] for i, name in enumerate(TRACE)} if len(mine) else {}
        prefix = f"extra/{number}/"
        found |= {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
        for name, value in kept.items():
            found[name if name.startswith(("census.", "share.")) else f"weight.{name}@end"] = value[number]
        several = any(c.name == arm and c.agent != shard.part.agent for c in shard.conditions)
        name = file_name(arm, who, shard.part.agent if several else "")
        path = folder / "recordings" / f"{name}.safetensors"
        storage.write_tensors(path, found, {"arm": arm, "seed": str(who), "agent": shard.part.agent})
