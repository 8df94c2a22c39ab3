"""Gaussian mixtures on the line: their exact noise predictor, and the flow that carries them, without an ODE solver.

A flow on the line that carries p_s along keeps the order of points, hence the distribution function: x_0 and x_1 on one
path have F_0(x_0) = F_1(x_1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from oracles.ball import balls
from oracles.evidence import Unsettled


@dataclass(frozen=True)
class Mixture:
    """x_0 ~ sum_i w_i N(means_i, deviations_i^2); weights need not sum to 1. x_t = abar x_0 + bbar noise."""

    weights: tuple[float, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]

    def noise(self, x: Tensor, abar: Tensor, bbar: Tensor) -> Tensor:
        """E[noise | x_t = x] = -bbar (log p_t)'(x) in float64, x of shape (n,)."""
        return predictor((self,))(x[None], abar, bbar)[0]

    def origin(self, x: Sequence[float], log_abar: float) -> Tensor:
        """The x_0 whose paths under the flow with abar^2 + bbar^2 = 1 end at x, where abar = e^log_abar; right to WIDTH, proved."""
        exponent = balls(torch.tensor(log_abar)).item()
        abar, bbar2 = exponent.exp(), -(2 * exponent).expm1()
        return torch.tensor([self._quantile(self.distribution(value, abar, bbar2)) for value in x], dtype=torch.float64)

    def distribution(self, x: Any, abar: Any, bbar2: Any, erfc: Callable[[Any], Any] = lambda ball: ball.erfc()) -> Any:
        """P(x_t <= x), as a ball or, with another erfc, as a float."""
        parts = zip(self.weights, self.means, self.deviations, strict=True)
        scaled = ((w, (abar * m - x) / (2 * (abar**2 * sd**2 + bbar2)) ** 0.5) for w, m, sd in parts)
        return sum(w * erfc(z) for w, z in scaled) / (2 * sum(self.weights))

    def _quantile(self, level: Any) -> float:
        """x with P(x_0 <= x) = level: sought in floats, narrowed down in balls, and proved by the values at both ends."""
        zero = level * 0
        exactly = lambda x: self.distribution(x + zero, 1 + zero, zero)
        reach, rough = max(map(abs, self.means)) + 20 * max(self.deviations), float(level.mid())
        low, high = bisected(lambda x: self.distribution(x, 1.0, 0.0, math.erfc) < rough, -reach, reach, 2.0**-28)
        low, high = bisected(lambda x: exactly(x) < level, low - 2.0**-26, high + 2.0**-26, WIDTH)
        if not exactly(low) < level < exactly(high):
            raise Unsettled(f"no proof that the quantile of {self} at {rough:.9g} is between {low!r} and {high!r}")
        return (low + high) / 2


WIDTH = 2.0**-48


def bisected(below: Callable[[float], bool], low: float, high: float, width: float) -> tuple[float, float]:
    """[low, high] halved until it is no wider than `width`, keeping what is `below` to the left."""
    while high - low > width:
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return low, high


def predictor(mixtures: Sequence[Mixture]) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """`Mixture.noise` of several mixtures of equally many components, each at its own row of x, of shape (mixtures, n)."""
    w, mu, sd = (
        torch.tensor([getattr(mixture, name) for mixture in mixtures], dtype=torch.float64)[:, None]
        for name in ("weights", "means", "deviations")
    )
    log_w, sd2 = torch.log(w), sd**2

    def noise(x: Tensor, abar: Tensor, bbar: Tensor) -> Tensor:
        v = abar**2 * sd2 + bbar**2
        r = x[..., None] - abar * mu
        pull = r / v
        log_density = log_w - (torch.log(v) + r * pull) / 2
        share = torch.exp(log_density - log_density.amax(-1, keepdim=True))  # torch.softmax waits for threads, however small x is
        return bbar * (share * pull).sum(-1) / share.sum(-1)

    return noise
