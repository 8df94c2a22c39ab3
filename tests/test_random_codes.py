"""The law of the distance to the nearest random code: closed forms where there are some, and monotone in the number of codes."""

from __future__ import annotations

import pytest
from scipy.stats import chi2

from oracles.random_codes import distortion, farther, median


@pytest.mark.parametrize("d", [1, 2, 16, 64])
def test_one_code_is_twice_a_chi_square(d: int) -> None:
    assert distortion(d, 1) == pytest.approx(2, abs=1e-6)
    assert farther(d, 1, 2.0 * d) == pytest.approx(chi2.sf(d, d), abs=1e-6)
    assert median(d, 1) == pytest.approx(2 * chi2.median(d), rel=1e-4)


@pytest.mark.parametrize("d, c", [(4, 64), (16, 64), (64, 16), (2, 16), (1, 3), (16, 4), (4, 1)])
def test_the_median_may_be_off_by_a_millionth_of_itself(d: int, c: int) -> None:
    t = median(d, c)
    assert abs(farther(d, c, t) - 0.5) <= 4e-6 + 1e-6
    assert (farther(d, c, 0.999 * t) - farther(d, c, 1.001 * t)) / 0.002 < 4


def test_on_the_line_two_codes_are_the_nearer_of_two() -> None:
    # E min(X, Y) with X - Y' of correlated differences: by simulation of 4 * 10^6 draws 0.8973 within 0.003.
    assert distortion(1, 2) == pytest.approx(0.8973, abs=0.003)


@pytest.mark.parametrize("d", [2, 16])
def test_more_codes_are_nearer(d: int) -> None:
    errors = [distortion(d, c) for c in (1, 2, 8, 64)]
    assert errors == sorted(errors, reverse=True) and len(set(errors)) == 4
    assert [farther(d, c, d) for c in (1, 8, 64)] == sorted((farther(d, c, d) for c in (1, 8, 64)), reverse=True)
