"""A whole attention layer with its output projection (post 10091, "MQA"): h heads of size d / h, g groups of keys and values.

x (n, d) -> (n, d); weights W_q (h, d, d / h), W_k and W_v (g, d, d / h), W_o (h, d / h, d).
"""

from impls.attention import gqa


def shapes(d, h, g):
    """Shapes of the four weights; g = h is MHA, g = 1 is MQA."""
    return (h, d, d // h), (g, d, d // h), (g, d, d // h), (h, d // h, d)


def attention(x, W_q, W_k, W_v, W_o):
    return (gqa.attention(x, W_q, W_k, W_v) @ W_o).sum(0)
