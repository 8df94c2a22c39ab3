"""Latent attention in three orders of multiplication, with every stored tensor rounded (post 10091, notes after "MLA", part 1).

stored(z) rounds a tensor to the format; everything between two stored tensors is done in the tensors' own dtype.
x (n, d) tokens; c = x W_c (n, d_c) the latent; h heads; positions (n,), theta (d_r / 2,) angles per position, d_r may be 0.
    W_c (d, d_c)   W_q (h, d, d_k)   W_qr (h, d, d_r)   W_k (h, d_c, d_k)   W_kr (d, d_r)   W_v (h, d_c, d_v)
Leading dimensions broadcast: a batch of layers has x (b, 1, n, d), W_c (b, 1, d, d_c), W_q (b, h, d, d_k) and so on.
All forms return the logits (h, n, n) beside the heads' outputs (h, n, d_v): (h, n, n + d_v).
"""

import torch

from impls.attention.rotary import rotate
from impls.attention.softmax import causal


def mha_form(stored, x, positions, theta, W_c, W_q, W_qr, W_k, W_kr, W_v):
    """Keys c W_k and values c W_v are stored."""
    c = stored(x @ W_c)
    content = stored(x @ W_q) @ stored(c @ W_k).mT
    logits, p = attend(stored, content, x, positions, theta, W_q, W_qr, W_kr)
    return torch.cat([logits, stored(p @ stored(c @ W_v))], dim=-1)


def serial_form(stored, x, positions, theta, W_c, W_q, W_qr, W_k, W_kr, W_v):
    """Absorbed one after the other: queries (x W_q) W_k^T meet the latent."""
    c = stored(x @ W_c)
    content = stored(stored(x @ W_q) @ W_k.mT) @ c.mT
    logits, p = attend(stored, content, x, positions, theta, W_q, W_qr, W_kr)
    return torch.cat([logits, stored(stored(p @ c) @ W_v)], dim=-1)


def merged_form(stored, x, positions, theta, W_c, W_q, W_qr, W_k, W_kr, W_v):
    """Absorbed into one matrix: queries x (W_q W_k^T) meet the latent."""
    c = stored(x @ W_c)
    content = stored(x @ stored(W_q @ W_k.mT)) @ c.mT
    logits, p = attend(stored, content, x, positions, theta, W_q, W_qr, W_kr)
    return torch.cat([logits, stored(stored(p @ c) @ W_v)], dim=-1)


def attend(stored, content, x, positions, theta, W_q, W_qr, W_kr):
    """Logits and causal weights from the content part of q k^T; the rotary part is stored before and after the rotation."""
    q = stored(rotate(stored(x @ W_qr), positions, theta))
    k = stored(rotate(stored(x @ W_kr), positions, theta))
    logits = stored((content + q @ k.mT) / (W_q.shape[-1] + W_qr.shape[-1]) ** 0.5)
    return logits, stored(causal(logits, torch.eye(x.shape[-2], dtype=x.dtype, device=x.device)))
