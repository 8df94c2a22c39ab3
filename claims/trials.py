"""From a declared claim to the trials that a run makes of it: reference, controls, pinned counterexamples, users' own code."""

from __future__ import annotations

import difflib
import importlib
import unittest
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from claims.vocabulary import Claim, Finding

IMPLS = Path(__file__).parent.parent / "impls"


class Role(Enum):
    REFERENCE = "reference"
    CONTROL = "control"
    COUNTEREXAMPLE = "counterexample"
    IMPL = "impl"


@dataclass(frozen=True)
class Trial:
    """One property run: `subject` held against the claim's property, with the answer that the claim's finding predicts.

    `holds` is the prediction: False means that this trial must raise `Refuted`. None predicts nothing (a user's code
    against a refuted claim).
    """

    role: Role
    name: str
    subject: Any
    holds: bool | None
    fault: str = ""  # a faulty executor in place of the sound ones: the control of the device check
    case: dict[str, Any] = field(default_factory=dict)  # the pinned case, for a counterexample

    @property
    def id(self) -> str:
        return self.role.value if self.role is Role.REFERENCE else f"{self.role.value}:{self.name}"


class UnusableImpl(Exception):
    """An --impl option that cannot be used, in one sentence with the remedy."""


class UserImplementation:
    """A user's module in the place of `reference`. A function that it lacks skips the trial: not run, with the reason."""

    def __init__(self, reference: Any, module: Any):
        self._reference, self._module = reference, module
        self.__name__ = module.__name__

    def __getattr__(self, name: str) -> Any:
        if hasattr(self._reference, name) and not hasattr(self._module, name):
            file = f"impls/{implementation_key(self._reference).replace('.', '/')}.py"
            raise unittest.SkipTest(f"{self.__name__} does not provide {name}, which {file} documents")
        return getattr(self._module, name)


def trials(claim: Claim, *, impls: Mapping[str, Any], faults: tuple[str, ...], search_refuted: bool) -> Iterator[Trial]:
    """The trials of one claim, in the order in which they run.

    impls: users' modules by the key of the reference they stand for. faults: names of faulty executors, empty for a
    claim that does not run on executors. search_refuted: let Hypothesis find a refuted claim's counterexample again.
    """
    refuted = claim.finding is Finding.REFUTED
    for i, pinned in enumerate(claim.counterexamples, start=1):
        yield Trial(Role.COUNTEREXAMPLE, str(i), claim.reference, holds=False, case=pinned.case)
    if not refuted or search_refuted:
        yield Trial(Role.REFERENCE, "reference", claim.reference, holds=not refuted)
    for name, wrong in claim.controls.items():
        yield Trial(Role.CONTROL, name.replace("_", "-"), wrong, holds=refuted)
    for name in () if refuted else faults:
        yield Trial(Role.CONTROL, name, claim.reference, holds=False, fault=name)
    key = implementation_key(claim.reference)
    if key in impls:
        user = UserImplementation(claim.reference, impls[key])
        yield Trial(Role.IMPL, user.__name__, user, holds=None if refuted else True)


def implementation_key(reference: Any) -> str:
    """ "attention.mla" for the module impls.attention.mla: the left-hand side of --impl."""
    return getattr(reference, "__name__", "").removeprefix("impls.")


def load_impls(options: list[str]) -> dict[str, Any]:
    """Import the modules named in `--impl TOPIC.NAME=MODULE` options. Raises `UnusableImpl`."""
    known = sorted(f"{path.parent.name}.{path.stem}" for path in IMPLS.glob("*/*.py") if path.stem != "__init__")
    loaded = {}
    for option in options:
        key, equals, module = option.partition("=")
        if not equals or not module:
            raise UnusableImpl(f"--impl {option}: write it as TOPIC.NAME=MODULE, for example --impl {known[0]}=mypkg.mymodule")
        if key not in known:
            near = difflib.get_close_matches(key, known, n=3, cutoff=0.3)
            hint = f"did you mean {' or '.join(near)}?" if near else "the files of impls/ are the references"
            raise UnusableImpl(f"--impl {option}: there is no reference {key!r} to stand in for; {hint}")
        try:
            loaded[key] = importlib.import_module(module)
        except BaseException as error:  # whatever a user's module does at import, it is the option that cannot be used
            if isinstance(error, KeyboardInterrupt):
                raise
            raise UnusableImpl(
                f"--impl {option}: importing {module} failed ({type(error).__name__}: {error}); "
                f"check the name, and that the folder above it is on PYTHONPATH"
            ) from error
    return loaded
