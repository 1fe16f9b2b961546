"""Kinds of dilemmas: what each means, as inequalities that a certificate meets or does not.

    T  defects while the others cooperate      R  all cooperate
    P  all defect                              S  cooperates while the others defect

Rapoport, Chammah (1965) Prisoner's dilemma. doi:10.3998/mpub.20269; Dawes (1980) Social dilemmas.
doi:10.1146/annurev.ps.31.020180.001125; Kollock (1998) doi:10.1146/annurev.soc.24.1.183; Berg, Dickhaut, McCabe (1995)
Trust, reciprocity, and social history. doi:10.1006/game.1995.1027; Foot (1967) doi:10.1093/0199252866.003.0002
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from bisnn.agents.base import Payoff
from bisnn.errors import ConfigError, pick

Conditions = Callable[[Payoff], Mapping[str, bool]]


class Kind(NamedTuple):
    """A kind of dilemma."""

    meaning: str
    conditions: Conditions  # certificate -> inequality: whether it holds


def _costly(payoff: Payoff) -> dict[str, bool]:
    """What all kinds share: helping has a price, and it brings somebody something."""
    return {"cost of helping > 0": payoff.cost_of_helping > 0, "benefit > 0": payoff.benefit > 0}


def _game(*inequalities: str) -> Conditions:
    """Conditions on the game: chains such as `T > R > P > S`; `2R > T + S` is written as such."""

    def conditions(payoff: Payoff) -> dict[str, bool]:
        game = payoff.game
        return _costly(payoff) | {text: _holds(text, game) for text in inequalities}

    return conditions


def _holds(chain: str, game: Mapping[str, float]) -> bool:
    """Whether a chain such as `R > T >= P > S` holds; every letter must be there."""
    words = chain.split()
    values, signs = [game.get(word) for word in words[::2]], words[1::2]
    if any(value is None for value in values):
        return False
    return all(a > b if sign == ">" else a >= b for a, sign, b in zip(values, signs, values[1:], strict=False))  # type: ignore[operator]


def _omission(payoff: Payoff) -> dict[str, bool]:
    """Acting saves more than it harms, and harms somebody."""
    saved, harmed = payoff.game.get("saved", 0.0), payoff.game.get("harmed", 0.0)
    return _costly(payoff) | {"saved > harmed": saved > harmed, "harmed > 0": harmed > 0}


KINDS: Mapping[str, Kind] = {
    "altruism": Kind("Helping costs the helper and brings it nothing; it relieves another.", _costly),
    "snowdrift": Kind(
        "The work is worth doing even alone, but better left to others (chicken).", _game("T > R > S > P")
    ),
    "stag hunt": Kind("Together is best for all, but whoever joins alone loses.", _game("R > T >= P > S")),
    "social dilemma": Kind("Whoever defects gains, and all lose if all do.", _game("T > R > P > S")),
    "trust": Kind(
        "Trust makes more of what is given, and whoever is trusted gains by keeping it.", _game("R > P > S", "T > R")
    ),
    "omission": Kind("To save more, one must oneself harm some; to let it happen takes nothing.", _omission),
    "volunteer's dilemma": Kind(
        "One volunteer is enough for all and each would rather it were another, but not that nobody is.",
        _game("T > R >= S > P"),
    ),
}
"""Name -> what it means and demands."""


def conditions(payoff: Payoff) -> dict[str, bool]:
    """The inequalities that the kind of `payoff` demands, and whether each holds. Raises `UnknownName`."""
    return dict(KINDS[pick("kind of dilemma", payoff.kind, KINDS)].conditions(payoff))


def volunteering(cost: float, benefit: float, players: int) -> tuple[float, float]:
    """The mixed equilibrium of a volunteer's dilemma: how likely one player volunteers, and how likely anybody does.

        1 - p = (cost / benefit)^(1 / (players - 1))          anybody: 1 - (cost / benefit)^(players / (players - 1))

    Both fall with the number of `players`. `cost` of the volunteer, `benefit` of each where there is one, above it.
    Diekmann (1985) doi:10.1177/0022002785029004003. Raises `ConfigError`.
    """
    if not (players >= 2 and 0 < cost < benefit):
        raise ConfigError(
            f"{players} players, cost {cost:g}, benefit {benefit:g}; a volunteer's dilemma has 2 or more players "
            f"and 0 < cost < benefit"
        )
    nobody = (cost / benefit) ** (players / (players - 1))
    return 1.0 - (cost / benefit) ** (1 / (players - 1)), 1.0 - nobody
