"""Multi-head attention with one product each for the queries, keys and values of all heads (post 10091, "MHA").

x (n, d); W_q, W_k (d, h d_k), W_v (d, h d_v), the s-th block of columns for head s -> heads' outputs side by side (n, h d_v).
Logits are divided by sqrt(d_k); attend(logits, v) is causal attention.
"""

from impls.attention.softmax import causal


def heads(rows, h):
    """(n, h c) -> (h, n, c)"""
    return rows.unflatten(-1, (h, -1)).transpose(0, 1)


def attention(x, W_q, W_k, W_v, h, attend=causal):
    q, k, v = heads(x @ W_q, h), heads(x @ W_k, h), heads(x @ W_v, h)
    return attend(q @ k.mT / q.shape[-1] ** 0.5, v).transpose(0, 1).flatten(1)
