"""Subword Regularization (arXiv 1804.10959) as both posts describe it: draw among the n best segmentations, by weight.

w(t) = e^(alpha s(t)) weight of a token; best[e] the n best segmentations of the first e characters with their weights.
"""

from impls.sampling.segment import longest_first


def n_best(text, weights, n, scan=longest_first):
    """Pairs (weight, segmentation), heaviest first; all of them where there are no more than n."""
    best = [[(1, ())]] + [[] for _ in text]
    for a, e in scan(text, weights):
        extended = [(weight * weights[text[a:e]], (*pieces, text[a:e])) for weight, pieces in best[a]]
        best[e] = sorted(best[e] + extended, key=lambda pair: -pair[0])[:n]
    return best[-1]


def sample(text, weights, coin, n, scan=longest_first):
    """One random segmentation as a tuple of tokens, None if the text has none. `coin(p)` is true with probability p."""
    kept = n_best(text, weights, n, scan)
    remaining = sum(weight for weight, _ in kept)
    for weight, pieces in kept:
        if weight == remaining or coin(weight / remaining):
            return pieces
        remaining -= weight
    return None
