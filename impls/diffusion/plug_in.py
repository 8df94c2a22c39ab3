"""What sampling loses by putting the estimate E[x_0 | x_t] in the place of x_0 (post 9181, "Business as usual").

Symbols as in impls/diffusion/ddim.py; the exact noise predictor, data of any law, in every direction by itself.
"""

from impls.diffusion import ddim

step = ddim.step


def lost_variance(abar_t, bbar_t, abar_prev, bbar_prev, sigma, uncertainty):
    """Var(x_prev) by the true marginal minus Var(x_prev) of one step from the true p(x_t): lambda_t^2 uncertainty.

    uncertainty: E[Var(x_0 | x_t)], which is s2 bbar_t^2 / (abar_t^2 s2 + bbar_t^2) for data N(m, s2).
    """
    lambda_t = abar_prev - abar_t * (bbar_prev**2 - sigma**2) ** 0.5 / bbar_t
    return lambda_t**2 * uncertainty
