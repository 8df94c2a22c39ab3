"""Viterbi decoding of a unigram tokeniser (post 9768, "Key analysis"; post 9811, "Decoding"): the best segmentation.

w(t) = e^s(t) weight of a token; S[e] weight of the best segmentation of the first e characters, 0 where there is none.
Scores that add up in the posts are weights that multiply here, which keeps `Fraction`s exact.
"""

from impls.sampling.segment import follow, longest_first


def scan_best(text, weights, scan=longest_first):
    """S of every prefix, and the start of the last token of the first best segmentation that the scan meets."""
    S, route = [1] + [0] * len(text), {}
    for a, e in scan(text, weights):
        x = S[a] * weights[text[a:e]]
        if x > S[e]:
            S[e], route[e] = x, a
    return S, route


def best(text, weights, scan=longest_first):
    """Weight of the best segmentation of the text."""
    return scan_best(text, weights, scan)[0][-1]


def decode(text, weights, scan=longest_first):
    """The best segmentation as a tuple of tokens, None if the text has none."""
    return follow(text, scan_best(text, weights, scan)[1])


def optimal_cuts(text, weights):
    """Every k at which the best scores of both sides add up to the best score of the text."""
    whole = best(text, weights)
    return {k for k in range(1, len(text)) if whole > 0 and best(text[:k], weights) * best(text[k:], weights) == whole}
