"""Steps of a schedule as angles (post 9181, "Differential equations"): abar_t = cos theta_t, bbar_t = sin theta_t, theta_0 = 0.

On data N(0, 1) a step with sigma = 0 turns by theta_t - theta_{t-1} and keeps the share cos^2 of the variance; abar, bbar
hold the levels at 0..T.
"""

from impls.diffusion import ddim

step = ddim.step


def sine_of_largest_step(abar, bbar):
    """max_t sin(theta_t - theta_{t-1}): between its square and pi/2 times itself lies the variance that all steps lose."""
    return (bbar[1:] * abar[:-1] - abar[1:] * bbar[:-1]).max()
