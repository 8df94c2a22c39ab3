"""A sampler's whole chain on data N(0, s2) with the exact predictor: a product of factors and a sum of variances.

With eps = gain x_t every step is x_prev = factor x_t + noise z. Arrays of balls: one row per step t = 1..N, one column per s2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from oracles.ddim import read
from oracles.gaussian import Gaussian, posterior

Balls = np.ndarray  # of dtype object


@dataclass(frozen=True)
class Chain:
    factor: Balls
    noise: Balls

    def variance(self, start: Balls) -> Balls:
        """Var(x_0) if x_N has the variance `start`."""
        for factor, noise in zip(self.factor[::-1], self.noise[::-1], strict=True):
            start = factor**2 * start + noise**2
        return start

    @property
    def remembered(self) -> Balls:
        """By how much an error of x_N moves x_0."""
        return self.factor.prod(0)


def marginal(abar: Any, bbar: Any, s2: Balls) -> Gaussian:
    """x_t by x_0 and the noise."""
    return Gaussian(0 * s2, (abar * s2**0.5, bbar + 0 * s2))


def by_probing(jump: Callable[..., Any], at: tuple[Balls, ...], abar: Balls, bbar: Balls, eta: float, s2: Balls) -> Chain:
    """The chain that `jump` makes of all steps of the schedule, its steps read at zero and at the unit vectors."""
    now = np.arange(1, len(abar))
    A_x, A_e, A_n = (column[:, None] for column in read(jump, at, abar, bbar, now, now - 1, eta).coefficients)
    gain, _ = posterior(Gaussian(0 * s2, (0 * s2, 1 + 0 * s2)), marginal(abar[1:, None], bbar[1:, None], s2))
    return Chain(A_x + A_e * gain, A_n + 0 * gain)


def of_the_family(abar: Balls, bbar: Balls, eta: float, s2: Balls) -> Chain:
    """The truth: abar_prev times the estimate of x_0, plus noise of variance bbar_prev^2, of which sigma^2 is drawn anew.

    sigma^2 = eta^2 / (1 / bbar_prev^2 + alpha^2 / beta^2): at eta = 1 the precisions of p(x_prev | x_0) and p(x_t | x_prev) add up.
    """
    abar_t, bbar_t, abar_prev, bbar_prev = (level[:, None] for level in (abar[1:], bbar[1:], abar[:-1], bbar[:-1]))
    alpha2 = (abar_t / abar_prev) ** 2
    sigma2 = eta**2 * bbar_prev**2 * (1 - alpha2) / (1 - alpha2 + alpha2 * bbar_prev**2)
    estimate, _ = posterior(Gaussian(0 * s2, (s2**0.5, 0 * s2)), marginal(abar_t, bbar_t, s2))
    kept = (bbar_prev**2 - sigma2) ** 0.5 * (1 - abar_t * estimate) / bbar_t
    return Chain(abar_prev * estimate + kept, sigma2**0.5 + 0 * estimate)
