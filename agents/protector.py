"""A body that protects itself: it predicts, feels, remembers what hurt it, and stops before it is hurt again.

    look ahead -> alarm? -> move, or stay -> feel the movement -> pain? -> bind

The bodily self (`Body`) turns the error of its own prediction into pain; `Protection` binds what it stands on to the
onset of pain. Where a movement is vetoed no command is sent (no command cell is driven) and nothing is predicted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.circuit import CircuitState
from bisnn.gates import NO_GATES, Gates
from bisnn.interventions import Targets
from bisnn.recording import Probe, Recording
from bisnn.systems.body import Body, Feeling
from bisnn.systems.protection import Protection, Verdict

NO_COMMAND = -1
"""In place of an action: no command cell is driven."""


class ProtectorState(NamedTuple):
    """A batch of protected bodies."""

    body: CircuitState
    protection: CircuitState
    patterns: Tensor  # [*B, things + 1, objects] object cells of nothing (0) and of every thing


@dataclass(frozen=True, kw_only=True)
class Protector:
    """A body and its protection (module docstring)."""

    things: int = 5
    """Things that it can see."""
    body: Body = field(default_factory=Body)
    """The bodily self."""
    protection: Protection = field(default_factory=Protection)
    """The two alarms and the veto."""

    @property
    def targets(self) -> Targets:
        """What ablations can name."""
        return Targets.of((self.body.circuit, self.protection.circuit), senses=("sight",))

    def init(self, key: Tensor, gates: Gates = NO_GATES) -> ProtectorState:
        """Individuals `key` int64 `[*B]` that know their bodies (by babbling) and fear nothing."""
        seen = [self.protection.pattern(key, number) for number in range(self.things)]
        return ProtectorState(
            body=self.body.babble(self.body.init(key), gates),
            protection=self.protection.init(key),
            patterns=torch.stack((torch.zeros_like(seen[0]), *seen), -2),
        )

    def look(self, state: ProtectorState, thing: Tensor) -> Tensor:
        """The object cells `[*B, objects]` of a thing int64 `[*B]`; 0: nothing."""
        index = thing[..., None, None].expand(*thing.shape, 1, state.patterns.shape[-1])
        return state.patterns.gather(-2, index)[..., 0, :]

    def intend(
        self,
        state: ProtectorState,
        action: Tensor,
        ahead: Tensor,
        gates: Gates = NO_GATES,
        probes: tuple[Probe, ...] = (),
    ) -> tuple[Verdict, ProtectorState, Recording]:
        """Look at `ahead` `[*B, objects]` while `action` int64 `[*B]` is intended."""
        verdict, protection, seen = self.protection.intend(state.protection, action, ahead, gates, probes)
        return verdict, state._replace(protection=protection), seen

    def undergo(
        self,
        state: ProtectorState,
        action: Tensor,
        touch: Tensor,
        moved: Tensor,
        ground: Tensor,
        gates: Gates = NO_GATES,
        probes: tuple[Probe, ...] = (),
    ) -> tuple[Feeling, Tensor, ProtectorState, Recording]:
        """Feel a step: `moved` `[*B, 2]` cells from the `ground` `[*B, objects]` after the command `action` int64
        `[*B]` (`NO_COMMAND`: vetoed, or led), with a wall to `touch` ahead or none, bool `[*B]`. What the body feels,
        and the alarm of actual injury, bool `[*B]`."""
        feeling, _ = self.body.feel(state.body, action, touch, moved, gates)
        own = (moved != 0.0).any(-1)
        alarm, protection, seen = self.protection.undergo(state.protection, feeling.pain, own, ground, gates, probes)
        return feeling, alarm, state._replace(protection=protection), seen


EXAMPLES = (Protector(), Protector(things=2, protection=Protection(rate=0.2)))
"""Protected bodies of the exams."""
