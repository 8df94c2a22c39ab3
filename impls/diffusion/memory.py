"""What a chain of steps remembers of its start (post 9181, "Experimental results", on Gaussian data).

Symbols as in impls/diffusion/ddim.py; data N(m, s2), the exact noise predictor, sigma = eta times the posterior's deviation.
"""

from impls.diffusion import ddim

jump = ddim.jump


def remembered(abar, bbar, eta, s2):
    """C: an error d of x_T moves the mean of the chain's x_0 by C d. The product of kappa_t + lambda_t abar_t s2 / v_t over all steps."""
    C = 1
    for t in range(1, len(abar)):
        sigma = eta * ddim.posterior_deviation(abar[t], bbar[t], abar[t - 1], bbar[t - 1])
        kappa = (bbar[t - 1] ** 2 - sigma**2) ** 0.5 / bbar[t]
        C = C * (kappa + (abar[t - 1] - abar[t] * kappa) * abar[t] * s2 / (abar[t] ** 2 * s2 + bbar[t] ** 2))
    return C
