"""Attention among several faces: whose distress is greatest, and how long it is kept in mind.

    m_k <- m_k + (a_k - m_k) / n_k,  n_k <- min(n_k + 1, span)        while face k is seen
    m_k <- 0, n_k <- 0                                              where it shows calm
    felt_k = grading m_k + (1 - grading) [m_k > threshold]          grading 1: graded; 0: all or none

a_k is the vicarious affect of a look at face k. A hidden face is as it was last seen. Who is felt most, of those who
can still be helped, has the attention, and keeps it until another is felt more by `hold`. A lot decides among equals.
To leave those beyond help out of it is the rule of triage ("expectant"), and a decision of the model.

Iserson, Moskop (2007) Triage in medicine, part I. doi:10.1016/j.annemergmed.2006.05.019
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.agents.expression import shows_calm
from bisnn.errors import ShapeMismatch


class Attention(NamedTuple):
    """What is kept in mind of every face."""

    affect: Tensor  # [*B, faces] mean vicarious affect, m
    signal: Tensor  # [*B, faces] mean of what a look does to dopamine cells
    looks: Tensor  # [*B, faces] float32 looks averaged, n
    focus: Tensor  # [*B] int64 the face attended; -1 none


def nobody(key: Tensor, faces: int) -> Attention:
    """Attention before the first look, for individuals `key` int64 `[*B]`."""
    zero = torch.zeros(*key.shape, faces, device=key.device)
    return Attention(zero, zero, zero, torch.full_like(key, -1))


def forgotten(attention: Attention, fresh: Tensor) -> Attention:
    """The attention, empty where an episode begins (`fresh` bool `[*B]`)."""
    keep = (~fresh)[..., None].to(attention.affect.dtype)
    affect, signal, looks = (part * keep for part in attention[:3])
    return Attention(affect, signal, looks, torch.where(fresh, -1, attention.focus))


def faces_of(expression: Tensor, cells: int, most: int) -> Tensor:
    """The faces `[*B, f, cells]` in what is seen `[*B, f * cells]`. Raises `ShapeMismatch` for more than `most`."""
    seen, rest = divmod(expression.shape[-1], cells)
    if rest or not 1 <= seen <= most:
        raise ShapeMismatch(
            f"{expression.shape[-1]} cells are not 1 to {most} faces of {cells}; set faces to their number"
        )
    faces: Tensor = expression.unflatten(-1, (seen, cells))
    return faces


def marks_of(view: Tensor, faces: int) -> tuple[Tensor, Tensor] | None:
    """Of every face seen, bool `[*B, faces]` each: whether it bears the mark of the other group, and whether it is
    beyond help; None where the view does not say so, one mark for each face, then one more for each."""
    if view.shape[-1] != 2 * faces or view.dim() < 2:
        return None
    return view[..., :faces] > 0, view[..., faces:] > 0


def remember(attention: Attention, face: Tensor, affect: Tensor, signal: Tensor, span: int) -> Attention:
    """What is kept after a look at every face `[*B, f, cells]` that evoked `affect` and `signal` `[*B, f]`."""
    seen, missing = (face > 0).any(-1), attention.affect.shape[-1] - face.shape[-2]
    calm = shows_calm(face)
    if missing:
        seen, calm = (torch.nn.functional.pad(part, (0, missing)) for part in (seen, calm))
        affect, signal = (torch.nn.functional.pad(part, (0, missing)) for part in (affect, signal))
    looks = (attention.looks + 1.0).clamp(max=float(span))
    kept = []
    for old, value in ((attention.affect, affect), (attention.signal, signal)):
        after = torch.where(calm, 0.0, old + (value - old) / looks)
        kept.append(torch.where(seen, after, old))
    counted = torch.where(seen, torch.where(calm, 0.0, looks), attention.looks)
    return Attention(kept[0], kept[1], counted, attention.focus)


def attend(level: Tensor, able: Tensor, held: Tensor, lot: Tensor, threshold: float, hold: float) -> Tensor:
    """The face that gets attention, int64 `[*B]`, -1 for none.

    `level` `[*B, faces]` felt for each, `able` bool `[*B, faces]` who can be helped, `held` int64 `[*B]` who had it,
    `lot` uniform `[*B, faces]`; who is felt no more than `threshold` gets none.
    """
    felt = torch.where(able & (level > threshold), level, -1.0)
    most = felt.amax(-1, keepdim=True)
    drawn = torch.where(felt == most, lot, -1.0).argmax(-1)
    mine = felt.gather(-1, held.clamp(min=0)[..., None])
    stays = (held >= 0) & ((mine > 0) & (most - mine <= hold))[..., 0]
    return torch.where(most[..., 0] > 0, torch.where(stays, held, drawn), -1)


def situation(place: Tensor, places: int, focus: Tensor) -> Tensor:
    """The state int64 `[*B]` that is learned about: place x (nobody, or who is attended)."""
    return place + places * (focus + 1)


class Course(NamedTuple):
    """What was chosen last, and what it has brought since; `[*B]` each."""

    chosen: Tensor  # int64 destination, or move
    gathered: Tensor  # discounted rewards since the choice
    factor: Tensor  # discount of the next reward, gamma^k after k steps
    place: Tensor  # int64 where it was at the last look
    over: Tensor  # bool: the episode has ended since


def nowhere(key: Tensor) -> Course:
    """The course before the first choice, for individuals `key` int64 `[*B]`."""
    zero = torch.zeros(key.shape, device=key.device)
    return Course(torch.zeros_like(key), zero, zero + 1.0, torch.full_like(key, -1), zero > 0)


def further(course: Course, reward: Tensor, gamma: float, fresh: Tensor) -> Course:
    """The course after `reward` `[*B]` of the last step; nothing is gathered where an episode begins."""
    started = (~fresh).to(reward.dtype)
    gathered = (course.gathered + course.factor * reward) * started
    return course._replace(gathered=gathered, factor=course.factor * gamma)


def decides(course: Course, before: Tensor, focus: Tensor, place: Tensor, fresh: Tensor) -> Tensor:
    """Whether it chooses anew, bool `[*B]`: an episode begins or ends, attention has changed, or it has not moved."""
    return fresh | course.over | (before != focus) | (course.place == place)


def set_out(course: Course, anew: Tensor, chosen: Tensor, place: Tensor) -> Course:
    """The course after a step's choice: a new one where `anew`, else the old one goes on."""
    return Course(
        chosen=torch.where(anew, chosen, course.chosen),
        gathered=torch.where(anew, 0.0, course.gathered),
        factor=torch.where(anew, 1.0, course.factor),
        place=place,
        over=torch.zeros_like(course.over),
    )


def moves(routes: tuple[tuple[int, ...], ...], place: Tensor, chosen: Tensor) -> Tensor:
    """The move int64 `[*B]` from `place` that leads to the `chosen` destination by its route."""
    return torch.tensor(routes, device=place.device)[chosen, place]


def summed(values: Tensor) -> Tensor:
    """The sum over faces, one by one: `[*B, faces]` to `[*B]`."""
    first, *others = values.unbind(-1)
    for value in others:
        first = first + value
    return first
