"""Causal attention over quantised keys, block by block (post 9844, "decoder"): n = l m tokens, [i] the i-th block of l.

Q (n, d_k), V (n, d_v), codebook C (c, d_k), codes z (n,). A state (c, d_v + 1) holds Delta^T [V, 1] of the blocks seen so
far: per code the sum of its values and, in the last column, the number of its keys. States are stacked as U_(-1) .. U_(m-1).
"""

import torch

from impls.attention.transformer_vq import one_hot, weights


def arrivals(z, V, C, l):
    """Delta_[i]^T [V, 1]_[i] of every block: (m, c, d_v + 1)."""
    V1 = torch.cat([V, torch.ones_like(V[:, :1])], dim=-1)
    return one_hot(z, C).unflatten(0, (-1, l)).mT @ V1.unflatten(0, (-1, l))


def recursion(z, V, C, l):
    """U_i = U_(i-1) + Delta_[i]^T V_[i] from U_(-1) = 0: (m + 1, c, d_v + 1)."""
    arriving = arrivals(z, V, C, l)
    return torch.cat([0 * arriving[:1], arriving.cumsum(0)])


def printed_closed_form(z, V, C, l):
    """U_i = sum over j < i of Delta_[j]^T V_[j], the definition as printed: (m + 1, c, d_v + 1)."""
    arriving = arrivals(z, V, C, l)
    return torch.stack([arriving[: max(i, 0)].sum(0) for i in range(-1, len(arriving))])


def attention(Q, z, V, C, U, l):
    """O_[i] = exp(Q_[i] K_[i]^T + M) V_[i] + exp(Q_[i] C^T) U_(i-1) over the same with V = 1; K = C_z, M the causal mask."""
    q, k, v = (x.unflatten(0, (-1, l)) for x in (Q, C[z], V))
    m, mask = len(q), torch.ones(l, l, dtype=V.dtype, device=V.device).tril()
    sums, counts = U[:-1, :, :-1], U[:-1, None, :, -1]  # U[0] is U_(-1)
    logits = q @ torch.cat([k, C.expand(m, -1, -1)], dim=1).mT
    near_and_far = weights(logits, torch.cat([mask.expand(m, -1, -1), counts.expand(-1, l, -1)], dim=-1))
    return (near_and_far @ torch.cat([v, sums], dim=1)).flatten(0, 1)
