"""Random walks on the graph of a text's segmentations (post 9768, "Key analysis"): positions are nodes, tokens are edges.

w(t) weight of a token; B[a] total weight of all segmentations of what follows the first a characters, B[l] = 1.
"""

from impls.sampling.segment import longest_first


def by_frequency(text, weights, coin):
    """Every token is drawn in proportion to its weight among those that start here and do not end in a dead end."""
    B = backward(text, weights)
    return walk(text, weights, coin, lambda a, e: weights[text[a:e]] if B[e] else 0)


def by_backward_sums(text, weights, coin):
    """Every token is drawn in proportion to its weight times all that can follow: a segmentation's share is then that of its weight."""
    B = backward(text, weights)
    return walk(text, weights, coin, lambda a, e: weights[text[a:e]] * B[e])


def backward(text, weights):
    """B of every position, by one pass over the candidates from the end."""
    B = [0] * len(text) + [1]
    for a, e in sorted(longest_first(text, weights), reverse=True):
        B[a] += weights[text[a:e]] * B[e]
    return B


def walk(text, weights, coin, edge):
    """From the start of the text to its end along edges drawn in proportion to edge(a, e); None if none leads on."""
    pieces, a = [], 0
    while a < len(text):
        steps = [(e, edge(a, e)) for e in range(a + 1, len(text) + 1) if text[a:e] in weights]
        remaining = sum(x for _, x in steps)
        for e, x in steps:
            if x and (x == remaining or coin(x / remaining)):
                pieces.append(text[a:e])
                a = e
                break
            remaining -= x
        else:
            return None
    return tuple(pieces)
