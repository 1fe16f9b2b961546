"""A run read back from its folder: what it was, what it found, and its agents.

    run = bisnn.load_run("runs/altruistic-rescue-1a2b3c4d")
    run.measure("help_rate")["intact"]      # [seeds]

Everything is read when it is first asked for, and the arrays cannot be written to.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from bisnn.errors import RunCorrupt, UnknownName, pick
from bisnn.experiments import measures, storage

PROGRAM: Literal["bisnn"] = "bisnn"
FOREIGN = "give the folder that `bisnn run` wrote"


class Manifest(BaseModel):
    """What a run folder says of itself (manifest.json): strict, nothing unknown, nothing executed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)

    program: Literal["bisnn"] = PROGRAM
    schema_number: int = Field(default=storage.SCHEMA, alias="schema")
    """Number of the file layout; `schema` in the file."""
    experiment: str
    configuration: dict[str, Any]
    """Resolved configuration, the one that `config_hash` is of."""
    config_hash: str = Field(pattern="^[0-9a-f]{64}$")
    seeds: list[int]
    arms: list[str]
    versions: dict[str, str]
    """Of python, torch, numpy and bisnn."""
    device: str
    backend: str
    simulation_seconds: float = Field(default=0.0, ge=0.0)
    hash: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    """`storage.content_hash` of the finished run; None while it runs."""
    state: Literal["running", "complete"] = "running"


def write_manifest(folder: Path | str, manifest: Manifest) -> None:
    """Replace manifest.json of a run folder."""
    storage.write_json(Path(folder) / "manifest.json", manifest.model_dump(by_alias=True))


def read_manifest(folder: Path | str) -> Manifest:
    """The manifest of a run folder. Raises `RunCorrupt`, with the remedy, when it is absent, truncated, written
    by another program, of another schema or not what bisnn writes."""
    path = Path(folder) / "manifest.json"
    if not path.is_file():
        raise RunCorrupt(f"{folder} is not a run: it has no manifest.json; {FOREIGN}")
    found = storage.read_json(path)
    if not isinstance(found, dict) or found.get("program") != PROGRAM:
        raise RunCorrupt(f"{path} was not written by bisnn; {FOREIGN}")
    if found.get("schema") != storage.SCHEMA:
        remedy = "read it with the version of bisnn named in it, or run the experiment again"
        raise RunCorrupt(f"{path} has schema {found.get('schema')!r}, this bisnn reads {storage.SCHEMA}; {remedy}")
    try:
        return Manifest.model_validate(found)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RunCorrupt(
            f"{path}: {where}: {first['msg']}; the file was altered: run the experiment again"
        ) from problem


def _locked(columns: storage.Columns) -> storage.Columns:
    """The same columns, read-only."""
    for column in columns.values():
        column.flags.writeable = False
    return columns


@dataclass(frozen=True)
class Run:
    """A read-only view of a run folder. What cannot be trusted raises `RunCorrupt` when it is asked for."""

    path: Path
    manifest: Manifest

    @cached_property
    def summary(self) -> dict[str, Any]:
        """summary.json: `arms` and `comparisons` (shape: `measures.summary`)."""
        found = storage.read_json(self.path / "summary.json")
        if not isinstance(found, dict):
            raise RunCorrupt(f"{self.path / 'summary.json'} holds no table; {storage.RESUME}")
        return found

    @cached_property
    def episodes(self) -> storage.Columns:
        """Columns of episodes.parquet, one row per arm, seed, episode and agent."""
        return _locked(storage.read_parquet(self.path / "episodes.parquet"))

    @cached_property
    def spikes(self) -> storage.Columns:
        """Columns of spikes.parquet, one row per spike of the recorded seeds; none where nothing was recorded."""
        path = self.path / "spikes.parquet"
        return _locked(storage.read_parquet(path)) if path.exists() else {}

    @cached_property
    def recordings(self) -> dict[str, dict[str, Tensor]]:
        """Name -> tensors, of every file in recordings/."""
        names = sorted(path.stem for path in (self.path / "recordings").glob("[!.]*.safetensors"))
        return {name: self._recording(name)[0] for name in names}

    def notes(self, recording: str) -> dict[str, str]:
        """The text that was written beside the tensors of a recording. Raises `UnknownName`."""
        return self._recording(pick("recording", recording, self.recordings))[1]

    def _recording(self, name: str) -> tuple[dict[str, Tensor], dict[str, str]]:
        return storage.open_tensors(storage.confine(self.path, f"recordings/{name}.safetensors"))

    @cached_property
    def state(self) -> dict[str, Tensor]:
        """Tensors of state.safetensors: the final state, by path."""
        return storage.read_tensors(self.path / "state.safetensors")

    def measure(self, name: str, agent: str | None = None) -> dict[str, NDArray[np.float64]]:
        """A measure at the end of the run: arm -> `[seeds]`, arms and seeds as in the manifest; NaN where
        nothing counts. Raises `UnknownName`."""
        known = importlib.import_module("bisnn.experiments.base").find(self.manifest.experiment).measures
        found = measures.per_seed(self.episodes, known[pick("measure", name, known)], agent)
        place = {seed: index for index, seed in enumerate(np.unique(self.episodes["seed"]).tolist())}
        if missing := [arm for arm in self.manifest.arms if arm not in found]:
            raise RunCorrupt(f"{self.path} has no episodes of {', '.join(missing)}; {storage.RESUME}")
        if missing := [str(seed) for seed in self.manifest.seeds if seed not in place]:
            raise RunCorrupt(f"{self.path} has no episodes of seed {', '.join(missing)}; {storage.RESUME}")
        order = [place[seed] for seed in self.manifest.seeds]
        return {arm: found[arm][order] for arm in self.manifest.arms}

    # ------------------------------------------------------------ the trained agents

    def agent(self, arm: str, seed: int, name: str | None = None) -> Any:
        """The trained agent of one individual, ready to act alone with the same bits; `name` says which, where an arm
        has several. Raises `UnknownName`."""
        if seed not in self.manifest.seeds:
            raise UnknownName("seed", seed, map(str, self.manifest.seeds))
        revive = importlib.import_module("bisnn.experiments.engine.revive")
        return revive.agent(self, pick("arm", arm, self.manifest.arms), seed, name)


def load_run(path: Path | str) -> Run:
    """The run in a folder. Raises `RunCorrupt` when it is no run, truncated, foreign or of another schema."""
    return Run(Path(path), read_manifest(path))
