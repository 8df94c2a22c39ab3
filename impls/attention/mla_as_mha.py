"""Latent attention as ordinary multi-head attention with a larger query and key head (post 10091, "MLA", part 3).

Weights of MLA as in impls/attention/mla.py; of MHA: W_q, W_k (h, d, d_k + d_r), W_v (h, d, d_v). positions (n,), theta (d_r / 2,).
"""

import torch

from impls.attention.rotary import rotate
from impls.attention.softmax import causal


def layer(x, positions, theta, W_c, W_cq, W_qc, W_qr, W_kc, W_kr, W_v):
    """The heads' outputs (h, n, d_v) of the MHA with the weights of an MLA."""
    return attention(x, positions, theta, *weights(W_c, W_cq, W_qc, W_qr, W_kc, W_kr, W_v))


def weights(W_c, W_cq, W_qc, W_qr, W_kc, W_kr, W_v):
    """W_q = [W_cq W_qc, W_cq W_qr], W_k = [W_c W_kc, W_kr], W_v = W_c W_v, of low rank; all heads have the same W_kr."""
    W_q = torch.cat([W_cq @ W_qc, W_cq @ W_qr], dim=-1)
    W_k = torch.cat([W_c @ W_kc, W_kr.expand(len(W_kc), -1, -1)], dim=-1)
    return W_q, W_k, W_c @ W_v


def attention(x, positions, theta, W_q, W_k, W_v):
    """Causal MHA whose heads are rotated in their last dimensions, as many as theta has angles for."""
    q, k = (partly_rotated(x @ W, positions, theta) for W in (W_q, W_k))
    return causal(q @ k.mT / W_q.shape[-1] ** 0.5, x @ W_v)


def partly_rotated(z, positions, theta):
    fixed = z.shape[-1] - 2 * len(theta)
    return torch.cat([z[..., :fixed], rotate(z[..., fixed:], positions, theta)], dim=-1)
