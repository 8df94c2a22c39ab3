"""Decoding token by token with nothing but a cache (post 10091): what each kind of attention has to keep per token.

A cache is a tuple of tensors whose second-last dimension counts tokens; None before the first. Each function takes the
new token x (1, d) alone and returns the heads' outputs (h, 1, d_v) and the longer cache. Weights as in gqa.py and mla.py.
"""

import torch

from impls.attention.gqa import group
from impls.attention.mla import scale
from impls.attention.rotary import rotate
from impls.attention.softmax import softmax


def gqa_extend(cache, x, W_q, W_k, W_v):
    """Keys and values of g groups: g (d_k + d_v) numbers per token; MHA is g = h, MQA is g = 1."""
    h, g = len(W_q), len(W_k)
    k, v = cache = append(cache, x @ W_k, x @ W_v)
    of_head = torch.tensor([group(s, h, g) - 1 for s in range(1, h + 1)], device=x.device)
    logits = x @ W_q @ k[of_head].mT / W_q.shape[-1] ** 0.5
    return softmax(logits) @ v[of_head], cache


def mla_extend(cache, x, position, theta, W_c, W_cq, W_qc, W_qr, W_kc, W_kr, W_v):
    """The latent and one rotary key for all heads: d_c + d_r numbers per token, whatever h is."""
    c, k_r = cache = append(cache, x @ W_c, rotate(x @ W_kr, position, theta))
    c_q = x @ W_cq
    logits = c_q @ W_qc @ W_kc.mT @ c.T + rotate(c_q @ W_qr, position, theta) @ k_r.T
    return softmax(logits / scale(W_qc, W_qr)) @ c @ W_v, cache


def append(cache, *new):
    return new if cache is None else tuple(torch.cat([old, row], dim=-2) for old, row in zip(cache, new))
