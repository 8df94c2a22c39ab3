"""sigma_t = beta_t, twice (post 9181, "Some examples"): as a member of the family, and as DDIM's experiments have it.

Levels as in impls/diffusion/ddim.py, with abar^2 + bbar^2 = 1; beta^2 = 1 - (abar_t / abar_prev)^2.
"""

from impls.diffusion import ddim, ddpm


def in_the_family(x_t, eps, z, abar_t, bbar_t, abar_prev, bbar_prev):
    """The mean belongs to sigma = beta. Raises ValueError where beta > bbar_prev."""
    return ddim.step(x_t, eps, z, abar_t, bbar_t, abar_prev, bbar_prev, ddpm.step_deviation(abar_t, abar_prev))


def in_the_experiments(x_t, eps, z, abar_t, bbar_t, abar_prev, bbar_prev):
    """The posterior's mean (eta = 1), and noise of deviation beta (DDIM, appendix D.3)."""
    return ddpm.step(x_t, eps, z, abar_t, bbar_t, abar_prev, bbar_prev, ddpm.step_deviation(abar_t, abar_prev))


def excess(abar_t, bbar_t, abar_prev, bbar_prev):
    """Var(x_prev | x_0) of one step in the experiments minus bbar_prev^2, from x_t ~ p(x_t | x_0) and the true noise."""
    return (abar_prev * ddpm.step_deviation(abar_t, abar_prev) ** 2 / bbar_t) ** 2
