"""Causal attention over quantised keys, token by token (post 9844, "decoder"): linear attention over the codes.

Q (b, n, d_k), V (b, n, d_v), codes z (b, n) of b sequences, codebook C (c, d_k). A state (c, d_v + 1) holds per code the sum
of its values so far and, in the last column, the number of its keys.
"""

import torch

from impls.attention.transformer_vq import one_hot, weights


def arrivals(z, V, C):
    """Delta_i^T [V, 1]_i of every token: (..., c, d_v + 1)."""
    V1 = torch.cat([V, torch.ones_like(V[..., :1])], dim=-1)
    return one_hot(z, C)[..., :, None] * V1[..., None, :]


def read(q, U, C):
    """exp(q C^T) U over the same with V = 1: q (..., d_k), U (..., c, d_v + 1) -> (..., d_v)."""
    return (weights(q @ C.T, U[..., -1])[..., None, :] @ U[..., :-1])[..., 0, :]


def cumulative(Q, z, V, C):
    """O_i = exp(Q_i C^T) sum over j <= i of Delta_j^T V_j, all i at once."""
    return read(Q, arrivals(z, V, C).cumsum(-3), C)


def step(U, q, z, v, C):
    """U_i = U_(i-1) + Delta_i^T V_i and O_i = exp(Q_i C^T) U_i, for one token of every sequence: O_i, U_i."""
    U = U + arrivals(z, v, C)
    return read(q, U, C), U


def recurrent(Q, z, V, C, step=step):
    """All tokens in turn, from U_(-1) = 0."""
    U, outputs = Q.new_zeros(len(Q), len(C), V.shape[-1] + 1), []
    for i in range(Q.shape[1]):
        o, U = step(U, Q[:, i], z[:, i], V[:, i], C)
        outputs.append(o)
    return torch.stack(outputs, dim=1)
