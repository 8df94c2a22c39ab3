"""Points between two standard normal vectors z_1, z_2, for 0 <= lam <= 1 (post 9181, "Experimental results")."""

import math


def spherical(z_1, z_2, lam):
    """z_1 cos(lam pi / 2) + z_2 sin(lam pi / 2), from z_1 at lam = 0 to z_2 at lam = 1."""
    angle = lam * (math.pi / 2)
    return z_1 * angle.cos() + z_2 * angle.sin()


def linear(z_1, z_2, lam):
    """lam z_1 + (1 - lam) z_2, from z_2 at lam = 0 to z_1 at lam = 1."""
    return lam * z_1 + (1 - lam) * z_2
