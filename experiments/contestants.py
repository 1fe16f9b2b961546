"""Who can be scored over the battery: agents by name, or anybody's by import path.

    altruist                        a name (`NAMES`)
    package.module:thing            a bisnn agent or player; an object with `predict`, as those of Stable-Baselines3; a
                                    policy, callable(observation, agent) -> action, as for PettingZoo; or a function or
                                    class of one argument, the dilemma, that makes one of these
    model.zip                       a saved model of Stable-Baselines3 (PPO, A2C or DQN)

An import path is imported and a saved model is unpickled: both execute the code they hold.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bisnn.agents.altruist import Altruist
from bisnn.agents.base import REACH, Agent, Dilemma
from bisnn.agents.reciprocity import Conditional, Reciprocator
from bisnn.agents.scripted import RandomAgent
from bisnn.agents.social import SocialAgent
from bisnn.agents.social_preferences import SocialQ
from bisnn.agents.society import Advised, Insider, Player
from bisnn.agents.tabular_q import TabularQ
from bisnn.errors import BackendUnavailable, ConfigError, ShapeMismatch, UnknownName
from bisnn.systems.moral_learning import MoralLearning

Maker = Callable[[Dilemma, int], Player]
"""A dilemma and the episodes of a life -> who plays it. Raises `ConfigError` where it cannot live there."""
MOST = 20_000
"""States of a tabular learner, at most, for the entries of the view to belong to its state."""


def random(dilemma: Dilemma, episodes: int) -> Player:
    """Chance."""
    return RandomAgent(actions=len(dilemma.actions))


def advised(goal: str) -> Maker:
    """Who knows everything and plays for a goal."""
    return lambda dilemma, episodes: Advised(goal)


def _alone(dilemma: Dilemma) -> None:
    """Raises `ConfigError` where a dilemma is no grid on which one sees one face and may reach out."""
    senses = dilemma.senses
    if len(dilemma.actions) != 2 * REACH or len(senses.faces) != 1:
        raise ConfigError(
            f"it sees one face, and moves and reaches out by {2 * REACH} actions; {dilemma.name} shows "
            f"{len(senses.faces)} faces and has {len(dilemma.actions)} actions"
        )


def tabular_q(dilemma: Dilemma, episodes: int) -> Player:
    """Tabular learning with an empathic reward."""
    _alone(dilemma)
    return TabularQ(places=dilemma.senses.places, episodes=episodes)


def altruist(dilemma: Dilemma, episodes: int) -> Player:
    """The spiking altruist."""
    _alone(dilemma)
    return Altruist(episodes=episodes, moral=MoralLearning(places=dilemma.senses.places))


def social(dilemma: Dilemma, episodes: int) -> Player:
    """The spiking learner for any dilemma."""
    return SocialAgent.of(dilemma.senses, len(dilemma.actions), episodes=episodes)


def social_q(angle: float = 0.0, envy: float = 0.0, guilt: float = 0.0) -> Maker:
    """Tabular learning with social preferences; the whole view belongs to its state, if that is not too much."""

    def make(dilemma: Dilemma, episodes: int) -> Player:
        plan = SocialQ.suited(dilemma, angle=angle, envy=envy, guilt=guilt, episodes=episodes)
        features = len(dilemma.senses.features)
        if plan.states * plan.bins**features > MOST:
            return plan
        return SocialQ.suited(
            dilemma, angle=angle, envy=envy, guilt=guilt, episodes=episodes, view=tuple(range(features))
        )

    return make


NAMES: Mapping[str, tuple[Maker, str]] = {
    "random": (random, "any action with the same probability"),
    "selfish": (advised("selfish"), "knows everything, plays for itself"),
    "altruistic": (advised("altruistic"), "knows everything, plays for the others (also: oracle, always-help)"),
    "fair": (advised("fair"), "knows everything, plays for the welfare of the worst"),
    "tit-for-tat": (lambda dilemma, episodes: Reciprocator(), "fair with those who cooperate, else selfish"),
    "conditional": (lambda dilemma, episodes: Conditional(), "cooperates as much as it expects others to"),
    "altruist": (altruist, "the spiking altruist; lives where one face is seen and one reaches out"),
    "social": (social, "the spiking learner for any dilemma"),
    "tabular-q": (tabular_q, "tabular learning with an empathic reward; lives where the altruist does"),
    "individualist": (social_q(), "tabular learning for itself"),
    "svo": (social_q(angle=45.0), "tabular learning that weighs the others as itself"),
    "inequity-averse": (social_q(envy=5.0, guilt=0.05), "tabular learning that dislikes to have less, or more"),
}
"""Name -> how to make it, and what it is."""
ALIASES = {"oracle": "altruistic", "always-help": "altruistic", "always_help": "altruistic", "tabular_q": "tabular-q"}


def find(text: str) -> Maker:
    """What makes the agent `text` (module docstring). Raises `UnknownName` for a name or attribute that there is not,
    `ConfigError` for what cannot be imported or is no agent, `BackendUnavailable` where a library is missing."""
    if text.lower().endswith(".zip"):
        model = _saved(Path(text))
        return lambda dilemma, episodes: _player(model, dilemma, text)
    if ":" in text:
        thing = _imported(text)
        return lambda dilemma, episodes: _player(thing, dilemma, text)
    name = ALIASES.get(text.strip().lower(), text.strip().lower())
    if name not in NAMES:
        raise UnknownName("agent (or give package.module:thing, or a model.zip)", text, (*NAMES, *ALIASES))
    return NAMES[name][0]


def _imported(text: str) -> Any:
    module, _, name = text.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        thing: Any = importlib.import_module(module)
    except Exception as problem:
        raise ConfigError(f"{text}: {module} cannot be imported ({type(problem).__name__}: {problem})") from problem
    for part in name.split("."):
        if not hasattr(thing, part):
            raise UnknownName(f"attribute of {module}", part, (each for each in vars(thing) if each[0] != "_"))
        thing = getattr(thing, part)
    if not (_plays(thing) or callable(thing)):
        raise ConfigError(
            f"{text} is a {type(thing).__name__}; give a bisnn agent, an object with predict, a policy "
            "callable(observation, agent) -> action, or a function of the dilemma that makes one"
        )
    return thing


def _saved(path: Path) -> Any:
    """A saved model of Stable-Baselines3."""
    if not path.is_file():
        raise ConfigError(f"{path}: there is no such file")
    try:
        import stable_baselines3 as library
    except ImportError as problem:
        raise BackendUnavailable(f"{path} needs Stable-Baselines3; pip install stable-baselines3") from problem
    said = []
    for kind in (library.PPO, library.A2C, library.DQN):
        try:
            return kind.load(path, device="cpu")
        except Exception as problem:
            said.append(f"{kind.__name__}: {type(problem).__name__}: {problem}"[:200])
    raise ConfigError(
        f"{path} is no saved PPO, A2C or DQN ({'; '.join(said)}); give module:thing for another algorithm"
    )


def _plays(thing: Any) -> bool:
    """Whether it can play as it is."""
    return not isinstance(thing, type) and (
        isinstance(thing, Agent | Insider) or callable(getattr(thing, "predict", None))
    )


def _player(thing: Any, dilemma: Dilemma, text: str) -> Player:
    """What was imported, as a player of a dilemma."""
    if not _plays(thing) and (isinstance(thing, type) or _asked(thing) == 1):
        thing = thing(dilemma) if _asked(thing) else thing()
        if not (_plays(thing) or callable(thing)):
            raise ConfigError(f"{text} made a {type(thing).__name__}, which is no agent and no policy")
    if isinstance(thing, Agent | Insider):
        return thing
    from bisnn.agents.foreign import Policy

    if callable(getattr(thing, "predict", None)):
        return Policy(_predictor(thing, dilemma), dilemma, batched=True)
    me = dilemma.agents[0]
    return Policy(lambda seen: thing(seen, me), dilemma)


def _asked(thing: Any) -> int:
    """How many arguments a call must give; 2 where that cannot be told."""
    try:
        given = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return 2
    return sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in given)


def _predictor(model: Any, dilemma: Dilemma) -> Callable[[dict[str, Any]], Any]:
    """Observations `[N]` -> actions of a model. Raises `ShapeMismatch` where it was trained for other observations."""
    from gymnasium import spaces

    from bisnn.agents import interfaces

    ours, theirs = interfaces.observation_space(dilemma), getattr(model, "observation_space", None)
    acts = getattr(model, "action_space", None)
    flat = isinstance(theirs, spaces.Box) and theirs.shape == spaces.flatten_space(ours).shape
    if not flat and theirs is not None and theirs != ours:
        raise ShapeMismatch(f"it was trained on observations {theirs}, {dilemma.name} gives {ours}")
    if acts is not None and acts != interfaces.action_space(dilemma):
        raise ShapeMismatch(
            f"it was trained with actions {acts}, {dilemma.name} has {interfaces.action_space(dilemma)}"
        )

    def choose(seen: dict[str, Any]) -> Any:
        if flat:
            each = [{name: part[i] for name, part in seen.items()} for i in range(len(seen["place"]))]
            return model.predict(np.stack([np.asarray(spaces.flatten(ours, one)) for one in each]), deterministic=True)[
                0
            ]
        return model.predict(seen, deterministic=True)[0]

    return choose
