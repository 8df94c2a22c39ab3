"""Grouped-query attention with rotary queries and keys (post 10091, "MHA" and "GQA"), all tokens at once or one after the other.

x (n, d), positions (n,), theta (d_k / 2,) angles per position; weights as in gqa.py, d_k even. A cache is (keys, values),
keys rotated by their own positions; None before the first token. attend(logits, v) is causal attention.
"""

from impls.attention.kv_cache import append
from impls.attention.rotary import rotate
from impls.attention.softmax import causal, softmax


def attention(x, positions, theta, W_q, W_k, W_v, attend=causal):
    """The full pass: heads' outputs (h, n, d_v)."""
    q, k = rotate(x @ W_q, positions, theta), rotate(x @ W_k, positions, theta)
    repeats = len(W_q) // len(W_k)
    k, v = k.repeat_interleave(repeats, 0), (x @ W_v).repeat_interleave(repeats, 0)
    return attend(q @ k.mT / q.shape[-1] ** 0.5, v)


def extend(cache, x, position, theta, W_q, W_k, W_v):
    """One step: the new token x (1, d) alone -> its heads' outputs (h, 1, d_v) and the longer cache."""
    cache = append(cache, rotate(x @ W_k, position, theta), x @ W_v)
    repeats = len(W_q) // len(W_k)
    k, v = (part.repeat_interleave(repeats, 0) for part in cache)
    q = rotate(x @ W_q, position, theta)
    return softmax(q @ k.mT / q.shape[-1] ** 0.5) @ v, cache
