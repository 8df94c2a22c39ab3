"""pytest runs the claims: options, profiles, one item per trial, and a time limit for each property.

An item is `file::test[trial]`: `reference`, `control:<mistake>`, `counterexample:<n>`, `impl:<module>`. What a trial must
do (hold, or raise `Refuted`) is a strict expected failure, so that plain pytest output already tells the truth.
"""

from __future__ import annotations

import difflib
import faulthandler
import inspect
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from hypothesis import Phase, settings

from claims.trials import Role, Trial, UnusableImpl, load_impls, trials
from claims.vocabulary import DECLARATION, Claim
from oracles.evidence import Refuted

# Examples per property, and seconds after which a property is given up as hung.
PROFILES = {"quick": (25, 60), "audit": (100, 120), "deep": (2000, 3600)}
LIMIT_TO_END_NATIVE_CODE = 30  # seconds after the time limit at which a property deaf to signals costs its process

SEEN = pytest.StashKey[dict[str, str]]()  # claim id -> where it was declared
IMPLS = pytest.StashKey[dict[str, Any]]()
TRIALS = pytest.StashKey[dict[str, list[str]]]()  # claim id -> its trials, selected or not


class TimeLimit(BaseException):
    """A property ran too long. Not an `Exception`: Hypothesis would take it for a failure and run the case again."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("audit", "the audit of the blog's claims")
    group.addoption("--profile", default="audit", help="quick (25 examples a property), audit (100, the default) or deep (2000, fresh seeds)")
    group.addoption("--claim", action="append", default=[], metavar="ID", help="run only this claim; may be repeated")
    group.addoption("--device", action="append", default=[], metavar="NAME", help="run on this device only (cpu, cuda, mps, xpu); default: on all present")
    group.addoption("--impl", action="append", default=[], metavar="TOPIC.NAME=MODULE", help="also hold your own module against the claims of a reference")
    group.addoption("--property-timeout", type=float, metavar="SECONDS", help="give a property up after this long (default: by profile)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "trial(trial): what this item holds against its claim (set by the harness)")
    profile = config.getoption("--profile")
    if profile not in PROFILES:
        raise pytest.UsageError(f"--profile {profile}: there is no such profile; use {', '.join(PROFILES)}")
    for name, (examples, _) in PROFILES.items():
        # Our profiles decide, not the environment: under CI=true Hypothesis would otherwise pick its own.
        common = dict(max_examples=examples, deadline=None, report_multiple_bugs=False, print_blob=False)
        phases = (Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink)
        if name == "deep":
            settings.register_profile(name, phases=phases, derandomize=False, **common)
        else:
            settings.register_profile(name, phases=phases, derandomize=True, database=None, **common)
    settings.load_profile(profile)
    if options := config.getoption("--impl"):
        sys.path.insert(0, str(config.invocation_params.dir))
        try:
            config.stash[IMPLS] = load_impls(options)
        except UnusableImpl as error:
            raise pytest.UsageError(str(error)) from None
    config.stash[SEEN], config.stash[TRIALS] = {}, {}
    if names := config.getoption("--device"):
        from oracles.executors import unavailable

        for name in names:
            if why := unavailable(name):
                raise pytest.UsageError(f"--device {name}: {why}; leave --device out to run on every device present")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    claim = declared(metafunc.function)
    if claim is None:
        return
    where = f"{metafunc.module.__name__}.{metafunc.function.__name__}"
    if problems := claim.problems():
        raise pytest.Collector.CollectError(f"claim {claim.id!r} ({where}) cannot be run: " + "; ".join(problems))
    first = metafunc.config.stash[SEEN].setdefault(claim.id, where)
    if first != where:
        raise pytest.Collector.CollectError(f"claim id {claim.id!r} is declared twice, in {first} and in {where}: rename one of them")
    names, faults, parametrized = ["subject"], (), []
    if "executors" in inspect.signature(metafunc.function).parameters:
        from oracles.executors import FAULTS, Executors

        names.append("executors")
        faults = tuple(FAULTS)
    made = trials(
        claim,
        impls=metafunc.config.stash.get(IMPLS, {}),
        faults=faults,
        search_refuted=metafunc.config.getoption("--profile") == "deep",
    )
    for trial in made:
        marks = [pytest.mark.trial(trial)]
        if trial.holds is not True:
            marks.append(pytest.mark.xfail(raises=Refuted, strict=trial.holds is False, reason=f"{trial.id} must be refuted"))
        values = [trial.subject]
        if len(names) == 2:
            values.append(Executors.available(only=tuple(metafunc.config.getoption("--device")), fault=trial.fault, threads=threads()))
        parametrized.append(pytest.param(*values, id=trial.id, marks=marks))
    metafunc.config.stash[TRIALS][claim.id] = [param.id for param in parametrized]
    metafunc.parametrize(names, parametrized)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not (wanted := config.getoption("--claim")):
        return
    known = config.stash[SEEN]
    for id in wanted:
        if id not in known:
            near = difflib.get_close_matches(id, known, n=3, cutoff=0.4)
            hint = f"did you mean {' or '.join(near)}?" if near else "pytest --collect-only -q lists what there is."
            raise pytest.UsageError(f"--claim {id}: there is no such claim among the {len(known)} collected; {hint}")
    kept = [item for item in items if trial_of(item) and declared(item.function).id in wanted]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def pytest_runtest_setup(item: pytest.Item) -> None:
    if trial := trial_of(item):
        # One adapter for one private attribute: items of a parametrised test share the function, not the settings.
        item.obj._hypothesis_internal_use_settings = settings_for(trial, declared(item.function), item.config.getoption("--profile"))


def settings_for(trial: Trial, claim: Claim, profile: str) -> settings:
    base = settings.get_profile(profile)
    phases = set(base.phases)
    if trial.holds is False and not (profile == "deep" and trial.role is Role.REFERENCE):
        # A control only has to be rejected: shrinking its counterexample took ten times as long as finding it.
        phases -= {Phase.shrink, Phase.reuse, Phase.target}
    return settings(base, max_examples=max(1, round(base.max_examples * claim.effort)), phases=tuple(p for p in Phase if p in phases))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    trial = trial_of(pyfuncitem)
    if trial is None or trial.role is not Role.COUNTEREXAMPLE:
        return None
    inner = pyfuncitem.obj.hypothesis.inner_test
    given = {name: pyfuncitem.funcargs[name] for name in ("subject", "executors") if name in pyfuncitem.funcargs}
    inner(**given, **trial.case)
    return True


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Give a property up when it exceeds its time: by a signal, and if native code does not return, with the process."""
    if trial_of(item) is None or not hasattr(signal, "SIGALRM"):
        return (yield)
    seconds = item.config.getoption("--property-timeout") or PROFILES[item.config.getoption("--profile")][1]

    def expired(signum: int, frame: Any) -> None:
        raise TimeLimit(f"gave up after {seconds:g} s: the subject hangs, or the case is too large; --property-timeout changes the limit")

    previous = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    faulthandler.dump_traceback_later(seconds + LIMIT_TO_END_NATIVE_CODE, exit=True, file=sys.__stderr__)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def pytest_report_header(config: pytest.Config) -> str:
    profile = config.getoption("--profile")
    return f"audit: profile {profile}, {PROFILES[profile][0]} examples a property, hypothesis {hypothesis.__version__}"


def declared(function: Any) -> Claim | None:
    return getattr(function, DECLARATION, None)


def trial_of(item: pytest.Item) -> Trial | None:
    mark = item.get_closest_marker("trial")
    return mark.args[0] if mark else None


def threads() -> int:
    """Threads that torch may use in this process, so that workers together use each core once."""
    return max(1, (os.cpu_count() or 1) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
