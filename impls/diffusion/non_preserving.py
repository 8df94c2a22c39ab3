"""The step with DDPM's sigma where abar^2 + bbar^2 need not be 1 (post 9181, end of "Undetermined coefficients").

Levels as in impls/diffusion/ddim.py, with bbar_t > alpha bbar_prev: otherwise no Markov chain has these marginals.
"""

from impls.diffusion import ddim

step = ddim.step


def posterior_deviation(abar_t, bbar_t, abar_prev, bbar_prev):
    """sigma at eta = 1: bbar_prev beta / bbar_t, where x_t = alpha x_prev + beta noise has beta^2 = bbar_t^2 - alpha^2 bbar_prev^2."""
    return bbar_prev / bbar_t * (bbar_t**2 - (abar_t / abar_prev * bbar_prev) ** 2) ** 0.5
