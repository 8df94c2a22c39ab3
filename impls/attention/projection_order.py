"""Two orders of the product x W_q W_k^T in absorbed attention (post 10091, notes to "MLA", part 1).

x (n, d_in); W_q (h, d_in, d_k); W_k (h, d_c, d_k) -> queries for the latent (h, n, d_c). On the value side the same with
x = the averaged latent, W_q = W_v (h, d_c, d_v) and W_k^T = W_o (h, d_v, d).
"""


def serial(x, W_q, W_k):
    return x @ W_q @ W_k.mT


def prepared(W_q, W_k):
    """The merged matrix, computed once."""
    return W_q @ W_k.mT


def merged(x, W_qk):
    return x @ W_qk


def largest_cheaper_head(d_in, d_c):
    """The largest d_k for which the serial order costs fewer multiply-adds: d_k (d_in + d_c) < d_in d_c."""
    return (d_in * d_c - 1) // (d_in + d_c)
