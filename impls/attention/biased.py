"""Latent attention with an additive bias on the logits in place of rotary encoding (post 10091, "MLA", part 2; ALiBi, Sandwich).

x (n, d); c = x W_c (n, d_c); W_q (h, d, d_k), W_k (h, d_c, d_k), W_v (h, d_c, d_v); bias (h, n, n), added after the scale.
Both forms return the heads' outputs (h, n, d_v).
"""

import torch

from impls.attention.softmax import causal, softmax


def mha_form(x, bias, W_c, W_q, W_k, W_v):
    """Queries, keys and values are projected; logits q k^T / sqrt(d_k) + bias."""
    c = x @ W_c
    return causal(x @ W_q @ (c @ W_k).mT / W_q.shape[-1] ** 0.5 + bias, c @ W_v)


def extend(c, x, bias, W_c, W_q, W_k, W_v):
    """One token x (1, d) more, with the biases (h, 1, t) of its row: outputs (h, 1, d_v) and the longer cache c (t, d_c), None at first."""
    c = x @ W_c if c is None else torch.cat([c, x @ W_c])
    return softmax(x @ W_q @ W_k.mT @ c.T / W_q.shape[-1] ** 0.5 + bias) @ c @ W_v, c
