"""Three ways to write the mean of a step with the estimate mu = (x_t - bbar_t eps) / abar_t in the place of x_0.

Post 9181, "Business as usual"; symbols as in impls/diffusion/ddim.py. Only + - * / and ** are used.
"""


def root(bbar_prev, sigma):
    return (bbar_prev**2 - sigma**2) ** 0.5


def estimate(x_t, eps, abar_t, bbar_t):
    """mu(x_t), the x_0 that the predicted noise eps leaves."""
    return (x_t - bbar_t * eps) / abar_t


def by_noise(x_t, eps, abar_t, bbar_t, abar_prev, bbar_prev, sigma):
    """(x_t - (bbar_t - alpha sqrt(bbar_prev^2 - sigma^2)) eps) / alpha with alpha = abar_t / abar_prev"""
    alpha = abar_t / abar_prev
    return (x_t - (bbar_t - alpha * root(bbar_prev, sigma)) * eps) / alpha


def by_data(x_t, eps, abar_t, bbar_t, abar_prev, bbar_prev, sigma):
    """kappa x_t + lambda mu"""
    kappa = root(bbar_prev, sigma) / bbar_t
    return kappa * x_t + (abar_prev - abar_t * kappa) * estimate(x_t, eps, abar_t, bbar_t)


def by_both(x_t, eps, abar_t, bbar_t, abar_prev, bbar_prev, sigma):
    """abar_prev mu + sqrt(bbar_prev^2 - sigma^2) eps"""
    return abar_prev * estimate(x_t, eps, abar_t, bbar_t) + root(bbar_prev, sigma) * eps
