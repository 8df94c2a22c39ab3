"""Attention over quantised keys as a matrix, and its rank (post 9844, "local enhancement").

Q (n, d_k), codebook C (c, d_k), codes z (n,). Columns are picked, not recomputed, so that equal codes have equal ones to the bit.
"""

import torch

from impls.attention.softmax import softmax


def matrix(Q, z, C, causal):
    """softmax(Q C_z^T), lower-triangular if causal: (n, n)."""
    logits = (Q @ C.T)[:, z]
    if causal:
        logits = logits.masked_fill(torch.ones_like(logits).triu(1).bool(), -torch.inf)
    return softmax(logits)


def rank(z, causal):
    """The rank for queries in general position: that of a triangular matrix with a positive diagonal, or the number of codes in use."""
    return len(z) if causal else len(z.unique())
