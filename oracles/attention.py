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
    """sum_i e^(l_ti) v_i / sum_i e^(l_ti) over the visible i: logits (..., n, m), v (..., m, d_v), visible (n, m) of 0 and 1."""
    weights = xp.exp(logits) * (visible if xp is np else xp.as_tensor(visible))
    ones = v[..., :1] * 0 + 1
    return weights @ v / (weights @ ones)


def causal_mask(n: int) -> np.ndarray:
    return np.tril(np.ones((n, n), dtype=int))


def square_root(xp: Any, value: int, like: Array) -> Array:
    """sqrt(value) in the arithmetic of `like`."""
    return xp.sqrt(like.sum() * 0 + value)


def rotary_logits(xp: Any, a: Array, b: Array, m_q: Array, m_k: Array, theta: Array) -> Array:
    """Rotated queries a (..., n, d_r) times rotated keys b: per block (a . b) cos(phi) + (a x b) sin(phi) with phi = (m_k - m_q) theta."""
    phi = (m_k[None] - m_q[:, None])[..., None] * theta
    a, b = a[..., :, None, :], b[..., None, :, :]
    a0, a1, b0, b1 = a[..., 0::2], a[..., 1::2], b[..., 0::2], b[..., 1::2]
    return ((a0 * b0 + a1 * b1) * xp.cos(phi) + (a1 * b0 - a0 * b1) * xp.sin(phi)).sum(-1)


def mla(
    xp: Any,
    x: Array,
    m_q: Array,
    m_k: Array,
    theta: Array,
    W_c: Array,
    W_cq: Array,
    W_qc: Array,
    W_qr: Array,
    W_kc: Array,
    W_kr: Array,
    W_v: Array,
) -> Array:
    """Latent attention; shapes as in impls/attention/mla.py, m_q and m_k the positions of queries and keys."""
    c, c_q = x @ W_c, x @ W_cq
    logits = c_q @ W_qc @ (c @ W_kc).mT + rotary_logits(xp, c_q @ W_qr, x @ W_kr, m_q, m_k, theta)
    logits = logits / square_root(xp, W_qc.shape[-1] + W_qr.shape[-1], like=x)
    return average(xp, logits, c @ W_v, causal_mask(len(x)))


def grouped(xp: Any, x: Array, W_q: Array, W_k: Array, W_v: Array) -> Array:
    """Causal attention of h heads over g groups of consecutive heads, head by head; shapes as in impls/attention/gqa.py."""
    per_group = len(W_q) // len(W_k)
    heads = []
    for s in range(len(W_q)):
        q, k, v = x @ W_q[s], x @ W_k[s // per_group], x @ W_v[s // per_group]
        heads.append(average(xp, q @ k.T / square_root(xp, W_q.shape[-1], like=x), v, causal_mask(len(x))))
    return xp.stack(heads)


def side_by_side(xp: Any, x: Array, W_q: Array, W_k: Array, W_v: Array, h: int) -> Array:
    """Causal attention of h heads, one after the other and token by token; shapes as in impls/attention/mha.py."""
    d_k, d_v = W_q.shape[1] // h, W_v.shape[1] // h
    rows = []
    for t in range(len(x)):
        of_heads = []
        for s in range(h):
            q, k, v = (
                x[t : t + 1] @ W_q[:, s * d_k : (s + 1) * d_k],
                x @ W_k[:, s * d_k : (s + 1) * d_k],
                x @ W_v[:, s * d_v : (s + 1) * d_v],
            )
            logits = q @ k[: t + 1].T / square_root(xp, d_k, like=x)
            of_heads.append(average(xp, logits, v[: t + 1], np.ones((1, t + 1), dtype=int))[0])
        rows.append(xp.hstack(of_heads))
    return xp.stack(rows)


def rotary_grouped(xp: Any, x: Array, m_q: Array, m_k: Array, theta: Array, W_q: Array, W_k: Array, W_v: Array) -> Array:
    """As `grouped`, with queries and keys rotated by their positions m_q and m_k; shapes as in impls/attention/rotary_gqa.py."""
    per_group = len(W_q) // len(W_k)
    heads = []
    for s in range(len(W_q)):
        logits = rotary_logits(xp, x @ W_q[s], x @ W_k[s // per_group], m_q, m_k, theta) / square_root(xp, W_q.shape[-1], like=x)
        heads.append(average(xp, logits, x @ W_v[s // per_group], causal_mask(len(x))))
    return xp.stack(heads)


def grouped_keys_and_values(x: Tensor, W_k: Tensor, W_v: Tensor, h: int) -> Tensor:
    """Keys beside values of h heads, (h, n, d_k + d_v), each entry one sum; consecutive heads share the weights of a group."""
    group = torch.arange(h) // (h // len(W_k))
    return torch.einsum("td,sdc->stc", x, torch.cat([W_k, W_v], dim=-1)[group])


def biased(xp: Any, x: Array, bias: Array, W_c: Array, W_q: Array, W_k: Array, W_v: Array) -> Array:
    """Latent attention without rotary encoding whose logits have a bias; shapes as in impls/attention/biased.py."""
    c = x @ W_c
    logits = x @ W_q @ (c @ W_k).mT / square_root(xp, W_q.shape[-1], like=x) + bias
    return average(xp, logits, c @ W_v, causal_mask(len(x)))


def latent_polynomials(x: Tensor, p: Tensor, W_c: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor) -> Tensor:
    """Logits beside outputs of latent attention without rotary encoding, each entry one sum over all indices; as impls/attention/absorption.py."""
    logits = torch.einsum("ta,sab,scb,ec,ie->sti", x, W_q, W_k, W_c, x)
    return torch.cat([logits, torch.einsum("sti,ie,ec,scv->stv", p, x, W_c, W_v)], dim=-1)
