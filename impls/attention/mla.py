"""Multi-head latent attention with decoupled rotary keys (post 10091, "MLA", parts 2 and 3; DeepSeek-V2).

x (n, d) tokens; c = x W_c (n, d_c) the cached latent; c' = x W_cq (n, d_c') the query latent; h heads.
    W_c (d, d_c)   W_cq (d, d_c')   W_qc (h, d_c', d_k)   W_qr (h, d_c', d_r)
    W_kc (h, d_c, d_k)   W_kr (d, d_r), one rotary key for all heads   W_v (h, d_c, d_v)
positions (n,), theta (d_r / 2,) angles per position; attend(logits, v) is causal attention. Both forms return the heads' outputs (h, n, d_v), before W_o.
"""

import torch

from impls.attention.rotary import rotate
from impls.attention.softmax import causal


def scale(W_qc, W_qr):
    """Logits are divided by the square root of the *training* head size d_k + d_r, in both forms."""
    return (W_qc.shape[-1] + W_qr.shape[-1]) ** 0.5


def mha_form(x, positions, theta, W_c, W_cq, W_qc, W_qr, W_kc, W_kr, W_v, attend=causal):
    """The training form: q = [c' W_qc, c' W_qr R], k = [c W_kc, x W_kr R], v = c W_v."""
    c, c_q = x @ W_c, x @ W_cq
    q = torch.cat([c_q @ W_qc, rotate(c_q @ W_qr, positions, theta)], dim=-1)
    k_r = rotate(x @ W_kr, positions, theta).expand(len(W_kc), -1, -1)
    k = torch.cat([c @ W_kc, k_r], dim=-1)
    return attend(q @ k.mT / scale(W_qc, W_qr), c @ W_v)


def mqa_form(x, positions, theta, W_c, W_cq, W_qc, W_qr, W_kc, W_kr, W_v, attend=causal):
    """The decoding form: q = [c' W_qc W_kc^T, c' W_qr R], one k = [c, x W_kr R] and one value c for all heads, then W_v."""
    c, c_q = x @ W_c, x @ W_cq
    q = torch.cat([c_q @ W_qc @ W_kc.mT, rotate(c_q @ W_qr, positions, theta)], dim=-1)
    k = torch.cat([c, rotate(x @ W_kr, positions, theta)], dim=-1)
    return attend(q @ k.mT / scale(W_qc, W_qr), c) @ W_v
