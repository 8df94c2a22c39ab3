"""Undetermined coefficients for p(x_prev | x_t, x_0) = N(kappa x_t + lambda x_0, sigma^2) (post 9181, "Undetermined coefficients").

Levels abar_t, bbar_t, abar_prev, bbar_prev as in impls/diffusion/ddim.py. Only + - * / and ** are used.
"""


def marginal(kappa, lambda_t, sigma, abar_t, bbar_t):
    """Mean, as a multiple of x_0, and variance of x_prev given x_0: what has to be abar_prev and bbar_prev^2."""
    return kappa * abar_t + lambda_t, kappa**2 * bbar_t**2 + sigma**2


def solutions(abar_t, bbar_t, abar_prev, bbar_prev, sigma):
    """Both (kappa, lambda) that fulfil the two equations, the post's own first: kappa >= 0."""
    kappa = (bbar_prev**2 - sigma**2) ** 0.5 / bbar_t
    return (kappa, abar_prev - abar_t * kappa), (-kappa, abar_prev + abar_t * kappa)


def forward(abar_t, bbar_t, abar_prev, bbar_prev, sigma):
    """p(x_t | x_prev, x_0) = N(c x_prev + w x_0, v) by Bayes' formula ("Business as usual"), for bbar_prev > 0: (c, w, v)."""
    kappa, _ = solutions(abar_t, bbar_t, abar_prev, bbar_prev, sigma)[0]
    c = kappa * bbar_t**2 / bbar_prev**2
    return c, abar_t - c * abar_prev, bbar_t**2 * sigma**2 / bbar_prev**2
