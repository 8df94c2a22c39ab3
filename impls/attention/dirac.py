"""Attention as linear attention of infinite dimension (post 9862, "imitating the pattern").

sum_j e^(q k_j) v_j = integral of e^(q w) [sum_j delta(w - k_j) v_j] dw, with a normal density of deviation sigma for delta.
On the line: q (), K, V (n,), sigma ().
"""


def numerator(q, K, V, sigma):
    """The integral, (): e^(sigma^2 q^2 / 2) times what it is for sigma = 0."""
    return ((q * K + (sigma * q) ** 2 / 2).exp() * V).sum()


def attention(q, K, V, sigma):
    """The numerator over the same with v = 1; sigma cancels. ()."""
    return numerator(q, K, V, sigma) / numerator(q, K, V * 0 + 1, sigma)
