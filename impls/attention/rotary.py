"""Rotary position encoding in the post's row convention: a row x at position m becomes x R_m.

R_m is block-diagonal with 2x2 rotations by the angles m theta_i; R_m R_n^T = R_(m-n). Entries 2i and 2i+1 form a block.
"""

import torch


def rotate(x, positions, theta):
    """x R_m for every row: x (..., n, d_r), positions (n,), theta (d_r / 2,) -> (..., n, d_r)."""
    angles = positions[:, None] * theta
    cos, sin = angles.cos(), angles.sin()
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)
