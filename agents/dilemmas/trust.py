"""Trust game: to trust makes more of what one has, and whoever is trusted gains by keeping it.

Every round has two steps. In the first the investor sends the part x = a / k of its endowment e; it arrives
multiplied by m. In the second the trustee returns the part b / k of what arrived:

    investor  e - e x + e m x b / k          trustee  e m x (1 - b / k)          a, b = 0 ... k,  k = levels - 1

Who has nothing to decide in a step acts without effect. Both then see the other's face until the next round has
ended: an investor that got back less than it sent shows distress, the more the greater its loss as a part of e.
With `alternate` the two take turns as investor.

After Berg, Dickhaut, McCabe (1995) Trust, reciprocity, and social history. doi:10.1006/game.1995.1027
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.agents import checks
from bisnn.agents.base import GOALS, Ledger, Mark, Obs, Outcome, Payoff, Picture, Senses
from bisnn.agents.clock import EPISODE
from bisnn.agents.dilemmas.world import Turn, World, WorldState
from bisnn.agents.expression import Expression
from bisnn.errors import ConfigError, pick

INVESTOR, TRUSTEE, DISTRESS, COIN = "#0072B2", "#009E73", "#D55E00", "#F0E442"


class TrustScene(NamedTuple):
    """What has been given so far."""

    sent: Tensor  # [*B] int64 level that the investor sent in this round
    last: Tensor  # [*B, agent] int64 level of the last decision of each; `levels` before the first
    distress: Tensor  # [*B, agent] float32 in [0, 1], loss of the last round's investor as a part of its endowment


class Roles(NamedTuple):
    """Who does what in one step."""

    investing: Tensor  # [*B] bool: the investor decides; otherwise the trustee does
    invests: Tensor  # [*B, agent] bool: is the investor of the round
    decides: Tensor  # [*B, agent] bool


@dataclass(frozen=True, kw_only=True)
class Trust(World):
    """The repeated trust game of two.

    Observation: `place` `[*B, 2]`, (what is decided, own role) and the other's last decision; `expression`
    `[*B, 2, cells]`, the other's face; `view` `[*B, 2, 4]`. Actions: the part to send or to return.
    Raises `ConfigError` where trust that is honoured would not pay, or a half cannot be returned.
    """

    name: ClassVar[str] = "trust_v0"
    traits: ClassVar[tuple[str, ...]] = ("multiplier", "observability")

    rounds: int = 10
    """Rounds of an episode; each takes two steps."""
    levels: int = 5
    """Parts that can be sent or returned, 0 and all included; odd, so that a half is among them."""
    endowment: float = 4.0
    """What the investor of a round has, in units of reward."""
    multiplier: float = 3.0
    """How many times what is sent arrives; above 2, so that trust pays where half is returned."""
    alternate: bool = False
    """Whether the two take turns as investor, the first agent beginning."""
    observability: float = 1.0
    """Probability that the other's face is seen, per step and agent."""
    expression: Expression = field(default_factory=Expression)
    """How a face shows distress."""

    def __post_init__(self) -> None:
        checks.within(0, 1, observability=self.observability)
        if not 1 <= self.rounds <= (EPISODE - 1) // 2:
            raise ConfigError(f"rounds = {self.rounds}; give 1 to {(EPISODE - 1) // 2}")
        if self.levels < 3 or self.levels % 2 == 0:
            raise ConfigError(f"levels = {self.levels}; give an odd number, 3 or more, so that a half can be returned")
        if not 0 < self.endowment < float("inf"):
            raise ConfigError(f"endowment = {self.endowment}; who has nothing cannot trust: give more than 0")
        if not 2 < self.multiplier < float("inf"):
            raise ConfigError(
                f"multiplier = {self.multiplier}: trust of which half is returned does not pay, so R > P fails; "
                f"give more than 2"
            )

    @property
    def agents(self) -> tuple[str, ...]:
        """Investor and trustee, or the first and the second where they take turns."""
        return ("first", "second") if self.alternate else ("investor", "trustee")

    @property
    def parties(self) -> tuple[str, ...]:
        """The two agents."""
        return self.agents

    @property
    def actions(self) -> tuple[str, ...]:
        """The part that is sent or returned."""
        most = self.levels - 1
        return ("nothing", *(f"{level}/{most}" for level in range(1, most)), "all")

    @property
    def horizon(self) -> int:
        """Two steps for each round."""
        return 2 * self.rounds

    @property
    def senses(self) -> Senses:
        """What is decided, by whom, the other's last decision, and its face."""
        features = ("I decide", "I am the investor", "what the other gave last", "rounds left")
        return Senses(4 * (self.levels + 1), ("the other",), self.expression.cells, features)

    def shares(self, sent: int, back: int) -> tuple[float, float]:
        """What a round brings investor and trustee when the levels `sent` and `back` are given."""
        most = self.levels - 1
        arrived = self.endowment * self.multiplier * sent / most
        returned = arrived * back / most
        return self.endowment * (1 - sent / most) + returned, arrived - returned

    def payoff(self) -> Payoff:
        """The certificate, by backward induction of the round: the trustee's best reply, then the investor's. The
        round has one equilibrium outcome, so the repetition to a known end has no other."""
        levels, most = range(self.levels), self.levels - 1
        reply = [max(levels, key=lambda back, sent=sent: self.shares(sent, back)[1]) for sent in levels]  # type: ignore[misc]
        best = max(levels, key=lambda sent: self.shares(sent, reply[sent])[0])
        turns = (self.rounds + 1) // 2 if self.alternate else self.rounds
        (selfish, without), (altruistic, given) = self.shares(best, reply[best]), self.shares(most, reply[most])
        as_trustee = (self.rounds - turns if self.alternate else 0) * self.shares(best, reply[best])[1]
        honoured = self.shares(most, most // 2)
        return Payoff(
            kind="trust",
            cost_of_helping=turns * (selfish - altruistic),
            benefit=turns * (given - without),
            selfish=turns * selfish + as_trustee,
            altruistic=turns * altruistic + as_trustee,
            fair=self.rounds * min(honoured),
            against=f"{self.agents[0]} sends all or nothing, while {self.agents[1]} plays for itself (returns nothing, "
            "sends nothing); fair where both are; benefit in the other's reward; T, R, P, S of a round: the trustee "
            "keeps all; the investor gets half back, sends nothing, gets nothing back",
            game={"T": self.shares(most, 0)[1], "R": honoured[0], "P": selfish, "S": altruistic},
        )

    def roles(self, t: Tensor) -> Roles:
        """Who does what in the step after `t` `[*B]` steps of an episode."""
        investing = t % 2 == 0
        first = (t // 2 % 2 == 0) | (not self.alternate)
        invests = torch.stack((first, ~first), dim=-1)
        return Roles(investing, invests, invests == investing[..., None])

    def opening(self, key: Tensor, moment: Tensor, traits: Mapping[str, Tensor]) -> TrustScene:
        """Nothing has been given, nobody is in distress."""
        both = torch.zeros((*key.shape, 2), dtype=torch.int64, device=key.device)
        return TrustScene(both[..., 0], both + self.levels, both.to(torch.float32))

    def given(self, t: Tensor, scene: TrustScene, actions: Tensor, multiplier: Tensor) -> tuple[Roles, Tensor, Tensor]:
        """Who does what in the step after `t`, what the one who decides gives up and what the other gets, `[*B]`."""
        roles, most = self.roles(t), self.levels - 1
        deed = (actions * roles.decides).sum(-1)
        arrived = scene.sent * (self.endowment / most) * multiplier
        paid = torch.where(roles.investing, deed * (self.endowment / most), deed * arrived / most)
        return roles, paid, torch.where(roles.investing, paid * multiplier, paid)

    def move(
        self, key: Tensor, moment: Tensor, scene: TrustScene, actions: Tensor, traits: Mapping[str, Tensor]
    ) -> Turn:
        """Who decides sends or returns the part `actions` `[*B, 2]` says."""
        t = moment % EPISODE
        roles, paid, gained = self.given(t - 1, scene, actions, traits["multiplier"])
        own = torch.where(roles.investing, self.endowment - paid, -paid)
        reward = torch.where(roles.decides, own[..., None], gained[..., None])
        investing = roles.investing[..., None]
        sent = torch.where(roles.investing, (actions * roles.decides).sum(-1), scene.sent)
        decided = roles.decides & (sent[..., None] > 0) | (roles.decides & investing)
        lost = (sent * (self.endowment / (self.levels - 1)) - gained).clamp(min=0) / self.endowment
        distress = torch.where(investing, scene.distress, roles.invests * lost[..., None])
        info = {
            "invested": torch.where(roles.investing, paid, 0.0),
            "returned": torch.where(roles.investing, 0.0, paid),
            "decides": roles.decides,
            "exploited": roles.invests & ~investing & (lost[..., None] > 0),
        }
        after = TrustScene(sent, torch.where(decided, actions, scene.last), distress)
        return Turn(after, reward, t >= self.horizon, info)

    def observe(self, key: Tensor, moment: Tensor, scene: TrustScene, traits: Mapping[str, Tensor]) -> Obs:
        """What each perceives: whose turn it is, what the other gave last, and the other's face."""
        t = moment % EPISODE
        roles = self.roles(t)
        other = scene.last.flip(-1)
        place = ((roles.investing[..., None] * 2 + roles.invests) * (self.levels + 1)) + other
        streams = {name: 2 * count for name, count in self.expression.streams.items()}
        noise = rng.uniforms(key, moment, {**streams, "trust/seen": 2})
        seen = noise.pop("trust/seen") < traits["observability"][..., None]
        faces = {name: values.unflatten(-1, (2, -1)) for name, values in noise.items()}
        face = self.expression.pattern(scene.distress.flip(-1), faces) * seen[..., None]
        left = (self.rounds - t // 2)[..., None].expand(other.shape) / self.rounds
        gave = torch.where(other < self.levels, other, 0) / (self.levels - 1)
        view = torch.stack((roles.decides.to(left.dtype), roles.invests.to(left.dtype), gave, left), dim=-1)
        return Obs(place, face, view)

    def ledger(self, before: WorldState, actions: Tensor, after: WorldState, outcome: Outcome) -> Ledger:
        """Who decides may help: the investor by what arrives, the trustee by what it returns, if anything was sent."""
        alive = ~outcome.started
        roles, paid, gained = self.given(before.t, before.scene, actions, before.traits["multiplier"])
        decides = roles.decides & alive[..., None]
        given = decides * gained[..., None]
        none = torch.zeros_like(given[..., 0])
        return Ledger(
            need=decides & (roles.investing | (before.scene.sent > 0))[..., None],
            help=torch.stack(
                (torch.stack((none, given[..., 0]), dim=-1), torch.stack((given[..., 1], none), dim=-1)), dim=-2
            ),
            cost=decides * paid[..., None],
            welfare=outcome.reward,
        )

    def advise(self, state: WorldState, goal: str) -> Tensor:
        """Selfish: give nothing. Altruistic: give all. Fair: send all, return half."""
        goal, most = pick("goal", goal, GOALS), self.levels - 1
        roles = self.roles(state.t)
        back = {"selfish": 0, "altruistic": most, "fair": most // 2}[goal]
        part = torch.where(roles.investing, 0 if goal == "selfish" else most, back)
        return roles.decides * part[..., None]

    def audit(self, state: WorldState) -> dict[str, Tensor]:
        """What must hold of every state."""
        scene, most = state.scene, self.levels - 1
        calm = (scene.distress == 0).all(-1)
        return {
            "what was sent is a level": (scene.sent >= 0) & (scene.sent <= most),
            "decisions are levels": ((scene.last >= 0) & (scene.last <= most + 1)).all(-1),
            "distress lies between 0 and 1": ((scene.distress >= 0) & (scene.distress <= 1)).all(-1),
            "at most one is in distress": ~(scene.distress > 0).all(-1),
            "nobody is in distress before a round has ended": calm | (state.t >= 2),
            "the time is within the horizon": (state.t >= 0) & (state.t <= self.horizon),
            "the last round ends the episode": state.over == (state.t >= self.horizon),
        }

    def picture(self, state: WorldState, individual: int = 0) -> Picture:
        """The two face to face, and between them what was sent in this round."""
        t, scene = state.t[individual], state.scene
        roles = self.roles(t)
        sad = [bool(value > 0) for value in scene.distress[individual]]
        invests = [bool(value) for value in roles.invests]
        sent = 0 if bool(roles.investing) else int(scene.sent[individual])
        columns = self.levels + 3
        marks = [
            Mark((x, 1), letter, DISTRESS if pain else INVESTOR if role else TRUSTEE, "face")
            for x, letter, pain, role in zip((0, columns - 1), "IT" if invests[0] else "TI", sad, invests, strict=True)
        ]
        coins = tuple(Mark((2 + k, 1), "o", COIN, "disc") for k in range(sent))
        who = self.agents[0 if bool(roles.decides[0]) else 1]
        turn = "the episode is over" if bool(state.over[individual]) else f"{who} decides"
        return Picture(
            columns=columns,
            rows=3,
            ground=coins,
            marks=tuple(marks),
            text=f"round {min(int(t) // 2 + 1, self.rounds)} of {self.rounds}: {turn}; sent {sent}/{self.levels - 1}",
        )


EXAMPLES = (
    Trust(),
    Trust(rounds=3, levels=3, endowment=1.0, multiplier=2.5, alternate=True, observability=0.8,
          expression=Expression(cells=24)),
)  # fmt: skip
