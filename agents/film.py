"""Films of worlds: frames to a GIF or an MP4, and an episode to a film in one call.

record("rescue_v0", "rescue.gif", players={"helper": "altruistic"}, seed=5)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from bisnn.agents import rendering
from bisnn.agents.base import Dilemma
from bisnn.agents.catalogue import make
from bisnn.agents.seats import player
from bisnn.agents.society import Player, Society
from bisnn.errors import BackendUnavailable, ConfigError, ShapeMismatch, pick

Frame = NDArray[np.uint8]


def film(frames: Iterable[Frame], path: str | Path, fps: float = 4.0) -> Path:
    """Write frames, uint8 `[height, width, 3]` each and all of one size, to `path`: `.gif` (Pillow) or `.mp4` (H.264).

    The file is complete or absent. Raises `ShapeMismatch` for frames that do not fit, `ConfigError` for another suffix,
    no frame or a rate not above 0, `BackendUnavailable` for MP4 where the extra `film` is not installed.
    """
    shots, path = [np.asarray(frame) for frame in frames], Path(path)
    if path.suffix.lower() not in WRITERS:
        raise ConfigError(f"{path.name!r} is no film; its name ends in {' or '.join(WRITERS)}")
    if not shots or not fps > 0:
        raise ConfigError(f"a film has at least one frame and a rate above 0; not {len(shots)} at {fps}")
    for number, shot in enumerate(shots):
        if shot.dtype != np.uint8 or shot.ndim != 3 or shot.shape[2] != 3 or shot.shape != shots[0].shape:
            raise ShapeMismatch(
                f"frame {number} is {shot.dtype}{list(shot.shape)}; give uint8 [height, width, 3], all of the size "
                f"of the first, {list(shots[0].shape)}"
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix.lower()}")
    try:
        WRITERS[path.suffix.lower()](shots, beside, fps)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def _gif(shots: list[Frame], path: Path, fps: float) -> None:
    """Every frame with its own colours; a still picture stays as long as it lasts."""
    images = [Image.fromarray(shot).quantize(128) for shot in shots]
    images[0].save(
        path, save_all=True, append_images=images[1:], duration=max(20, round(1000 / fps)), loop=0, disposal=1
    )


def _mp4(shots: list[Frame], path: Path, fps: float) -> None:
    """H.264, whose frames have even sizes: an odd one gets a line more."""
    try:
        import av  # noqa: F401
        import imageio.v3 as imageio
    except ImportError as missing:
        raise BackendUnavailable(
            f"MP4 needs imageio with PyAV ({missing}); pip install 'bisnn[film]', or write a .gif"
        ) from missing
    even = ((0, shots[0].shape[0] % 2), (0, shots[0].shape[1] % 2), (0, 0))
    imageio.imwrite(
        path, np.stack([np.pad(shot, even, "edge") for shot in shots]), plugin="pyav", codec="libx264", fps=fps
    )


WRITERS: Mapping[str, Callable[[list[Frame], Path, float], None]] = {".gif": _gif, ".mp4": _mp4}
"""Suffix -> what writes it."""


def frames(
    dilemma: Dilemma, players: Mapping[str, str | Player], seed: int = 0, episodes: int = 1, cell: int = 32
) -> list[Frame]:
    """The first `episodes` episodes of world `seed` as images, from the opening to the last step of each.

    `players`: name of an agent -> its player, a name of `bisnn.agents.seats.SCRIPTS` or a bisnn agent; who is not
    named plays altruistically. Raises `UnknownName` for an agent or script that does not exist, `ConfigError` below 1
    episode.
    """
    if episodes < 1:
        raise ConfigError(f"episodes is {episodes!r}; a film shows at least one")
    names = dilemma.agents
    given = {pick("agent", name, names): player(dilemma, who) for name, who in players.items()}
    usual = player(dilemma, "altruistic")
    society = Society(dilemma, tuple(given.get(name, usual) for name in names))
    life = society.begin(torch.tensor([seed]))
    shots, ended = [rendering.rgb(dilemma.picture(life.world), cell)], 0
    while ended < episodes:
        life, happened = society.turn(life)
        ended += int(happened.outcome.terminated | happened.outcome.truncated)
        shots.append(rendering.rgb(dilemma.picture(life.world), cell))
    return shots


def record(
    dilemma: str | Dilemma,
    path: str | Path,
    players: Mapping[str, str | Player] | None = None,
    seed: int = 0,
    episodes: int = 1,
    fps: float = 4.0,
    cell: int = 32,
    **parameters: Any,
) -> Path:
    """Film the first episodes of a world: `frames` of the dilemma (an id with `parameters`, or a dilemma) to `path`.

    Raises what `frames`, `film` and `bisnn.agents.catalogue.make` raise.
    """
    made = make(dilemma, **parameters) if isinstance(dilemma, str) else dilemma
    return film(frames(made, players or {}, seed, episodes, cell), path, fps)
