"""The size of the softmax gradient of many draws on many scales: the moduli of the Jacobian's entries without forming it.

p = softmax(alpha s) sums to one whatever s is, so each row of moduli |d p_i / d s_j| has the sum of the entries off the
diagonal on the diagonal too, and half of all of them is alpha sum_{i != j} p_i p_j: a sum of positive terms, two for each pair.
"""

from __future__ import annotations

import torch
from torch import Tensor


def half_l1_norms(s: Tensor, alphas: Tensor) -> tuple[Tensor, Tensor]:
    """1/2 sum_ij |d p_i / d s_j| of each draw s (b, n) for each of alphas (g,): (b, g), with a bound on their errors, (b,)."""
    n = s.shape[-1]
    x = s - s.amax(-1, keepdim=True)
    sizes = []
    for alpha in alphas:
        w = (alpha * x).exp()
        pairs = (w[..., 1:] * w[..., :-1].cumsum(-1)).sum(-1)  # the entries before each one
        sizes.append(alpha * 2 * pairs / w.sum(-1).square())
    # Relative to a value of at most alpha. An exponent is rounded twice, the exponential adds 2 (one ulp): 2 |x| + 2, in a product
    # of two twice and again in the squared sum; prefix sum, sum of pairs, and the squared sum twice: 4 n; product, square,
    # two quotients or products: 5.
    widest = alphas.amax() * -x.amin(-1)
    return torch.stack(sizes, -1), 2.0**-53 * alphas.amax() * (8 * widest + 4 * n + 13)


def rounding_of_half_l1(s: Tensor, alpha: Tensor | float) -> Tensor:
    """What rounding may add to alpha (1 - sum_i p_i^2), computed as it stands and with the maximum subtracted: s (b, n) -> (b,)."""
    # |x| the widest logit: a weight is off by (2 |x| + 2) u, their sum by n u more, the quotient by u, all of it twice in p_i^2
    # (+ 1); sum (n), difference, product.
    widest = alpha * (s.amax(-1) - s.amin(-1))
    return 2.0**-53 * alpha * (8 * widest + 3 * s.shape[-1] + 13)


def largest_probability(s: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """max_i p_i = e^(alpha max s - log sum_j e^(alpha s_j)), (b,), with a bound on its error and on that of a softmax, (b,)."""
    # Relative to it. Here: the two logarithms are off by alpha |s| u each and by their own rounding, as much again and log n; the sum
    # in the second by n u and a few. A softmax: 2 |x| + n + 3 with |x| <= 2 alpha |s|.
    value = (alpha * s.amax(-1) - torch.logsumexp(alpha * s, -1)).exp()
    return value, 2.0**-53 * value * (10 * alpha * s.abs().amax(-1) + 3 * s.shape[-1] + 16)
