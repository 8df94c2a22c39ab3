"""Perfect sampling of segmentations (post 9811, "Perfect Sampling"): a weighted reservoir of size one at every position.

w(t) = e^(alpha s(t)) weight of a token; Z[e] total weight of all segmentations of the first e characters. A candidate
that brings weight x to position e is kept with probability x / Z[e], Z[e] counting x already.
"""

from impls.sampling.segment import follow, longest_first


def sample(text, weights, coin, scan=longest_first):
    """One random segmentation as a tuple of tokens, None if the text has none. `coin(p)` is true with probability p."""
    return follow(text, routes(text, weights, coin, scan))


def routes(text, weights, coin, scan=longest_first):
    """Start of the last token kept at every position that a segmentation reaches."""
    Z, route = {0: 1}, {}
    for a, e in scan(text, weights):
        if a not in Z:
            continue  # no segmentation ends at a
        x = Z[a] * weights[text[a:e]]
        Z[e] = Z.get(e, 0) + x
        if coin(x / Z[e]):
            route[e] = a
    return route
