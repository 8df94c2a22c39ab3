"""DDIM sampling (post 9181, "Undetermined coefficients", "Business as usual", "Accelerating generation").

x_t = abar_t x_0 + bbar_t noise; abar amplitude and bbar deviation of the *whole* way from 0 to t (abar_0 = 1, bbar_0 = 0);
alpha = abar_t / abar_prev, where `prev` is t - 1, or the next smaller element of a subsequence of times;
eps the predicted noise at (x_t, t), z standard normal noise of the caller, sigma its deviation.

Only + - * / and ** are used, so tensors of any dtype, Python numbers and numbers of arbitrary precision all fit.
"""

import torch


def step(x_t, eps, z, abar_t, bbar_t, abar_prev, bbar_prev, sigma):
    """x_prev = (x_t - (bbar_t - alpha sqrt(bbar_prev^2 - sigma^2)) eps) / alpha + sigma z, entry by entry.

    Raises ValueError unless 0 <= sigma <= bbar_prev everywhere: beyond that the root does not exist.
    """
    if not torch.as_tensor((0 <= sigma) & (sigma <= bbar_prev)).all():
        raise ValueError(f"sigma must be between 0 and bbar_prev: got sigma {sigma}, which leaves bbar_prev - sigma = {bbar_prev - sigma}")
    alpha = abar_t / abar_prev
    root = (bbar_prev**2 - sigma**2) ** 0.5
    return (x_t - (bbar_t - alpha * root) * eps) / alpha + sigma * z


def posterior_deviation(abar_t, bbar_t, abar_prev, bbar_prev):
    """sigma at eta = 1, that of DDPM's p(x_prev | x_t, x_0) where abar^2 + bbar^2 = 1."""
    return bbar_prev / bbar_t * (1 - (abar_t / abar_prev) ** 2) ** 0.5


def jump(x_t, eps, z, abar, bbar, now, then, eta, step=step):
    """The step from time `now` to the earlier time `then` of the schedule abar[0..T], bbar[0..T], with sigma = eta * posterior.

    now, then: times, or arrays of times for a batch of steps.
    """
    levels = abar[now], bbar[now], abar[then], bbar[then]
    return step(x_t, eps, z, *levels, eta * posterior_deviation(*levels))


def flow(x, predictor, abar, bbar, step=step):
    """x_T to x_0 by every step of the schedule with sigma = 0; `predictor(x_t, t)` is the noise, t = T..1."""
    for t in range(len(abar) - 1, 0, -1):
        x = step(x, predictor(x, t), 0 * x, abar[t], bbar[t], abar[t - 1], bbar[t - 1], 0 * bbar[t - 1])
    return x
