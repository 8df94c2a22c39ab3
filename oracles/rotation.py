"""A quarter turn from one vector to another, by the tangent of half the angle: no sine, no cosine."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from oracles.ball import balls, certified, flint, rounded
from oracles.budget import Bound

Array = Any


def coefficients(xp: Any, lam: Array, again: Array) -> tuple[Array, Array]:
    """The shares of both vectors after `lam` of the turn; `again` is lam for the second, so that their errors cannot cancel."""
    quarter = math.pi / 4 if xp is torch else flint.arb.pi() / 4
    first, second = xp.tan(lam * quarter), xp.tan(again * quarter)
    return (1 - first * first) / (1 + first * first), 2 * second / (1 + second * second)


def turned(z_1: Tensor, z_2: Tensor, lam: Tensor) -> Bound:
    """Truth and error budget of the vector itself."""

    def definition(xp: Any, z_1: Array, z_2: Array, *lams: Array) -> Array:
        c_1, c_2 = coefficients(xp, *lams)
        return z_1 * c_1 + z_2 * c_2

    # pi / 2, times lam, the cosine or sine (an elementary function: two), times z, the sum.
    return certified(definition, (z_1, z_2, lam, lam), roundings=6, sums=0)


def variance(lam: Tensor, rho: Tensor) -> Bound:
    """1 + rho sin(lam pi): of a turn between two standard normal numbers of correlation rho >= -1/2.

    The budget is that of computing it from the coefficients; the truth is not.
    """

    def definition(xp: Any, rho: Array, *lams: Array) -> Array:
        c_1, c_2 = coefficients(xp, *lams)
        return c_1 * c_1 + c_2 * c_2 + 2 * rho * c_1 * c_2

    # A coefficient (four as above, times one and plus nothing: two more), two products, two sums.
    bound = certified(definition, (rho, lam, lam), roundings=10, sums=0)
    sine = np.array([share.sin_pi() for share in balls(lam).flat], dtype=object).reshape(lam.shape)
    return replace(bound, truth=rounded(1 + balls(rho) * sine))
