"""Positive random features of the exponential kernel (post 9862; Performer).

x (n, d) queries or keys, omega (m, d) with independent standard normal entries:

    phi_i(x) = e^(omega_i . x - |x|^2 / 2) / sqrt(m),    E[phi(q) . phi(k)] = e^(q . k).
"""


def features(x, omega):
    """phi(x): (n, m)."""
    return (x @ omega.T - x.square().sum(-1, keepdim=True) / 2).exp() / len(omega) ** 0.5
