"""Between tensors of a dilemma and the spaces, arrays and numbers of Gymnasium and PettingZoo.

An observation is a `Dict` of what there is of

    place        Discrete(places)                     the own cell or situation
    expression   Box(0, high, [faces * cells])        the others' visible faces, one after the other
    view         Box(-1, 1, [features])               what else it perceives, named in `Dilemma.senses`

An action is an index of `Dilemma.actions`, `Discrete(len(actions))`.
"""

from __future__ import annotations

import dataclasses
import difflib
import secrets
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from torch import Tensor

from bisnn.agents.base import Dilemma, Obs, check_traits
from bisnn.agents.expression import Expression
from bisnn.agents.society import PERSON
from bisnn.errors import ConfigError, ShapeMismatch, UnknownName

RENDER_MODES = ("human", "rgb_array", "ansi")
FPS = 4
"""Frames per second of a film of steps."""
LIMIT = 2.0
"""Largest value of a cell of a face, where the dilemma has no `expression` that says so."""


def observation_space(dilemma: Dilemma) -> spaces.Dict:
    """What one agent of the dilemma perceives (module docstring); parts that are empty are left out."""
    senses = dilemma.senses
    face = getattr(dilemma, "expression", None)
    high = 1.0 + face.amplitude if isinstance(face, Expression) else LIMIT
    parts: dict[str, spaces.Space[Any]] = {"place": spaces.Discrete(senses.places)}
    if width := len(senses.faces) * senses.cells:
        parts["expression"] = spaces.Box(0.0, high, (width,), np.float32)
    if senses.features:
        parts["view"] = spaces.Box(-1.0, 1.0, (len(senses.features),), np.float32)
    return spaces.Dict(parts)


def action_space(dilemma: Dilemma) -> spaces.Discrete:
    """The actions of one agent."""
    return spaces.Discrete(len(dilemma.actions))


def observed(obs: Obs, agent: int, space: spaces.Dict) -> dict[str, Any]:
    """What an agent of a single world `[1]` perceives: fresh arrays."""
    found: dict[str, Any] = {"place": np.int64(obs.place[0, agent].item())}
    for name in ("expression", "view"):
        if name in space.spaces:
            found[name] = getattr(obs, name)[0, agent].numpy().astype(np.float32)
    return {name: found[name] for name in space.spaces}


def all_observed(obs: Obs, agent: int, space: spaces.Dict) -> dict[str, NDArray[Any]]:
    """What an agent perceives in every world: `place` `[N]`, `expression` and `view` `[N, ...]`; fresh arrays."""
    found: dict[str, NDArray[Any]] = {"place": obs.place[:, agent].numpy().astype(np.int64)}
    for name in ("expression", "view"):
        if name in space.spaces:
            found[name] = getattr(obs, name)[:, agent].numpy().astype(np.float32)
    return {name: found[name] for name in space.spaces}


def _choices(dilemma: Dilemma) -> str:
    return "give " + ", ".join(f"{number} {name}" for number, name in enumerate(dilemma.actions))


def legal(dilemma: Dilemma, agent: str, action: Any) -> int:
    """The action as a number. Raises `ShapeMismatch` unless it is a single one, `ConfigError` unless it is a whole
    number that names an action of the dilemma."""
    shape = tuple(getattr(action, "shape", ()))
    if shape or isinstance(action, list | tuple | dict):
        raise ShapeMismatch(f"the action of {agent} is {action!r}; give one number, not several")
    value = action.item() if isinstance(action, np.ndarray | np.generic | Tensor) else action
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f"the action of {agent} is {action!r}, no whole number; {_choices(dilemma)}")
    if not 0 <= value < len(dilemma.actions):
        raise ConfigError(f"{dilemma.name} has no action {value} for {agent}; {_choices(dilemma)}")
    return value


def all_legal(dilemma: Dilemma, actions: Any, count: int) -> Tensor:
    """The actions of `count` worlds, int64 `[N]`. Raises `ShapeMismatch`, `ConfigError` as `legal` does."""
    try:
        given = np.asarray(actions)
    except ValueError:
        given = np.asarray(None)
    if given.shape != (count,):
        raise ShapeMismatch(
            f"the actions have the shape {list(given.shape)}; give one for each of the {count} worlds: [{count}]"
        )
    if given.dtype.kind not in "iu":
        raise ConfigError(f"the actions are of dtype {given.dtype}, no whole numbers; {_choices(dilemma)}")
    wrong = np.flatnonzero((given < 0) | (given >= len(dilemma.actions)))
    if len(wrong):
        where = int(wrong[0])
        raise ConfigError(f"{dilemma.name} has no action {given[where]} (world {where}); {_choices(dilemma)}")
    return torch.from_numpy(given.astype(np.int64))


def seeded(seed: Any) -> int:
    """A seed as given, or a fresh one from the operating system's entropy where it is None; no generator is touched.

    Raises `ConfigError` unless it is a whole number from 0 to 2**48 - 1.
    """
    if seed is None:
        return secrets.randbelow(PERSON)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= int(seed) < PERSON:
        raise ConfigError(f"the seed is {seed!r}; give a whole number from 0 to 2**48 - 1")
    return int(seed)


def traits_of(dilemma: Dilemma, options: Mapping[str, Any] | None, count: int) -> dict[str, Tensor] | None:
    """`options["traits"]` as float32 `[N]` each: parameters of this life's world, one number or one for each world.

    Other options are left to others, unless one looks like a slip of the pen. Raises `UnknownName` for another trait,
    `ShapeMismatch` or `ConfigError` for values that do not fit, which are those that the dilemma itself would refuse.
    """
    given = dict(options or {})
    for name in given:
        if name not in ("traits", "reset_mask") and difflib.get_close_matches(str(name), ("traits",), 1, 0.8):
            raise UnknownName("option", name, ("traits", "reset_mask"))
    if given.get("traits") is None:
        return None
    if not isinstance(given["traits"], Mapping):
        raise ConfigError(f"options['traits'] is {given['traits']!r}; give a dict of numbers by the name of the trait")
    check_traits(given["traits"], dilemma.traits)
    return {name: _trait(dilemma, name, value, count) for name, value in given["traits"].items()}


def _trait(dilemma: Dilemma, name: str, value: Any, count: int) -> Tensor:
    """The values of one trait `[N]`."""
    try:
        found = np.asarray(value, dtype=np.float32)
    except (TypeError, ValueError):
        raise ConfigError(f"the trait {name} is {value!r}; give a number") from None
    if found.shape not in ((), (count,)):
        raise ShapeMismatch(f"the trait {name} has the shape {list(found.shape)}; give one number, or [{count}]")
    if not np.isfinite(found).all():
        raise ConfigError(f"the trait {name} is {value!r}; give a finite number")
    usual, again = getattr(dilemma, name, None), cast("Callable[..., Dilemma]", dataclasses.replace)
    if name in getattr(dilemma, "__dataclass_fields__", ()) and isinstance(usual, int | float):
        for extreme in {float(found.min()), float(found.max())}:
            again(dilemma, **{name: type(usual)(extreme)})
    return torch.from_numpy(np.broadcast_to(found, (count,)).copy())


def check_mode(mode: str | None) -> str | None:
    """Raises `UnknownName` for a render mode that there is not."""
    if mode is not None and mode not in RENDER_MODES:
        raise UnknownName("render mode", mode, RENDER_MODES)
    return mode
