"""Viterbi Sampling, the first version (post 9768, "My approach"): Viterbi decoding whose comparison is a coin.

w(t) = e^(alpha s(t)) weight of a token; score[e] weight of the one segmentation kept for the first e characters.
A new candidate of weight x replaces it with probability sigmoid(alpha (s_new - s_old)) = x / (x + score[e]).
"""

from impls.sampling.segment import follow, longest_first


def sample(text, weights, coin, scan=longest_first):
    """One random segmentation as a tuple of tokens, None if the text has none. `coin(p)` is true with probability p."""
    return follow(text, routes(text, weights, coin, scan))


def routes(text, weights, coin, scan=longest_first):
    """Start of the last token kept at every position that a segmentation reaches."""
    score, route = {0: 1}, {}
    for a, e in scan(text, weights):
        if a not in score:
            continue  # no segmentation ends at a
        x = score[a] * weights[text[a:e]]
        if e not in score or coin(x / (x + score[e])):
            score[e], route[e] = x, a
    return route
