"""Attention over vector-quantised keys, linear in the number of tokens (post 9844, "encoder"; Transformer-VQ).

Q, K (n, d_k), V (n, d_v); codebook C (c, d_k); z (n,) the code of each key; Delta (n, c) its one-hot rows, so that the
quantised keys are Delta C. The post writes exp(Q C^T) (Delta^T V), divided by the same with V = 1, and no logit scale.
"""

import torch


def nearest(K, C):
    """z_j = argmin_k |K_j - C_k|, the lowest index on ties. |K_j|^2 is the same for all codes and left out."""
    return (C.square().sum(-1) / 2 - K @ C.T).argmin(-1)


def one_hot(z, C):
    """Delta: z (..., n) -> (..., n, c), in the dtype of C."""
    return (z[..., None] == torch.arange(len(C), device=C.device)).to(C.dtype)


def weights(logits, counts):
    """e^l_iy / sum_y counts_iy e^l_iy: what one key of code y weighs. logits (..., c), counts broadcast to it; keys may be shared between codes.

    The maximum is that of the codes in use: a leading code that no key has would leave 0 / 0 behind.
    """
    logits = logits.masked_fill(counts == 0, -torch.inf)
    weight = (logits - logits.amax(-1, keepdim=True)).exp()
    return weight / (weight * counts).sum(-1, keepdim=True)


def attention(Q, z, V, C):
    """softmax(Q C_z^T) V without an n x n matrix: (n, d_v)."""
    Delta = one_hot(z, C)
    return weights(Q @ C.T, Delta.sum(0)) @ (Delta.T @ V)


def attention_to_means(Q, z, V, C):
    """The same as one softmax over the codes: log counts join the logits, and each code brings the mean of its values."""
    Delta = one_hot(z, C)
    counts = Delta.sum(0)
    means = (Delta.T @ V) / counts.clamp(min=1)[:, None]
    return (Q @ C.T + counts.log()).softmax(-1) @ means
