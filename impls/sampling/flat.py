"""Viterbi Sampling where all candidates end at one position (post 9768): the law of the one that is left, without drawing.

w_1..w_n weights in the order of arrival, numbers or arrays with one entry per case; P_i probability that candidate i is stored after the last arrival.
"""


def law(weights):
    """P: arrival i beats whoever is stored, j, with probability w_i / (w_i + w_j)."""
    P = []
    for i, w in enumerate(weights):
        beaten = [p * w / (w + weights[j]) for j, p in enumerate(P)]
        P = [p - lost for p, lost in zip(P, beaten)] + [sum(beaten) if i else 1]
    return P
