"""Derivatives from the definition of a function: dual numbers x + x' e with e^2 = 0, in any arithmetic.

Nothing is differentiated by hand: a function is evaluated on x_j + e, and the coefficient of e is its derivative. Values and slopes are
arrays that broadcast against each other, float64 tensors or numpy arrays of balls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

Array = Any


@dataclass(frozen=True)
class Dual:
    value: Array
    slope: Array

    def __sub__(self, other: Dual) -> Dual:
        return Dual(self.value - other.value, self.slope - other.slope)

    def __rmul__(self, constant: Array) -> Dual:
        return Dual(constant * self.value, constant * self.slope)

    def __rtruediv__(self, constant: Array) -> Dual:
        quotient = constant / self.value
        return Dual(quotient, 0 - quotient / self.value * self.slope)

    def exp(self, xp: Any) -> Dual:
        grown = xp.exp(self.value)
        return Dual(grown, grown * self.slope)

    def sum(self) -> Dual:
        """Over the last axis."""
        return Dual(self.value.sum(-1), self.slope.sum(-1))


def softmax_jacobian(xp: Any, s: Array, alpha: Array) -> Array:
    """d p_i / d s_j of p_i = 1 / sum_k e^(alpha (s_k - s_i)): s (b, n), alpha scalar -> (b, n, n)."""
    unit = np.eye(s.shape[-1], dtype=int) if xp is np else torch.eye(s.shape[-1], dtype=s.dtype)
    seeded = Dual(s[:, None, :], unit[None])  # axes: row, j of the derivative, entry
    s_i, s_k = (Dual(at(seeded.value), at(seeded.slope)) for at in (lambda x: x[..., :, None], lambda x: x[..., None, :]))
    p = 1 / (alpha * (s_k - s_i)).exp(xp).sum()
    return xp.swapaxes(p.slope, -1, -2)


def softmax_jacobian_and_half_l1(xp: Any, s: Array, alpha: Array) -> Array:
    """1/2 sum_ij |d p_i / d s_j|, then the n^2 derivatives themselves: (b, 1 + n^2)."""
    flat = softmax_jacobian(xp, s, alpha).reshape(len(s), -1)
    return xp.concatenate([abs(flat).sum(-1)[:, None] / 2, flat], -1)
