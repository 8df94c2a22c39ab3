"""Sampling along a subsequence of the times of a schedule (post 9181, "Accelerating generation").

Symbols as in impls/diffusion/ddim.py; tau = (0, tau_1, tau_2, ..) are the times used, increasing.
"""

from itertools import pairwise

from impls.diffusion import ddim

jump = ddim.jump


def sample(x, predictor, noise, abar, bbar, tau, eta, jump=jump):
    """x at the last of the times tau to x_0. predictor(x_t, t) is the noise in x_t, noise[t] the standard normal that a step from t adds.

    The predictor is told the time tau_i, not its index i.
    """
    for then, now in reversed(tuple(pairwise(tau))):
        x = jump(x, predictor(x, now), noise[now], abar, bbar, now, then, eta)
    return x
