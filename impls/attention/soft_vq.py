"""Performer read as Transformer-VQ with soft codes (post 9862, "deja vu").

Q, K (n, d), V (n, d_v); the random features omega (m, d) are the codes. With all |omega_i| equal, Performer's features are
e^(omega_i . q) and e^(-|k - omega_i|^2 / 2), which is S(k) times the softmax over the codes of -|k - omega_i|^2 / 2.
"""

from impls.attention import linear
from impls.attention.softmax import softmax


def half_distances(K, omega):
    """|k_j - omega_i|^2 / 2: (n, m)."""
    return (K[:, None, :] - omega).square().sum(-1) / 2


def soft_codes(K, omega):
    """softmax over i of -|k_j - omega_i|^2 / 2: (n, m), rows sum to 1."""
    return softmax(-half_distances(K, omega))


def total_weight(K, omega):
    """S(k_j) = sum_i e^(-|k_j - omega_i|^2 / 2): (n,)."""
    return (-half_distances(K, omega)).exp().sum(-1)


def performer(Q, K, V, omega):
    """Performer's attention in the equal-norm form."""
    return linear.attention((Q @ omega.T).exp(), (-half_distances(K, omega)).exp(), V)


def soft_vq(Q, K, V, omega):
    """The soft Transformer-VQ which the post reads into it: the same with normalised key features."""
    return linear.attention((Q @ omega.T).exp(), soft_codes(K, omega), V)


def repaired(Q, K, V, omega):
    """Soft Transformer-VQ with every key weighed by its S(k_j): Performer again."""
    return linear.attention((Q @ omega.T).exp(), soft_codes(K, omega) * total_weight(K, omega)[:, None], V)
