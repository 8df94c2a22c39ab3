"""Softmax of scaled scores and its gradient with respect to the scores (post 9812, "computing the gradient").

s (..., n) scores; alpha the scale, a scalar tensor or one that broadcasts against s; p = softmax(alpha s).
"""

import torch

from impls.attention.annealed_scale import optimum  # noqa: F401  the scale that the post recommends
from impls.attention.softmax import softmax


def probabilities(s, alpha):
    """p_i = e^(alpha s_i) / sum_j e^(alpha s_j); the scale is applied to differences, so that an offset of s costs nothing."""
    return softmax(alpha * (s - s.amax(-1, keepdim=True)))


def jacobian(s, alpha):
    """d p_i / d s_j = alpha (p_i delta_ij - p_i p_j), (..., n, n)."""
    p = probabilities(s, alpha)
    return alpha * (torch.diag_embed(p) - p[..., :, None] * p[..., None, :])


def l1_norm(s, alpha):
    """1/2 sum_ij |d p_i / d s_j| = alpha (1 - sum_i p_i^2), (...)."""
    p = probabilities(s, alpha)
    return alpha * (1 - (p * p).sum(-1))


def best_scale(s, alphas):
    """The scale among `alphas` (g,) with the largest gradient of each score vector: s (..., n) -> (...)."""
    return alphas[torch.stack([l1_norm(s, alpha) for alpha in alphas]).argmax(0)]
