"""Ranges in settings: what each text stands for, by hand, and what is refused."""

import pytest
from pydantic import BaseModel, ValidationError

from bisnn.experiments.ranges import Numbers, Whole, numbers


class Plan(BaseModel):
    values: Numbers = ()
    counts: Whole = ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0:1:11", tuple(i / 10 for i in range(11))),
        ("-4:4", tuple(range(-4, 5))),
        ("0,0.5,1", (0.0, 0.5, 1.0)),
        ("1:0:3", (1.0, 0.5, 0.0)),
        (("0.5", "1:2:3", " 7 "), (0.5, 1.0, 1.5, 2.0, 7)),
        ((0.5, 0.5, "0.5"), (0.5,)),
        ("3:3:1", (3.0,)),
        ("", ()),
        (0.5, (0.5,)),
        (3, (3,)),
    ],
)
def test_a_text_stands_for_its_numbers(text, found):
    assert numbers(text) == found
    assert Plan(values=text).values == found


@pytest.mark.parametrize("text", ["4:-4", "0:1:0", "a:b:3", "1:2:3:4", "0:2:1", "0.5:2", "0:9999999", "1:2:x"])
def test_what_is_no_range_is_refused_with_the_forms(text):
    with pytest.raises(ValidationError, match=r"range|write|reach"):
        Plan(values=text)


@pytest.mark.parametrize("value", [True, [True], [None], {"from": 0}, [[0, 1]]])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValidationError, match="values"):
        Plan(values=value)


def test_whole_numbers_stay_whole():
    assert Plan(counts="0,2:4").counts == (0, 2, 3, 4)
    with pytest.raises(ValidationError, match="counts"):
        Plan(counts="0:1:3")
    with pytest.raises(ValidationError, match="values"):
        Plan(values="many")
