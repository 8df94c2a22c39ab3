"""DDPM's Markov chain x_t = alpha x_prev + beta noise and its posterior (post 9181, "Some examples").

Levels as in impls/diffusion/ddim.py, alpha = abar_t / abar_prev. Only + - * / and ** are used.
"""

from impls.diffusion import ddim


def step_deviation(abar_t, abar_prev):
    """beta of the chain where abar^2 + bbar^2 = 1 at both ends."""
    return (1 - (abar_t / abar_prev) ** 2) ** 0.5


def posterior(abar_t, bbar_t, abar_prev, bbar_prev):
    """(kappa, lambda, sigma) of p(x_prev | x_t, x_0) = N(kappa x_t + lambda x_0, sigma^2), variance preserved."""
    beta = step_deviation(abar_t, abar_prev)
    return abar_t / abar_prev * bbar_prev**2 / bbar_t**2, abar_prev * beta**2 / bbar_t**2, bbar_prev * beta / bbar_t


def step(x_t, eps, z, abar_t, bbar_t, abar_prev, bbar_prev, sigma):
    """The posterior's mean with x_0 estimated from the predicted noise eps, and noise of deviation sigma added."""
    alpha = abar_t / abar_prev
    return (x_t - step_deviation(abar_t, abar_prev) ** 2 / bbar_t * eps) / alpha + sigma * z


def member(x_t, eps, z, *levels):
    """The member of DDIM's family with the posterior's sigma: the same step once more."""
    return ddim.step(x_t, eps, z, *levels, ddim.posterior_deviation(*levels))
