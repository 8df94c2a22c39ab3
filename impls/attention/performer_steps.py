"""Performer's attention as the post rewrites it step by step (post 9862, "deja vu").

Q, K (n, d), V (n, d_v), random features omega (m, d). Each step changes the exponents of the features, so that the last one
is a squared distance: w_aj = sum_i e^(omega_i . q_a) e^(-|k_j - omega_i|^2 / 2).
"""

from impls.attention import linear
from impls.attention.random_features import features


def performer(Q, K, V, omega):
    """Step 0: both features as they are defined."""
    return linear.attention(features(Q, omega), features(K, omega), V)


def query_factors_dropped(Q, K, V, omega):
    """Step 1: without 1 / sqrt(m) and e^(-|q|^2 / 2), which are the same for all keys of a query."""
    return linear.attention((Q @ omega.T).exp(), (K @ omega.T - K.square().sum(-1, keepdim=True) / 2).exp(), V)


def feature_norms_subtracted(Q, K, V, omega):
    """Step 2: e^(-|omega_i|^2 / 2) on every key feature, which is the same for all features if all |omega_i| are equal."""
    return linear.attention((Q @ omega.T).exp(), exponent(K[:, None, :], omega).exp(), V)


def exponent(k, omega):
    """omega . k - |k|^2 / 2 - |omega|^2 / 2, summed over the last axis."""
    return (omega * k).sum(-1) - (k * k).sum(-1) / 2 - (omega * omega).sum(-1) / 2


def half_square(k, omega):
    """Step 3: -|k - omega|^2 / 2, summed over the last axis."""
    return -((k - omega) * (k - omega)).sum(-1) / 2


def gaussian_limit(Q, K):
    """Step 2 for standard normal features as m grows: (1 / m) sum_i of its terms tends to 2^(-d/2) e^(|q + k|^2 / 4 - |k|^2 / 2). (n, n)."""
    return ((Q[:, None, :] + K).square().sum(-1) / 4 - K.square().sum(-1) / 2).exp() / 2 ** (Q.shape[-1] / 2)
