"""Exponential, logarithm and hyperbolic tangent with the same bits on every device, alone and in a batch.

Each is one reduction of the argument and one polynomial, in float64 and in + - * / and exact scalings by powers of
two alone; the result is rounded to the dtype of the argument. Error: below 1 ulp of float64 for exp and log, below
2 ulp for tanh (measured against 60 digits in tests/test_elementary.py); a float32 result is the rounded float64 one.

    exp x  = 2^k exp r,                 k = round(x / ln 2), r = x - k ln 2, |r| <= ln(2)/2
    log x  = k ln 2 + 2 atanh s,        x = 2^k m, sqrt(1/2) <= m < sqrt 2, s = (m - 1) / (m + 1)
    tanh x = sign(x) t / (t + 2),       t = exp(2|x|) - 1

The polynomials are the series of exp r (degree 13, truncation 4e-18) and of atanh s (degree 21, truncation 3e-19).

Muller (2016) Elementary Functions: Algorithms and Implementation, ch. 5 and 11. doi:10.1007/978-1-4899-7983-4
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_LN2_HIGH = float.fromhex("0x1.62e42fee00000p-1")  # 33 bits: its product with k is exact
_LN2_LOW = 1.9082149292705877e-10  # ln 2 - _LN2_HIGH
_EXP = tuple(1.0 / math.factorial(n) for n in range(13, 1, -1))  # of r^13 ... r^2
_ATANH = tuple(2.0 / (2 * n + 1) for n in range(10, 0, -1))  # 2 atanh(s) / s - 2, of s^20 ... s^2
_LOWEST, _HIGHEST = -746.0, 710.0  # exp is 0 below and infinite above
_TANH_IS_1 = 22.0  # and above
_SQRT_HALF = 0x3FE6A09E667F3BCD  # the bits of sqrt(1/2)


def exp(x: Tensor) -> Tensor:
    """The exponential of a floating-point tensor, in its dtype; inf on overflow, 0 on underflow, NaN for NaN."""
    r, tail, k = _reduced(x.double().clamp(_LOWEST, _HIGHEST))
    half = k >> 1
    return ((r + tail + 1.0) * _power_of_two(half) * _power_of_two(k - half)).to(x.dtype)


def log(x: Tensor) -> Tensor:
    """The natural logarithm of a floating-point tensor, in its dtype; -inf at 0, NaN below it and for NaN."""
    wide = x.double()
    tiny = wide < 2.0**-1022
    bits = torch.where(tiny, wide * 2.0**54, wide).view(torch.int64)
    k = (bits - _SQRT_HALF) >> 52
    f = (bits - (k << 52)).view(torch.float64) - 1.0
    s = f / (f + 2.0)
    square, half = s * s, f * f * 0.5
    k = torch.where(tiny, k - 54, k).double()
    tail = s * (half + square * _horner(_ATANH, square)) + k * _LN2_LOW
    found = k * _LN2_HIGH - (half - tail - f)
    found = torch.where(wide < math.inf, found, wide)  # inf and NaN are their own logarithms
    return torch.where(wide > 0, found, torch.where(wide == 0, -math.inf, math.nan)).to(x.dtype)


def tanh(x: Tensor) -> Tensor:
    """The hyperbolic tangent of a floating-point tensor, in its dtype; -0 stays -0, NaN stays NaN."""
    wide = x.double()
    r, tail, k = _reduced(wide.abs().clamp(max=_TANH_IS_1) * 2.0)
    scale = _power_of_two(k)
    part, base = r + tail, scale - 1.0
    t = part * scale + base
    t_lost = base - t + part * scale + (r - part + tail) * scale  # what the roundings of t took
    below = t + 2.0
    below_lost = t.clamp(min=2.0) - below + t.clamp(max=2.0) + t_lost
    first = t / below
    return torch.copysign(first + (t_lost - first * below_lost) / below, wide).to(x.dtype)


def _reduced(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """`r`, `tail`, `k` (int64) with exp x = 2^k (1 + r + tail), for |x| < 800; NaN comes back in `r`."""
    k = (x * (1.0 / math.log(2.0))).round()
    high, low = x - k * _LN2_HIGH, k * _LN2_LOW
    r = high - low
    tail = r * r * _horner(_EXP, r) + (high - r - low)
    return r, tail, k.nan_to_num(0.0).long()


def _horner(coefficients: tuple[float, ...], x: Tensor) -> Tensor:
    """The polynomial with these coefficients, highest power first."""
    value = x * coefficients[0] + coefficients[1]
    for coefficient in coefficients[2:]:
        value = value.mul_(x).add_(coefficient)
    return value


def _power_of_two(k: Tensor) -> Tensor:
    """2^k for int64 `k` in -1022 ... 1023, exactly."""
    return ((k + 1023) << 52).view(torch.float64)
