"""A coin that is true with probability p, made from a random number.

epsilon uniform in [0, 1]: the rule of both posts (9768, "My approach"). r uniform in 0..R: what their code has, with
R = RAND_MAX of C.
"""


def accepts(p, epsilon):
    return epsilon < p


def accepts_integer(p, r, R):
    return r < p * R
