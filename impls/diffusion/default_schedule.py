"""The amplitude abar_t of DDPM's default schedule alpha_t^2 = 1 - 0.02 t/T and what the post puts in its place (post 9181,
"Differential equations"). t = 1..T; apart from the sum only + - * / are used, so t may be of any kind of number.
"""

import torch


def log_amplitudes(t, T):
    """log abar_1 .. log abar_T for t = 1..T: half the sum of log(1 - 0.02 k/T) over k <= t."""
    return torch.cumsum(torch.log1p(-0.02 * t / T), dim=0) / 2


def log_bound(t, T):
    """-0.005 t (t + 1) / T, above log abar_t."""
    return -t * (t + 1) / (200 * T)


def log_by_steps(t, T):
    """-0.005 t^2 / T"""
    return -t * t / (200 * T)


def log_by_time(t, T):
    """-5 t^2 / T^2, the same at T = 1000"""
    return -5 * t * t / (T * T)
