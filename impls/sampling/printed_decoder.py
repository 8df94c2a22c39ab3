"""The decoder as the post prints it (post 9768, "My approach"): Viterbi decoding with the way back that its loop leaves behind.

w(t) = e^s(t) weight of a token; best[e] weight of the best segmentation of the first e characters, 0 before the first arrives.
"""

from impls.sampling.segment import longest_first


def tokenize(text, weights):
    """The best segmentation as a tuple of tokens. The way back starts at the end of the last match, wherever the text ends.

    Raises KeyError where the way back meets a position that no segmentation reaches, as the post's code fails on its None.
    """
    best, start = [1] + [0] * len(text), {}
    e = 0
    for a, e in longest_first(text, weights):
        x = best[a] * weights[text[a:e]]
        if x > best[e]:
            best[e], start[e] = x, a
    pieces = []
    while e:
        pieces.append(text[start[e] : e])
        e = start[e]
    return tuple(reversed(pieces))
