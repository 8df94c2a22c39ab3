"""Attention by definition, written for any arithmetic: `xp` is torch (float64, for conditioning) or numpy (balls).

No maximum is subtracted, no projection absorbed, no rotation applied to a key: relative angles enter the logits directly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

Array = Any  # a float64 tensor, or a numpy array of balls


def average(xp: Any, logits: Array, v: Array, visible: np.ndarray) -> Array:
    """sum_i e^(l_ti) v_i / sum_i e^(l_ti) over the visible i: logits (n, m), v (m, d_v), visible (n, m) of 0 and 1."""
    weights = xp.exp(logits) * (visible if xp is np else xp.as_tensor(visible))
    ones = v[:, :1] * 0 + 1
    return weights @ v / (weights @ ones)


def causal_mask(n: int) -> np.ndarray:
    return np.tril(np.ones((n, n), dtype=int))


def square_root(xp: Any, value: int, like: Array) -> Array:
    """sqrt(value) in the arithmetic of `like`."""
    return xp.sqrt(like.sum() * 0 + value)


def mla(xp: Any, x: Array, m_q: Array, m_k: Array, theta: Array, W_c: Array, W_cq: Array, W_qc: Array, W_qr: Array, W_kc: Array, W_kr: Array, W_v: Array) -> Array:
    """Latent attention, head by head; shapes as in impls/attention/mla.py, m_q and m_k the positions of queries and keys.

    A rotated query times a rotated key is, per block, (a . b) cos(phi) + (a x b) sin(phi) with phi = (m_k - m_q) theta.
    """
    heads = []
    for s in range(len(W_qc)):
        q, k = x @ W_cq @ W_qc[s], x @ W_c @ W_kc[s]
        logits = q @ k.T
        a, b = x @ W_cq @ W_qr[s], x @ W_kr
        for i in range(len(theta)):
            a0, a1, b0, b1 = a[:, 2 * i, None], a[:, 2 * i + 1, None], b[:, 2 * i][None], b[:, 2 * i + 1][None]
            phi = (m_k[None] - m_q[:, None]) * theta[i]
            logits = logits + (a0 * b0 + a1 * b1) * xp.cos(phi) + (a1 * b0 - a0 * b1) * xp.sin(phi)
        logits = logits / square_root(xp, W_qc.shape[-1] + W_qr.shape[-1], like=x)
        heads.append(average(xp, logits, x @ W_c @ W_v[s], causal_mask(len(x))))
    return xp.stack(heads)


def grouped(xp: Any, x: Array, W_q: Array, W_k: Array, W_v: Array) -> Array:
    """Causal attention of h heads over g groups of consecutive heads, head by head; shapes as in impls/attention/gqa.py."""
    per_group = len(W_q) // len(W_k)
    heads = []
    for s in range(len(W_q)):
        q, k, v = x @ W_q[s], x @ W_k[s // per_group], x @ W_v[s // per_group]
        heads.append(average(xp, q @ k.T / square_root(xp, W_q.shape[-1], like=x), v, causal_mask(len(x))))
    return xp.stack(heads)


def latent_polynomials(x: Tensor, p: Tensor, W_c: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor) -> Tensor:
    """Logits beside outputs of latent attention without rotary encoding, each entry one sum over all indices; as impls/attention/absorption.py."""
    logits = torch.einsum("ta,sab,scb,ec,ie->sti", x, W_q, W_k, W_c, x)
    return torch.cat([logits, torch.einsum("sti,ie,ec,scv->stv", p, x, W_c, W_v)], dim=-1)
