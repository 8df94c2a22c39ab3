"""Contracts of the few private or experimental names of Hypothesis that the harness uses: what breaks first with a new version."""

from __future__ import annotations

import importlib
import itertools
import os
import subprocess
import sys
from types import SimpleNamespace

import hypothesis.internal.observability as observability
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from claims import profiles
from claims.trials import Role, Trial
from oracles.evidence import Record, Refuted, recording, spent
from reports.observe import LONGEST_CASE, Examples, observed, recorded

REPEATABLE = settings(derandomize=True, database=None, max_examples=50, deadline=None, phases=[Phase.generate, Phase.shrink])


def watched(test, record=None, on_example=lambda: None, **fixed) -> Examples:
    with observed(test, fixed, record or Record(), on_example) as examples:
        try:
            test(**fixed)
        except (Refuted, ZeroDivisionError):
            pass
    return examples


def test_passed_failed_and_discarded_examples_are_counted() -> None:
    @REPEATABLE
    @given(n=st.integers(0, 9))
    def passes(n):
        assume(n % 2)

    examples = watched(passes)
    assert (examples.passed, examples.failed, examples.failing) == (5, 0, "")
    assert examples.discarded == 5  # the search stops where it has seen all ten


def test_the_failing_case_is_the_smallest_and_shows_what_was_drawn_alone() -> None:
    @REPEATABLE
    @given(n=st.integers(), word=st.text())
    def fails(subject, n, word):
        if n > 10:
            raise Refuted("too large")

    examples = watched(fails, subject=object())
    assert examples.failed > 0
    assert examples.failing == "n=11, word=''"


def test_a_crash_is_a_failing_case_too_also_while_it_is_drawn() -> None:
    @REPEATABLE
    @given(n=st.integers(1, 9).map(lambda n: n / 0))
    def cannot_draw(n):
        pass

    assert watched(cannot_draw).failing == "(no case: drawing it failed)"


def test_a_very_long_case_is_shortened() -> None:
    @REPEATABLE
    @given(n=st.just("x" * 2 * LONGEST_CASE))
    def fails(n):
        raise Refuted("always")

    assert watched(fails).failing.endswith(f"... ({2 * LONGEST_CASE + 4} characters)")


def test_the_worst_case_of_a_row_is_the_example_that_led_there() -> None:
    @REPEATABLE
    @given(n=st.integers(0, 100))
    def measures(n):
        spent("n", n / 100, device="cpu", arithmetic="exact", residual=0.0, at="")

    with recording() as record:
        watched(measures, record)
    row = record.rows["cpu", "exact"]
    assert row.case == f"n={round(row.share * 100)}"
    assert record.fresh == []


def test_an_observer_that_fails_does_not_fail_the_property() -> None:
    @REPEATABLE
    @given(n=st.integers())
    def passes(n):
        pass

    examples = watched(passes, on_example=lambda: 1 / 0)
    assert "ZeroDivisionError" in examples.failing


def test_observing_changes_no_case_and_leaves_nothing_behind() -> None:
    drawn: list[int] = []

    @REPEATABLE
    @given(n=st.integers())
    def keeps(n):
        drawn.append(n)

    inner = keeps.hypothesis.inner_test
    keeps()
    plain, drawn[:] = drawn[:], []
    watched(keeps)
    assert drawn == plain
    assert keeps.hypothesis.inner_test is inner
    assert not observability.observability_enabled()


def test_coverage_is_not_collected() -> None:
    assert observability.OBSERVABILITY_COLLECT_COVERAGE is False


def test_what_was_recorded_is_plain() -> None:
    with recording() as record:
        spent("y", 0.5, device="cpu", arithmetic="float32", residual=0.1, at="at [0]")
    known = recorded(record, Examples(passed=3))
    assert known["examples"] == {"passed": 3, "failed": 0, "discarded": 0, "failing": ""}
    assert known["rows"] == [{"device": "cpu", "arithmetic": "float32", "comparisons": 0, "share": 0.5, "residual": 0.1, "at": "y at [0]"}]


def drawn_with(chosen: settings) -> list[int]:
    drawn: list[int] = []

    @given(n=st.integers())
    def keeps(n):
        drawn.append(n)

    profiles.use(keeps, chosen)
    keeps()
    return drawn


def test_settings_of_one_item_reach_its_test() -> None:
    assert [len(drawn_with(settings(REPEATABLE, max_examples=most))) for most in (3, 7)] == [3, 7]


def test_settings_of_a_later_item_replace_those_of_the_one_before() -> None:
    calls = itertools.count()

    @given(n=st.integers())
    def counts(n):
        next(calls)

    for most in (5, 3):
        profiles.use(counts, settings(REPEATABLE, max_examples=most))
        counts()
    assert next(calls) == 8


def test_numbers_in_the_source_of_other_modules_do_not_reach_the_draws(tmp_path, monkeypatch) -> None:
    before = drawn_with(settings(REPEATABLE, max_examples=300))
    (tmp_path / "numbers_of_mine.py").write_text("\n".join(f"n{n} = {n}" for n in range(10**6, 10**6 + 500)))
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("numbers_of_mine")
    assert drawn_with(settings(REPEATABLE, max_examples=300)) == before


REFERENCE, CONTROL = Trial(Role.REFERENCE, "reference", None, holds=True), Trial(Role.CONTROL, "wrong", None, holds=False)
CLAIM = SimpleNamespace(effort=1.0)


@pytest.mark.parametrize("profile", profiles.PROFILES)
def test_a_profile_runs_its_number_of_examples_scaled_by_the_effort_of_the_claim(profile: str) -> None:
    examples, _ = profiles.PROFILES[profile]
    assert profiles.settings_for(REFERENCE, CLAIM, profile).max_examples == examples
    assert profiles.settings_for(REFERENCE, SimpleNamespace(effort=0.2), profile).max_examples == examples / 5
    assert profiles.settings_for(REFERENCE, SimpleNamespace(effort=1e-9), profile).max_examples == 1


def test_controls_have_the_examples_of_the_default_profile_at_least() -> None:
    counts = [profiles.settings_for(CONTROL, CLAIM, profile).max_examples for profile in ("quick", "audit", "deep")]
    assert counts == [100, 100, 2000]


def test_controls_are_not_shrunk_and_nothing_is_explained() -> None:
    assert Phase.shrink in profiles.settings_for(REFERENCE, CLAIM, "audit").phases
    assert profiles.settings_for(CONTROL, CLAIM, "audit").phases == (Phase.explicit, Phase.generate)
    assert not any(Phase.explain in profiles.settings_for(REFERENCE, CLAIM, profile).phases for profile in profiles.PROFILES)


@pytest.mark.parametrize("profile, repeatable", [("quick", True), ("audit", True), ("deep", False)])
def test_only_the_deep_profile_draws_fresh_cases(profile: str, repeatable: bool) -> None:
    chosen = settings.get_profile(profile)
    assert (chosen.derandomize, chosen.database is None) == (repeatable, repeatable)


def test_a_seed_of_the_users_draws_other_cases_and_keeps_the_profile() -> None:
    try:
        profiles.load("quick", seeded=True)
        chosen = settings.get_profile("quick")
        assert (chosen.derandomize, chosen.database, chosen.max_examples) == (False, None, profiles.PROFILES["quick"][0])
    finally:
        profiles.load("quick")


def test_the_profiles_are_the_same_on_a_continuous_integration_machine() -> None:
    script = (
        "from claims import profiles as p; from hypothesis import settings; p.load('audit'); print(*map(settings.get_profile, p.PROFILES))"
    )
    environments = ({k: v for k, v in os.environ.items() if k not in ("CI", "GITHUB_ACTIONS")} | more for more in ({}, {"CI": "true"}))
    at_home, in_ci = (
        subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True).stdout for env in environments
    )
    assert at_home == in_ci
