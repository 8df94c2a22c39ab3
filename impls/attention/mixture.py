"""Finite linear attention from a mixture over codes (post 9862, "imitating the pattern").

Q, K (n, d), V (n, d_v), codes C (c, d); p (n, c) holds p(y | k_j), rows sum to 1. The kernel e^(q . k) is replaced by
sum_y e^(q . c_y) p(y | k), in the numerator and in the denominator; with one-hot p this is Transformer-VQ.
"""

from impls.attention import transformer_vq
from impls.attention.softmax import softmax


def posterior(K, C, beta):
    """p(y | k) proportional to e^(-beta |k - c_y|^2 / 2): (n, c)."""
    return softmax(-beta * (K[:, None, :] - C).square().sum(-1) / 2)


def one_hot(K, C):
    """The limit of the posterior as beta grows: all of it on the nearest code (n, c)."""
    return transformer_vq.one_hot(transformer_vq.nearest(K, C), C)


def attention(Q, p, V, C):
    """sum_y e^(q . c_y) [sum_j p(y | k_j) v_j] over the same with v = 1."""
    return transformer_vq.weights(Q @ C.T, p.sum(0)) @ (p.T @ V)
