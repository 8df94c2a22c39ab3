"""Grouped-query attention (post 10091, "GQA"): h query heads share g key and value heads; g = h is MHA, g = 1 is MQA.

x (n, d); W_q (h, d, d_k), W_k (g, d, d_k), W_v (g, d, d_v) -> heads' outputs (h, n, d_v). Logits are divided by sqrt(d_k);
attend(logits, v) is causal attention.
"""

import torch

from impls.attention.softmax import causal


def group(s, h, g):
    """The group of head s, all counted from 1: ceil(s g / h), in integers (the post's formula)."""
    return -(-s * g // h)


def attention(x, W_q, W_k, W_v, attend=causal):
    """Head s attends to the keys and values of its group."""
    h, g = len(W_q), len(W_k)
    of_head = torch.tensor([group(s, h, g) - 1 for s in range(1, h + 1)], device=x.device)
    q, k, v = x @ W_q, (x @ W_k)[of_head], (x @ W_v)[of_head]
    return attend(q @ k.mT / W_q.shape[-1] ** 0.5, v)
