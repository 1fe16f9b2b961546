"""Initialisers that cannot be: refused where they are made, or where they do not fit their projection."""

import math

import pytest
import torch

from bisnn.circuit import Area, Circuit, Projection
from bisnn.errors import ConfigError, ShapeMismatch
from bisnn.initialisers import Bernoulli, Blocks, Constant, FixedFan, OneToOne, Uniform
from bisnn.neurons import IF
from bisnn.spatial import Distance

KEY = torch.arange(2)


def pair(weight):
    """4 units -> 3 units with these weights."""
    areas = {"pre": Area(n=4, neuron=IF()), "post": Area(n=3, neuron=IF())}
    return Circuit(areas=areas, projections=(Projection(source="pre", target="post", weight=weight),))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "make",
    [
        Constant,
        OneToOne,
        lambda value: Uniform(value, 1.0),
        lambda value: Uniform(0.0, value),
        lambda value: Bernoulli(0.5, value=value),
        lambda value: FixedFan(2, value=value),
        lambda value: Blocks((((0, 1), (0, 1), value),)),
    ],
)
def test_weights_are_finite(make, value):
    with pytest.raises(ConfigError, match=r"finite|low <= high"):
        make(value)


def test_initialisers_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match=r"low = 1, high = 0; give values with low <= high"):
        Uniform(1, 0)
    for field, value in (("first_pre", -1), ("first_post", -2), ("count", -1), ("count", 1.5), ("first_pre", None)):
        with pytest.raises(ConfigError, match=f"OneToOne: {field} is {value}; give a whole number of at least 0"):
            OneToOne(1.0, **{field: value})
    for one in (OneToOne(1.0, count=9), OneToOne(1.0, first_pre=4), OneToOne(1.0, first_post=2, count=2)):
        with pytest.raises(ShapeMismatch, match=r"projection 'pre->post': [01-3] pairs fit from source unit"):
            pair(weight=one).init(KEY)
    assert float(OneToOne(1.0, first_pre=3, first_post=1).weights(KEY, "x", 4, 3)[0].sum()) == 1.0
    for block in (((0, 5), (0, 1), 1.0), ((0, 1), (2, 4), 1.0)):
        with pytest.raises(ShapeMismatch, match=r"projection 'pre->post': the block .* reaches beyond its 4 source"):
            pair(weight=Blocks((block,))).init(KEY)
    bad = (((2, 1), (0, 1), 1.0), ((-1, 1), (0, 1), 1.0), ((0, 1), (0, 1)), ((0, 1, 2), (0, 1), 1.0), (0, 1, 1.0), 3)
    for block in (*bad, ((0, 1.5), (0, 1), 1.0), ((0, 1), (0, 1), "1")):
        with pytest.raises(ConfigError, match="0 <= first <= past and a finite weight"):
            Blocks((block,))
    with pytest.raises(ConfigError, match=r"Blocks: 3; give"):
        Blocks(3)
    for shape in ((-3, -1), (0,), (1.5, 2), 4):
        with pytest.raises(ConfigError, match=r"Distance: shape_pre = .*; give the size of each dimension"):
            Distance(shape_pre=shape)
