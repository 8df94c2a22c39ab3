"""The differential equation that DDIM's steps approach (post 9181, "Differential equations").

predictor(x, t) is the noise predicted in x at time t in 0..T; abar^2 + bbar^2 = 1. Time is measured by s = t/T with
abar = e^{-5 s^2}, by s = t^2/T^2 with abar = e^{-5 s}, or by bbar/abar, the virtual time, in which x/abar moves by eps.

s has the method expm1, as tensors and numbers of arbitrary precision do; apart from it only + - * / and ** are used.
"""


def rate(x, s, predictor, T):
    """dx/ds for s = t/T > 0."""
    return 10 * s * (predictor(x, s * T) / (-(-10 * s * s).expm1()) ** 0.5 - x)


def rate_by_square(x, s, predictor, T):
    """dx/ds for s = t^2/T^2 > 0."""
    return 5 * (predictor(x, s**0.5 * T) / (-(-10 * s).expm1()) ** 0.5 - x)


def virtual_time(abar):
    """bbar / abar for abar > 0."""
    return (1 - abar**2) ** 0.5 / abar
