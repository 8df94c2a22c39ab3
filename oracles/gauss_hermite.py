"""Expectations over standard normal vectors by a product Gauss-Hermite rule with certified nodes and weights.

The rule with N nodes is exact for polynomials below degree 2N and all its weights are positive. For e^(w x), whose even
Taylor coefficients are positive, it returns at most the truth e^(x^2 / 2), and misses at most the terms from (x^2 / 2)^N / N!
on: a relative deficit of at most P(Poisson(x^2 / 2) >= N).
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import torch
from scipy.special import gammainc
from torch import Tensor

from oracles.ball import DIGITS, flint, rounded
from oracles.evidence import Unsettled


@cache
def rule(nodes: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The roots x of He_N and the weights (N - 1)! / (N He_(N-1)(x)^2), each rounded once from a certified value."""
    x = flint.fmpz_poly([0, 1])
    before, he = flint.fmpz_poly([1]), x
    for k in range(1, nodes):
        before, he = he, x * he - k * before
    with flint.ctx.workdps(3 * DIGITS):  # the terms of He_N at its outer roots cancel to all but a few digits in 10^N
        roots = [root.real for root, _ in he.complex_roots()]
        weights = [flint.arb(flint.fmpz.fac_ui(nodes - 1)) / (nodes * before(root) ** 2) for root in roots]
        return tuple(rounded(np.array(roots)).tolist()), tuple(rounded(np.array(weights)).tolist())


def normal(nodes: int, d: int) -> tuple[Tensor, Tensor]:
    """The product rule in d dimensions: points (nodes^d, d) and weights (nodes^d,) that sum to 1."""
    x, w = rule(nodes)
    points = torch.tensor(list(product(x, repeat=d)), dtype=torch.float64)
    return points, torch.tensor(list(product(w, repeat=d)), dtype=torch.float64).prod(-1)


def truncation(nodes: int, x: Tensor) -> Tensor:
    """Largest relative deficit of the rule for e^(w . x), w standard normal: x (n, d) -> (n,)."""
    deficit = torch.from_numpy(gammainc(nodes, (x.square() / 2).numpy())).sum(-1)
    if not (deficit < 1e-3).all():
        raise Unsettled(f"{nodes} nodes are too few for exponents of size {float(x.abs().max()):.3g}")
    return deficit
