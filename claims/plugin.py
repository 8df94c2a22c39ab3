"""pytest runs the claims: options, profiles, one item per trial, and a time limit for each property.

An item is `file::test[trial]`: `reference`, `control:<mistake>`, `counterexample:<n>`, `impl:<module>`. What a trial must
do (hold, or raise `Refuted`) is a strict expected failure, so that plain pytest output already tells the truth.
"""

from __future__ import annotations

import argparse
import difflib
import faulthandler
import inspect
import math
import signal
import sys
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest

from claims import profiles
from claims.profiles import PROFILES
from claims.trials import Role, Trial, UnusableImpl, implementation_key, load_impls, trials
from claims.vocabulary import DECLARATION, Claim, Post
from oracles.evidence import Refuted

SEED = "--hypothesis-seed"  # an option of Hypothesis's own plugin
LIMIT_TO_END_NATIVE_CODE = 30  # seconds after the time limit at which a property deaf to signals costs its process

SEEN = pytest.StashKey[dict[str, str]]()  # claim id -> where it was declared
POSTS = pytest.StashKey[dict[int, tuple[Post, str]]]()  # archive number -> the post, and who declared it first
IMPLS = pytest.StashKey[dict[str, Any]]()
TRIALS = pytest.StashKey[dict[str, list[str]]]()  # claim id -> its trials, selected or not


class TimeLimit(BaseException):
    """A property ran too long. Not an `Exception`: Hypothesis would take it for a failure and run the case again."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("audit", "the audit of the blog's claims")
    group.addoption(
        "--profile", default="audit", help="quick (25 examples a property), audit (100, the default) or deep (2000, fresh seeds)"
    )
    group.addoption("--claim", action="append", default=[], metavar="ID", help="run only this claim; may be repeated")
    group.addoption(
        "--device",
        action="append",
        default=[],
        metavar="NAME",
        help="run on this device only (cpu, cuda, mps, xpu); default: on all present",
    )
    group.addoption(
        "--impl",
        action="append",
        default=[],
        metavar="TOPIC.NAME=MODULE",
        help="also hold your own module against the claims of a reference",
    )
    group.addoption("--property-timeout", type=seconds, metavar="SECONDS", help="give a property up after this long (default: by profile)")


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no time limit: give a number of seconds above 0")
    return value


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "trial(trial): what this item holds against its claim (set by the harness)")
    profile = config.getoption("--profile")
    if profile not in PROFILES:
        raise pytest.UsageError(f"--profile {profile}: there is no such profile; use {', '.join(PROFILES)}")
    profiles.load(profile, seeded=config.getoption(SEED, None) is not None)
    if options := config.getoption("--impl"):
        sys.path.insert(0, str(config.invocation_params.dir))
        try:
            config.stash[IMPLS] = load_impls(options)
        except UnusableImpl as error:
            raise pytest.UsageError(str(error)) from None
    config.stash[SEEN], config.stash[POSTS], config.stash[TRIALS] = {}, {}, {}
    if names := config.getoption("--device"):
        from oracles.executors import unavailable

        for name in names:
            if why := unavailable(name):
                raise pytest.UsageError(f"--device {name}: {why}; leave --device out to run on every device present")


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Module, name: str, obj: object) -> pytest.Collector | None:
    """A claim that cannot be run becomes an error of its own, and the other claims of its file go on."""
    claim = declared(obj)
    if claim is None:
        return None
    where = f"{collector.module.__name__}.{name}"
    problems = claim.problems()
    if not collector.funcnamefilter(name):
        problems.append(f"pytest does not collect a function named {name}: begin its name with test_")
    first = collector.config.stash[SEEN].setdefault(claim.id, where)
    if first != where:
        problems.append(f"its id is taken by {first}: rename one of them")
    post, told_by = collector.config.stash[POSTS].setdefault(claim.post.archive, (claim.post, where))
    if post != claim.post:
        problems.append(f"its Post {post.archive} is not the one of {told_by}: import POST from there")
    if not problems:
        for missing in claim.untranslated():
            collector.warn(pytest.PytestCollectionWarning(f"claim {claim.id!r} ({where}) is not all in Chinese: add {missing}"))
        return None
    return Misdeclared.from_parent(collector, name=name, why=f"claim {claim.id!r} ({where}) cannot be run: " + "; ".join(problems))


class Misdeclared(pytest.Collector):
    """Stands where a claim would, and fails to be collected with the sentence that says why."""

    def __init__(self, *, why: str, **kwargs: Any):
        super().__init__(**kwargs)
        self.why = why

    def collect(self) -> Iterator[pytest.Item]:
        raise self.CollectError(self.why)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    claim = declared(metafunc.function)
    if claim is None:
        return
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
            values.append(Executors.available(only=tuple(metafunc.config.getoption("--device")), fault=trial.fault))
        parametrized.append(pytest.param(*values, id=trial.id, marks=marks))
    metafunc.config.stash[TRIALS][claim.id] = [param.id for param in parametrized]
    metafunc.parametrize(names, parametrized)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for option, why in unmatched(config, items):
        # Reported like a file that cannot be collected: a worker of xdist must not raise here, and the rest goes on.
        config.hook.pytest_collectreport(report=pytest.CollectReport(nodeid=option, outcome="failed", longrepr=why, result=[]))
    if wanted := config.getoption("--claim"):
        kept = [item for item in items if trial_of(item) and declared(item.function).id in wanted]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept


def unmatched(config: pytest.Config, items: list[pytest.Item]) -> Iterator[tuple[str, str]]:
    """Options that name something which no collected claim has, each with the reason and the remedy."""
    known = config.stash[SEEN]
    for id in config.getoption("--claim"):
        if id not in known:
            near = difflib.get_close_matches(id, known, n=3, cutoff=0.4)
            hint = f"did you mean {' or '.join(near)}?" if near else "pytest --collect-only -q lists what there is"
            yield f"--claim {id}", f"there is no such claim among the {len(known)} collected; {hint}"
    held = {implementation_key(declared(item.function).reference) for item in items if trial_of(item)}
    for key, module in config.stash.get(IMPLS, {}).items():
        if key not in held:
            folder = key.partition(".")[0]
            yield (
                f"--impl {key}={module.__name__}",
                f"no collected claim is about impls.{key}; run the claims that are, for example pytest claims/{folder}",
            )


def pytest_collection_finish() -> None:
    """One thread for torch, if any claim has imported it: the tensors are small, and threads that wait for each other cost ten times more."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if trial := trial_of(item):
        profiles.use(item.obj, profiles.settings_for(trial, declared(item.function), item.config.getoption("--profile")))


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
    limit = item.config.getoption("--property-timeout") or PROFILES[item.config.getoption("--profile")][1]

    def expired(signum: int, frame: Any) -> None:
        raise TimeLimit(f"gave up after {limit:g} s: the subject hangs, or the case is too large; --property-timeout changes the limit")

    previous = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, limit)
    faulthandler.dump_traceback_later(limit + LIMIT_TO_END_NATIVE_CODE, exit=True, file=sys.__stderr__)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def pytest_report_header(config: pytest.Config) -> str:
    profile = config.getoption("--profile")
    return f"audit: profile {profile}, {PROFILES[profile][0]} examples a property, hypothesis {hypothesis.__version__}"


def declared(function: object) -> Claim | None:
    claim = getattr(function, DECLARATION, None)
    return claim if isinstance(claim, Claim) else None


def trial_of(item: pytest.Item) -> Trial | None:
    mark = item.get_closest_marker("trial")
    return mark.args[0] if mark else None
