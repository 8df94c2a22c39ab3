"""Rotary encoding and quantised keys (post 9844, "local enhancement" and "divergent thinking").

A row x at position m becomes x R_m (impls/attention/rotary.py). RoPE turns the keys C_z into C_z R_m, one for each position.
ReRoPE clips the relative position: the logit of i and j is Q_i R_r . C_zj with r = min(i - j, w), so that beyond w all keys see
the same query Q_i R_w. Q (n, d_k), codes z (n,), V (n, d_v), codebook C (c, d_k), states U as in vq_blocks, theta (d_k / 2,).
"""

import torch

from impls.attention.rotary import rotate
from impls.attention.vq_two_blocks import attend, distances, nearest_two


def rotated_keys(z, C, theta):
    """C_zm R_m: (n, d_k)."""
    return rotate(C[z], torch.arange(len(z), dtype=C.dtype, device=C.device), theta)


def attention(Q, z, V, C, U, theta, w, l):
    """Two near blocks pair by pair, relative angles clipped at w; the codes of the far ones with the query that is rotated by w."""
    q, k = Q.unflatten(0, (-1, l)), nearest_two(C[z], l)
    position = torch.arange(2 * l, dtype=Q.dtype, device=Q.device)
    beyond = rotate(q, torch.full_like(position[l:], w), theta)
    within = rotate(q, position[l:], theta) @ rotate(k, position, theta).mT
    near_logits = torch.where(distances(l, Q.device) < w, within, beyond @ k.mT)
    return attend(near_logits, beyond @ C.T, V, U, l)
