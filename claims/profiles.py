"""How many cases each profile runs and which; the only place besides `reports/observe.py` that touches Hypothesis's private names.

`quick` and `audit` draw the same cases in every run of the same tree: whatever else was collected, on a laptop or under
CI=true, in one process or several. `tests/test_observe.py` holds the private names to what they promise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.internal.conjecture import providers

from claims.trials import Role, Trial
from claims.vocabulary import Claim

# Examples per property, and seconds after which a property is given up as hung.
PROFILES = {"quick": (25, 60), "audit": (100, 120), "deep": (2000, 3600)}
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink)


def load(profile: str, *, seeded: bool = False) -> None:
    """Make `profile` Hypothesis's own default too, for properties that are no claims.

    seeded: the user gave --hypothesis-seed, and the cases come from it in any profile: other cases, as repeatable.
    """
    for name, (examples, _) in PROFILES.items():
        repeatable = {} if name == "deep" else dict(derandomize=not seeded, database=None, suppress_health_check=[HealthCheck.too_slow])
        # Our profiles decide, not the environment: the default one differs under CI=true, and too_slow reads a clock.
        parent = settings.get_profile("default")
        settings.register_profile(
            name, parent, max_examples=examples, deadline=None, report_multiple_bugs=False, print_blob=False, phases=PHASES, **repeatable
        )
    settings.load_profile(profile)
    if profile != "deep":
        # Hypothesis mixes numbers found in the source of imported modules into its draws, so that the cases of a claim
        # would depend on which other claims are collected and on the module given to --impl.
        providers._get_local_constants = providers.Constants


def settings_for(trial: Trial, claim: Claim, profile: str) -> settings:
    base = settings.get_profile(profile)
    phases, examples = set(base.phases), base.max_examples
    if trial.holds is False and not (profile == "deep" and trial.role is Role.REFERENCE):
        # A control only has to be rejected: shrinking its counterexample took ten times as long as finding it. Whether the check
        # has teeth is a question about the default profile, and whoever is rejected early does not use up its examples.
        phases -= {Phase.shrink, Phase.reuse, Phase.target}
        examples = max(examples, PROFILES["audit"][0])
    return settings(base, max_examples=max(1, round(examples * claim.effort)), phases=tuple(p for p in Phase if p in phases))


def use(test: Callable[..., Any], chosen: settings) -> None:
    """Run the Hypothesis test with `chosen` from now on: items of a parametrised test share the function, not the settings."""
    test._hypothesis_internal_use_settings = chosen
