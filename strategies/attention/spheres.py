"""Dimensions and scales for cosines of random directions."""

from __future__ import annotations

from hypothesis import strategies as st

PLOTTED = (8, 16, 32, 64, 128, 256)  # dimensions for which the fitted coefficient is reported


def dimensions(least: int = 2, most: int = 768) -> st.SearchStrategy[int]:
    """The usual head and embedding sizes, the smallest dimensions (d = 2 has a density without bound, d = 3 a constant one), and any."""
    usual = [d for d in (128, 3, 2, 4, 5, 64, 768) if least <= d <= most]
    return st.sampled_from(usual) | st.integers(least, most)


def scales(most: int = 64) -> st.SearchStrategy[float]:
    """0 to `most` in steps of 1/8, and nearly 0."""
    return st.integers(0, 8 * most).map(lambda k: k / 8) | st.sampled_from([2.0**-20, 1.0, 30.0])
