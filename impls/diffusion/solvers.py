"""Solvers of dx/ds = f(x, s) from s = 1 down to 0 (post 9181, "Differential equations"): f is one call of the network.

Each step goes from s to s - h; x is a tensor of any shape, s and h are numbers.
"""


def euler(f, x, s, h):
    return x - h * f(x, s)


def heun(f, x, s, h):
    """The trapezoidal rule with its end predicted by Euler's step: two calls."""
    k1 = f(x, s)
    k2 = f(x - h * k1, s - h)
    return x - h / 2 * (k1 + k2)


def rk4(f, x, s, h):
    """The classical method of Runge and Kutta: four calls."""
    k1 = f(x, s)
    k2 = f(x - h / 2 * k1, s - h / 2)
    k3 = f(x - h / 2 * k2, s - h / 2)
    k4 = f(x - h * k3, s - h)
    return x - h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def solve(step, per_step, f, x, calls):
    """x at s = 0 from x at s = 1 by as many equal steps of `step`, with per_step calls each, as `calls` allow."""
    n = calls // per_step
    for i in range(n, 0, -1):
        x = step(f, x, i / n, 1 / n)
    return x
