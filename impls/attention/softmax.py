"""Softmax attention with the maximum subtracted first, so that exp never overflows."""

import torch


def causal(logits, v):
    """Each query averages the values up to its own position: logits (..., n, n), v (..., n, d_v) -> (..., n, d_v)."""
    t = torch.arange(logits.shape[-1], device=logits.device)
    return softmax(logits.masked_fill(t[:, None] < t, -torch.inf)) @ v


def softmax(logits):
    """Softmax over the last dimension, (..., n) -> (..., n)."""
    weights = (logits - logits.amax(-1, keepdim=True)).exp()
    return weights / weights.sum(-1, keepdim=True)
