"""What a strategy promises about its cases, in lines (strategy, where, predicate), and the tests that hold it to them.

A corner counts as reached if it is among 200 cases, twice what a claim draws in the audit profile; the strategy leaves a
corner that hides mistakes if at least a third of the cases lie elsewhere.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

CASES = 200
Line = tuple[Callable[[], st.SearchStrategy[Any]], str, Callable[[Any], bool]]


@functools.cache
def drawn(strategy: Callable[[], st.SearchStrategy[Any]]) -> tuple[Any, ...]:
    cases = []

    @settings(max_examples=CASES, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
    @given(strategy())
    def draw(case: Any) -> None:
        cases.append(case)

    draw()
    return tuple(cases)


def reaches(table: list[Line]) -> Callable[..., None]:
    """A test: test_reaches = reaches(TABLE)."""

    @named(table)
    def test(strategy: Callable[[], Any], where: str, predicate: Callable[[Any], bool]) -> None:
        assert any(map(predicate, drawn(strategy))), f"{strategy.__name__} does not reach {where} in {CASES} cases"

    return test


def does_not_stay_in(table: list[Line]) -> Callable[..., None]:
    @named(table)
    def test(strategy: Callable[[], Any], where: str, predicate: Callable[[Any], bool]) -> None:
        inside = sum(map(predicate, drawn(strategy))) / len(drawn(strategy))
        assert inside <= 2 / 3, f"{inside:.0%} of the cases of {strategy.__name__} are {where}"

    return test


def stays_within(table: list[Line]) -> Callable[..., None]:
    @named(table)
    def test(strategy: Callable[[], Any], where: str, predicate: Callable[[Any], bool]) -> None:
        assert all(map(predicate, drawn(strategy))), f"{strategy.__name__} leaves {where}"

    return test


def named(table: list[Line]) -> Any:
    return pytest.mark.parametrize(
        "strategy, where, predicate", [pytest.param(*line, id=f"{line[0].__name__}: {line[1]}") for line in table]
    )
