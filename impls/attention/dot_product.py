"""The score of a query and a key, and the variance that dividing it by sqrt(d) assumes (post 9812, "existing results").

q, k vectors of d components, in any type of numbers.
"""


def score(q, k):
    """q . k"""
    return sum(x * y for x, y in zip(q, k, strict=True))


def variance(d):
    """Var[q . k] = d for independent components of mean 0 and variance 1; the usual divisor is its square root."""
    return d
