"""Rotating the latent before it is projected: a compromise that can be absorbed (post 10091, "MLA", part 2).

c (n, d_c) latents, d_c even; R (n, d_c, d_c) the rotations R_i of their positions; W_q, W_k (h, d_c, d_k), W_v (h, d_c, d_v);
p (h, n, n) any attention weights. Products only, so that arrays of exact numbers will do.
"""

from impls.attention.rope_absorption import turned


def cached(c, R):
    """c_i R_i, all that is kept: (n, d_c)."""
    return turned(c, R)


def logits(c, R, W_q, W_k):
    """q_t k_i^T with q_t = c_t R_t W_q and k_i = c_i R_i W_k: (h, n, n)."""
    return turned(c, R) @ W_q @ (turned(c, R) @ W_k).mT


def absorbed(kept, W_q, W_k):
    """The logits from what is kept, by one fixed matrix W_q W_k^T per head."""
    return kept @ (W_q @ W_k.mT) @ kept.T


def outputs(p, kept, R, W_v):
    """sum_i p_i c_i W_v: what is kept is rotated back before it is averaged, (h, n, d_v)."""
    return p @ turned(kept, R.mT) @ W_v
