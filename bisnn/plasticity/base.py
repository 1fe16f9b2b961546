"""What a plasticity rule is: a frozen dataclass with `init` and a pure `step`.

A rule sees one projection's weights and spikes and one modulator's level; it proposes a change.
The circuit alone applies and bounds it: w <- clip(w + plastic * dw, bounds).
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Rule(Protocol):
    """A plasticity rule; its fields are parameters, its trace a NamedTuple of tensors."""

    @property
    def modulator(self) -> str | None:
        """Name of the modulator it listens to; None: unsupervised."""
        ...

    def init(self, weight: Tensor) -> Any:
        """Empty traces for weights `[*B, pre, post]`."""
        ...

    def step(
        self, trace: Any, weight: Tensor, pre: Tensor, post: Tensor, level: Tensor | None, dt: float
    ) -> tuple[Tensor, Any]:
        """One tick: spikes `pre` `[*B, pre]` and `post` `[*B, post]`, modulator `level` `[*B]`; to the
        weight change `[*B, pre, post]` and the next trace."""
        ...


def outer(pre: Tensor, post: Tensor) -> Tensor:
    """The product of every pre value with every post value, `[*B, pre, post]`: one matrix per individual."""
    return pre[..., :, None] * post[..., None, :]
