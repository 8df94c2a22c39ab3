"""Total weight of all segmentations (post 9811, "Sampling"): Z(c_1..e) = sum over a of Z(c_1..a) w(c_a+1..e), Z of nothing = 1.

w(t) = e^(alpha s(t)) weight of a token, 0 outside of the vocabulary. The numbers are what the weights are: exact for
`Fraction`s, and for floats the direct storage that the post warns of.
"""

from impls.sampling.segment import longest_first


def partition(text, weights, scan=longest_first):
    """Z of every prefix of the text, the empty one first."""
    Z = [1] + [0] * len(text)
    for a, e in scan(text, weights):
        Z[e] += Z[a] * weights[text[a:e]]
    return Z
