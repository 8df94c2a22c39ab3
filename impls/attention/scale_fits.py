"""The fits of post 9812 to its numerically found scales for n = 40, 80, ..., 20000 scores."""

import math


def normal(n):
    """Standard normal scores: alpha* ~ 0.84 sqrt(log n)."""
    return 0.84 * math.sqrt(math.log(n))


def cosine(n):
    """Cosines of random directions in 128 dimensions: alpha* ~ 3.5 log n."""
    return 3.5 * math.log(n)
