"""Rotations by exact angles: cos = (1 - t^2) / (1 + t^2), sin = 2 t / (1 + t^2) for a rational t, and logits by angle differences.

Arrays are numpy arrays of `Fraction`s; nothing is rounded.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from oracles.evidence import require


def angle(t: Fraction, m: int) -> tuple[Fraction, Fraction]:
    """Cosine and sine of m times the angle whose half has tangent t, by halving m."""
    if m < 0:
        cos, sin = angle(t, -m)
        return cos, -sin
    if m == 0:
        return Fraction(1), Fraction(0)
    cos, sin = angle(t, m // 2)
    cos, sin = cos * cos - sin * sin, 2 * sin * cos
    if m % 2:
        c, s = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
        cos, sin = cos * c - sin * s, sin * c + cos * s
    return cos, sin


def same(what: str, got: np.ndarray, truth: np.ndarray | list) -> None:
    """Exact equality; where it fails, the size of the difference is told. Raises `Refuted`."""
    truth = np.array(truth, dtype=object)
    fits = got.shape == truth.shape
    size = lambda values: np.linalg.norm(values.astype(float))
    require(
        fits and bool((got == truth).all()),
        f"{what}: off by {size(got - truth) / size(truth) if fits else np.inf:.2g} of the size of the truth",
        comparisons=truth.size,
    )


def logits(
    x: np.ndarray, c: np.ndarray, tangents: tuple[Fraction, ...], positions: range, W_q: np.ndarray, W_k: np.ndarray
) -> list[list[list[Fraction]]]:
    """Rotary logits (h, n, n) from position differences; shapes as in impls/attention/rope_absorption.py."""
    heads = []
    for s in range(len(W_q)):
        a, b = x @ W_q[s], c @ W_k[s]
        heads.append([[relative(a[t], b[i], tangents, positions[i] - positions[t]) for i in range(len(c))] for t in range(len(x))])
    return heads


def relative(a: np.ndarray, b: np.ndarray, tangents: tuple[Fraction, ...], distance: int) -> Fraction:
    """A rotated query a times a rotated key b: per block (a . b) cos(phi) + (a x b) sin(phi), phi the angle of the distance."""
    total = Fraction(0)
    for j, tangent in enumerate(tangents):
        (a0, a1), (b0, b1), (cos, sin) = a[2 * j : 2 * j + 2], b[2 * j : 2 * j + 2], angle(tangent, distance)
        total += (a0 * b0 + a1 * b1) * cos + (a1 * b0 - a0 * b1) * sin
    return total


def rotated_first(
    c: np.ndarray, tangents: tuple[Fraction, ...], positions: range, W_q: np.ndarray, W_k: np.ndarray
) -> list[list[list[Fraction]]]:
    """Logits (h, n, n) of latents that are rotated before the projections, entry by entry; shapes as in impls/attention/rope_on_latent.py."""
    rotated = []
    for row, m in zip(c, positions, strict=True):
        turns = [angle(tangent, m) for tangent in tangents]
        blocks = zip(row[0::2], row[1::2], turns, strict=True)
        rotated.append([z for a, b, (cos, sin) in blocks for z in (a * cos - b * sin, a * sin + b * cos)])
    dot = lambda a, b: sum((y * z for y, z in zip(a, b, strict=True)), Fraction(0))
    heads = []
    for q, k in zip(W_q, W_k, strict=True):
        queries, keys = ([[dot(row, column) for column in W.T] for row in rotated] for W in (q, k))
        heads.append([[dot(a, b) for b in keys] for a in queries])
    return heads
