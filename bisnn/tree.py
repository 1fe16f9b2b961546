"""Trees of tensors: states are NamedTuples, dicts and tuples whose leaves are tensors.

Shape letters used in every docstring: `*B` individuals (normally arm, seed), `n` units,
`pre`, `post` the two ends of a projection, `T` ticks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from bisnn.errors import StateMismatch


def map(function: Callable[..., Any], tree: Any, *others: Any) -> Any:  # noqa: A001
    """`tree` with `function` applied to every tensor leaf (and the same leaves of `others`)."""
    if isinstance(tree, Tensor):
        return function(tree, *others)
    if isinstance(tree, dict):
        return {key: map(function, value, *(other[key] for other in others)) for key, value in tree.items()}
    if isinstance(tree, tuple):
        parts = [map(function, value, *(other[i] for other in others)) for i, value in enumerate(tree)]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    return tree


def expand_right(mask: Tensor, like: Tensor) -> Tensor:
    """`mask` `[*B]` with singleton dims appended until it broadcasts over `like` `[*B, ...]`."""
    return mask.reshape(mask.shape + (1,) * (like.dim() - mask.dim()))


def where(mask: Tensor, yes: Any, no: Any) -> Any:
    """Individual by individual: the leaves of `yes` where `mask` `[*B]`, else those of `no`."""
    return map(lambda a, b: a if a is b else torch.where(expand_right(mask, a), a, b), yes, no)


def take(tree: Any, index: Tensor) -> Any:
    """The individuals `index` (int64) of a tree whose batch is one-dimensional; shared leaves stay shared."""

    def chosen(leaf: Tensor) -> Tensor:
        if leaf.dim() > 1 and leaf.stride(0) == 0:
            return leaf[:1].expand(len(index), *leaf.shape[1:])
        return leaf.index_select(0, index)

    return map(chosen, tree)


def compact(leaf: Tensor) -> Tensor:
    """The leaf without the repetitions of an expanded view (those dims become 1), contiguous."""
    for dim, (size, stride) in enumerate(zip(leaf.shape, leaf.stride(), strict=True)):
        if size > 1 and stride == 0:
            leaf = leaf.narrow(dim, 0, 1)
    return leaf.contiguous()


def leaves(tree: Any, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """`(path, tensor)` for every leaf, in a fixed order; paths join names with `/`."""
    if isinstance(tree, Tensor):
        yield prefix, tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, f"{prefix}/{key}" if prefix else str(key))
    elif isinstance(tree, tuple):
        names = getattr(tree, "_fields", range(len(tree)))
        for name, value in zip(names, tree, strict=True):
            yield from leaves(value, f"{prefix}/{name}" if prefix else str(name))


def flatten(tree: Any, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """`leaves`, each compact."""
    for path, leaf in leaves(tree, prefix):
        yield path, compact(leaf)


def restore(like: Any, saved: dict[str, Tensor], prefix: str = "") -> Any:
    """The tree `like` with its leaves replaced by those named in `saved`.

    Raises `StateMismatch` when a leaf is missing or has another shape or dtype.
    """
    if isinstance(like, Tensor):
        leaf = saved.get(prefix)
        if leaf is None:
            raise StateMismatch(f"the saved state has no {prefix!r}; it was written by another plan or version")
        if leaf.shape != compact(like).shape or leaf.dtype != like.dtype:
            raise StateMismatch(
                f"{prefix!r} was saved as {leaf.dtype}{list(leaf.shape)}, "
                f"this plan needs {like.dtype}{list(like.shape)}; use the configuration it was saved with"
            )
        return leaf.to(like.device).expand(like.shape)
    if isinstance(like, dict):
        return {key: restore(value, saved, f"{prefix}/{key}" if prefix else str(key)) for key, value in like.items()}
    if isinstance(like, tuple):
        names = getattr(like, "_fields", range(len(like)))
        parts = [
            restore(value, saved, f"{prefix}/{name}" if prefix else str(name))
            for name, value in zip(names, like, strict=True)
        ]
        return type(like)(*parts) if hasattr(like, "_fields") else tuple(parts)
    return like
