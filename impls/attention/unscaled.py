"""Attention whose scores are not divided by sqrt(d), at initialisation (post 9812, introduction).

Scores q . k of variance d are sqrt(d) times scores of variance 1: d head size, n scores, alpha their scale.
"""

import math

from impls.attention.attention_scale import l1_norm, probabilities  # noqa: F401  of one draw
from impls.attention.mean_gradient import gradient  # noqa: F401  averaged over standard normal scores


def scale(d):
    """alpha = sqrt(d), where the division would make it 1."""
    return math.sqrt(d)
