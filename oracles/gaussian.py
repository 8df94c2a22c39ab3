"""Gaussians through affine steps, exactly: no samples, no quadrature.

A sampler's step must be affine in (x_t, eps, noise). Called at zero and at the unit vectors it gives its coefficients
away, whatever formula it uses; a Gaussian goes through an affine step in closed form. All numbers are numpy arrays of
balls (`oracles.ball`), one entry per independent case, so equalities are certified and not compared up to a tolerance.
"""

from __future__ import annotations

import unittest
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from oracles.evidence import BadOutput, Refuted

Balls = np.ndarray  # of dtype object


class TensorsOnly(unittest.SkipTest):
    """The step calls functions of tensors and cannot be read on balls; uncaught, the property is not run, with this reason."""


@dataclass(frozen=True)
class Gaussian:
    """mean + sum_k loadings[k] xi_k with independent standard normal xi_k, shared by all Gaussians of one calculation."""

    mean: Balls
    loadings: tuple[Balls, ...]

    @property
    def variance(self) -> Balls:
        return covariance(self, self)


def covariance(one: Gaussian, other: Gaussian) -> Balls:
    return sum(a * b for a, b in zip(one.loadings, other.loadings, strict=True))


@dataclass(frozen=True)
class Affine:
    """offset + sum_j coefficients[j] * inputs[j]"""

    offset: Balls
    coefficients: tuple[Balls, ...]

    def __call__(self, *inputs: Balls) -> Balls:
        return self.offset + sum(a * x for a, x in zip(self.coefficients, inputs, strict=True))

    def push(self, *inputs: Gaussian) -> Gaussian:
        """The law of the step when its inputs are these Gaussians."""
        shared = zip(*(x.loadings for x in inputs), strict=True)
        loadings = tuple(sum(a * load for a, load in zip(self.coefficients, column, strict=True)) for column in shared)
        return Gaussian(self(*(x.mean for x in inputs)), loadings)


def probe(step: Callable[..., Balls], at: tuple[Balls, ...]) -> Affine:
    """The coefficients of an affine `step`, read at zero and at the unit vectors; `at` is a drawn point that must agree.

    Raises `BadOutput` where it does not (the step clips, normalises, ...), `Refuted` where the step returns no number,
    `TensorsOnly` where it cannot compute with balls.
    """
    zero = [0 * x for x in at]
    try:
        offset = step(*zero)
    except (TypeError, AttributeError) as error:
        if not any(name in str(error) for name in ("numpy.ndarray", "numpy.object_", "must be Tensor, not")):
            raise  # not an array of balls where torch wants a tensor, but a mistake of the step itself
        raise TensorsOnly(f"the step takes tensors only: {error}") from error
    affine = Affine(offset, tuple(step(*zero[:j], zero[j] + 1, *zero[j + 1 :]) - offset for j in range(len(at))))
    got, expected = np.asarray(step(*at), dtype=object), affine(*at)
    if not all(ball.is_finite() for ball in got.flat):
        raise Refuted("the step returns no number at an admissible input")
    for i, ball in np.ndenumerate(got - expected):
        if not ball.contains(0):
            raise BadOutput(
                f"the step is not affine in its inputs: by its values at zero and at the unit vectors it should be "
                f"{float(expected[i].mid()):.9g} at the drawn point {list(i)}, but it is {float(got[i].mid()):.9g}; "
                "probe it before it clips or rescales"
            )
    return affine


def posterior(target: Gaussian, observed: Gaussian) -> tuple[Balls, Balls]:
    """E[target | observed = y] = E target + gain (y - E observed), and its variance: (gain, variance)."""
    gain = covariance(target, observed) / observed.variance
    return gain, target.variance - gain * covariance(target, observed)


def chained(kernels: Iterable[tuple[Balls, Balls]]) -> tuple[Balls, Balls]:
    """Markov kernels N(alpha x, beta2), first one first, multiplied into a single one: (alpha, beta2)."""
    alpha, beta2 = 1, 0
    for a, b2 in kernels:
        alpha, beta2 = a * alpha, a * a * beta2 + b2
    return alpha, beta2
