"""Absorbing the projections of latent attention without rotary encoding (post 10091, "MLA", part 1).

x (n, d); c = x W_c (n, d_c) the latent; W_q (h, d, d_k), W_k (h, d_c, d_k), W_v (h, d_c, d_v); p (h, n, n) any attention
weights. Both functions return the logits (h, n, n) beside the outputs (h, n, d_v), before scale and softmax: (h, n, n + d_v).
"""

import torch


def projected(x, p, W_c, W_q, W_k, W_v):
    """Keys and values are projected from the latent: logits (x W_q)(c W_k)^T, outputs p (c W_v)."""
    c = x @ W_c
    return torch.cat([x @ W_q @ (c @ W_k).mT, p @ (c @ W_v)], dim=-1)


def absorbed(x, p, W_c, W_q, W_k, W_v):
    """Only the latent is needed: logits x (W_q W_k^T) c^T, outputs (p c) W_v."""
    c = x @ W_c
    return torch.cat([x @ (W_q @ W_k.mT) @ c.T, p @ c @ W_v], dim=-1)
