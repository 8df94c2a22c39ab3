"""Fixed random features taken as the centroids of a quantiser (post 9862, "imitating the pattern")."""


def quantisation_error(K, codes):
    """min_i |k - c_i|^2 / d: K (..., d), codes (..., m, d) -> (...)."""
    return (K[..., None, :] - codes).square().sum(-1).amin(-1) / K.shape[-1]
