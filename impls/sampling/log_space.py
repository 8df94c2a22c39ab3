"""Perfect sampling in logarithms (post 9811, "The Solution" and "Sampling"), as the post writes it.

s(t) score of a token; Z[e] logarithm of the total weight that has arrived at e, -inf before anything has. alpha may be an
array, one entry per temperature; everything is computed in its dtype.
"""

import numpy as np

from impls.sampling.segment import follow, longest_first


def log_add(x, y):
    """log(e^x + e^y) without e^x or e^y."""
    return np.maximum(x, y) + np.log(1 + np.exp(-np.abs(x - y)))


def steps(text, scores, alpha, scan=longest_first):
    """For every candidate in turn a, e, Z[e] with it, and the probability with which it is kept."""
    Z = [0 * alpha] + [0 * alpha - np.inf] * len(text)
    for a, e in scan(text, scores):
        x = Z[a] + alpha * scores[text[a:e]]
        Z[e] = log_add(Z[e], x)
        yield a, e, Z[e], np.exp(x - Z[e])


def sample(text, scores, alpha, coin, scan=longest_first):
    """One random segmentation as a tuple of tokens, None if the text has none. `coin(p)` is true with probability p."""
    return follow(text, {e: a for a, e, _, p in steps(text, scores, alpha, scan) if coin(p)})


def smooth_max(text, scores, alpha, scan=longest_first):
    """Z / alpha of a text that has a segmentation: the best score, smoothed."""
    return [Z for _, e, Z, _ in steps(text, scores, alpha, scan) if e == len(text)][-1] / alpha
