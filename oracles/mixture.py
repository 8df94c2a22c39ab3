"""Gaussian mixtures on the line: their exact noise predictor, and the flow that carries them, without an ODE solver.

A flow on the line that carries p_s along keeps the order of points, hence the distribution function: x_0 and x_1 on one
path have F_0(x_0) = F_1(x_1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mpmath
import torch
from torch import Tensor

from oracles.evidence import Unsettled


@dataclass(frozen=True)
class Mixture:
    """x_0 ~ sum_i w_i N(means_i, deviations_i^2); weights need not sum to 1. x_t = abar x_0 + bbar noise."""

    weights: tuple[float, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]

    def noise(self, x: Tensor, abar: Tensor, bbar: Tensor) -> Tensor:
        """E[noise | x_t = x] = -bbar (log p_t)'(x) in float64, x of shape (n,)."""
        w, mu, sd = (torch.tensor(values, dtype=torch.float64) for values in (self.weights, self.means, self.deviations))
        v = (abar * sd) ** 2 + bbar**2
        r = x[:, None] - abar * mu
        log_density = torch.log(w) - torch.log(v) / 2 - r * r / (2 * v)
        share = torch.exp(log_density - log_density.amax(-1, keepdim=True))
        return bbar * (share * r / v).sum(-1) / share.sum(-1)

    def origin(self, x: Sequence[float], log_abar: float) -> Tensor:
        """The x_0 whose paths under the flow with abar^2 + bbar^2 = 1 end at x, where abar = e^log_abar."""
        at_20, at_30 = ([self._origin(value, log_abar, digits) for value in x] for digits in (20, 30))
        if any(abs(low - high) > mpmath.mpf(10) ** -16 for low, high in zip(at_20, at_30, strict=True)):
            raise Unsettled(f"quantiles at 20 and 30 digits disagree: {at_20} and {at_30}")
        return torch.tensor([float(value) for value in at_30], dtype=torch.float64)

    def _origin(self, x: float, log_abar: float, digits: int) -> mpmath.mpf:
        with mpmath.workdps(digits):
            abar, bbar2 = mpmath.exp(log_abar), -mpmath.expm1(2 * mpmath.mpf(log_abar))
            level = self._distribution(x, abar, bbar2)
            reach = max(map(abs, self.means)) + 20 * max(self.deviations)
            solved = mpmath.findroot(lambda y: self._distribution(y, 1, 0) - level, (-reach, reach), solver="anderson", maxsteps=500)
            return mpmath.mpf(solved)

    def _distribution(self, x: mpmath.mpf, abar: mpmath.mpf, bbar2: mpmath.mpf) -> mpmath.mpf:
        parts = zip(self.weights, self.means, self.deviations, strict=True)
        return sum(w * mpmath.ncdf((x - abar * m) / mpmath.sqrt((abar * sd) ** 2 + bbar2)) for w, m, sd in parts) / sum(self.weights)
