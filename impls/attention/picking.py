"""The picking trick: a function of each entry commutes with picking columns (post 9844, "encoder").

Q (n, d_k), codebook C (c, d_k), values V (m, d_v), Delta (m, c) with one 1 in every row, the code of that key.
"""

from impls.attention.transformer_vq import one_hot


def assignments(z, C):
    """Delta of the codes z (m,)."""
    return one_hot(z, C)


def exponential_of_picked(Q, C, Delta):
    """exp(Q C^T Delta^T): (n, m)."""
    return (Q @ C.T @ Delta.T).exp()


def picked_exponentials(Q, C, Delta):
    """exp(Q C^T) Delta^T: (n, m)."""
    return (Q @ C.T).exp() @ Delta.T


def values_first(Q, C, Delta, V):
    """exp(Q C^T) (Delta^T V): (n, d_v)."""
    return (Q @ C.T).exp() @ (Delta.T @ V)
