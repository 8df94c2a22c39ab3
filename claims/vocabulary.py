"""How a claim is declared: the statement, its source, its scope and the finding stand above the code that checks them.

Everything here only attaches plain data to an ordinary Hypothesis test; `claims/plugin.py` reads it at collection. A
declaration that lacks something is not an exception at import (that would take the other claims of the file with it)
but a sentence in `Claim.problems()`.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import re
import sys
import unittest
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from types import ModuleType
from typing import Any

import hypothesis

DECLARATION = "__claim__"
BOTH = ("says", "scope", "found", "limits", "if_fails", "corrected")  # what readers get in English and in Chinese
TOLD = ("corrected_by", "part_of", "proxy", "ours")


class Kind(Enum):
    """What sort of statement it is; it decides which oracle can judge it."""

    IDENTITY = "identity"
    DISTRIBUTION = "distribution"
    EXPECTATION = "expectation"
    OPTIMUM = "optimum"
    LIMIT = "limit"
    INEQUALITY = "inequality"
    APPROXIMATION = "approximation"
    COMPLEXITY = "complexity"
    EMPIRICAL = "empirical"  # of trained models or machines: see `not_checkable`


class Finding(Enum):
    """What is true of the post. What happened in a run is another question: see `reports.verdicts.Outcome`."""

    HOLDS = "holds"
    HOLDS_IN_SCOPE = "holds in scope"
    APPROXIMATE = "approximate"
    REFUTED = "refuted"
    NOT_CHECKABLE = "not checkable"


@dataclass(frozen=True)
class Post:
    """A post of kexue.fm: archive number, date of publication (ISO), topic folder, title.

    sections: those with claims, English name to Chinese name, in the order of the post; its claims are shown in this order.
    stands: one paragraph that says what of the post stands. zh: title and stands in Chinese.
    """

    archive: int
    date: str
    topic: str
    title: str
    sections: dict[str, str]
    stands: str
    zh: dict[str, str]

    def told(self) -> dict[str, Any]:
        """The post as plain JSON values, for the evidence file."""
        return {
            "archive": self.archive,
            "date": self.date,
            "topic": self.topic,
            "url": f"https://kexue.fm/archives/{self.archive}",
            "title": both(self.title, self.zh.get("title", "")),
            "stands": both(self.stands, self.zh.get("stands", "")),
            "sections": [both(en, zh) for en, zh in self.sections.items()],
        }


@dataclass(frozen=True)
class Counterexample:
    """A pinned case at which the statement fails, and what one sees there, in English and in Chinese."""

    why: str
    zh: str
    case: dict[str, Any]


@dataclass
class Claim:
    """A declared claim. The text fields are English with LaTeX between dollar signs; `zh` has the same fields in Chinese.

    section: one of its post's. says: the post's statement. scope: the conditions the post states. found: the finding in one sentence,
    incl. the scope in which it is true. corrected: the sentence the post should have had (refuted claims). limits: what the
    check cannot show. if_fails: the likeliest cause if a subject is refuted. In `zh`, `names` has the names of what the check
    measures, draws and certifies, with # for every number in them: {"error for n = #": "n = # 时的误差"}.

    ours: the statement is not the post's but ours, in place of one of its statements or beside it; it is counted apart.

    The catalogue of a post's statements may cut them differently. merges: ids of other entries that this claim checks
    too, each with the reason. part_of: the entry that this claim was split from. proxy: id of the claim that comes nearest
    to one that cannot be checked.
    """

    post: Post
    id: str
    section: str = ""
    kind: Kind | None = None
    finding: Finding | None = None
    says: str = ""
    zh: dict[str, Any] = field(default_factory=dict)
    scope: str = ""
    found: str = ""
    limits: str = ""
    if_fails: str = ""
    corrected: str = ""
    corrected_by: str = ""
    merges: dict[str, str] = field(default_factory=dict)
    part_of: str = ""
    proxy: str = ""
    headline: bool = False
    ours: bool = False
    effort: float = 1.0
    test: Callable[..., Any] = field(default=lambda: None, repr=False)
    reference: Any = None
    controls: dict[str, Any] = field(default_factory=dict)
    counterexamples: list[Counterexample] = field(default_factory=list)

    def problems(self) -> list[str]:
        """One sentence for everything that keeps this declaration from being a claim, each with its remedy."""
        found = []
        if not re.fullmatch(r"[a-z0-9]+([-.][a-z0-9]+)*", self.id):
            found.append(f"its id {self.id!r} is not a slug: use lower-case words joined by hyphens")
        for name in ("section", "says", "found"):
            if not getattr(self, name):
                found.append(f"it has no `{name}`: add {name}=... to @claim")
        if self.section and self.section not in self.post.sections:
            found.append(f"its post has no section {self.section!r}: use one of {', '.join(self.post.sections)}, or add it to the Post")
        for name, allowed in (("kind", Kind), ("finding", Finding)):
            if not isinstance(getattr(self, name), allowed):
                options = ", ".join(f"{allowed.__name__}.{member.name}" for member in allowed)
                found.append(f"its `{name}` is {getattr(self, name)!r}: use one of {options}")
        if lacking := [name for name, value in vars(self.post).items() if not value and name != "zh"]:
            found.append(f"its Post has no {' and no '.join(lacking)}: add {'=..., '.join(lacking)}=...")
        if unknown := [name for name in self.zh if name not in (*BOTH, "merges", "names")]:
            found.append(f"its `zh` has {' and '.join(unknown)}: its fields are {', '.join(BOTH)}, merges and names")
        return found + (self.problems_unchecked() if self.finding is Finding.NOT_CHECKABLE else self.problems_checked())

    def problems_unchecked(self) -> list[str]:
        found = [] if self.proxy else ["it names no `proxy`: give the id of the claim that comes nearest to it"]
        if self.reference is not None or self.counterexamples:
            found.append("it cannot be checked and yet has subjects or counterexamples: declare it with not_checkable(...)")
        return found

    def problems_checked(self) -> list[str]:
        found = [f"it has no `{name}`: add {name}=... to @claim" for name in ("scope", "limits", "if_fails") if not getattr(self, name)]
        if self.reference is None:
            found.append("it has no subject: add @subjects(reference, wrong_variant=..., another=...) above @given")
        elif len(self.controls) < 2:
            found.append(
                f"it has {len(self.controls)} control(s): name at least two wrong variants in @subjects, "
                "because a check that nobody has seen fail is not evidence"
            )
        if self.finding in (Finding.REFUTED, Finding.HOLDS_IN_SCOPE) and not self.counterexamples:
            found.append(f"its finding is {self.finding.value!r} but no case shows it: pin one with @counterexample(why, case=...)")
        if self.finding is Finding.REFUTED and not (self.corrected and self.corrected_by):
            found.append("it is refuted: add corrected=... (the repaired sentence) and corrected_by=... (the claim that checks it)")
        if not hypothesis.is_hypothesis_test(self.test):
            found.append("its test draws nothing: add @given(...) from hypothesis under @subjects")
        elif "subject" not in inspect.signature(self.test).parameters:
            found.append("its test has no parameter `subject`: that is how the implementations under audit come in")
        return found

    def untranslated(self) -> list[str]:
        """What readers of the Chinese page will get in English."""
        missing = [f"zh=dict({name}=...) of the claim" for name in BOTH if getattr(self, name) and not self.zh.get(name)]
        missing += [f"zh=dict(merges={{{id!r}: ...}}) of the claim" for id in self.merges if not self.zh.get("merges", {}).get(id)]
        missing += [f"the second text of counterexample {n}" for n, pinned in enumerate(self.counterexamples, start=1) if not pinned.zh]
        missing += [f"zh=dict({name}=...) of its Post" for name in ("title", "stands") if not self.post.zh.get(name)]
        return missing + [f"sections={{{self.section!r}: ...}} of its Post"] * (not self.post.sections.get(self.section))

    @property
    def digest(self) -> str:
        """Changes whenever the claim file does, or anything audited that it uses; older evidence is stale."""
        told = {name: value for name, value in self.told().items() if name != "headline"}
        files = sorted(module.__name__ for module in used_by(inspect.getmodule(self.test)))
        sources = [inspect.getsource(sys.modules[name]) for name in files]
        return hashlib.sha256("\0".join([json.dumps(told, sort_keys=True), *sources]).encode()).hexdigest()[:16]

    def told(self) -> dict[str, Any]:
        """The declaration as plain JSON values, for the evidence file; a text is {"en": English, "zh": Chinese}."""
        return {
            "id": self.id,
            "post": self.post.archive,
            "section": both(self.section, self.post.sections.get(self.section, "")),
            "kind": self.kind.value,
            "finding": self.finding.value,
            "headline": self.headline,
            **{name: both(getattr(self, name), self.zh.get(name, "")) for name in BOTH},
            "merges": {id: both(reason, self.zh.get("merges", {}).get(id, "")) for id, reason in self.merges.items()},
            "names": self.zh.get("names", {}),
            "counterexamples": [
                {"why": both(pinned.why, pinned.zh), "case": ", ".join(f"{name}={value!r}" for name, value in pinned.case.items())}
                for pinned in self.counterexamples
            ],
        } | {name: getattr(self, name) for name in TOLD}


def both(en: str, zh: str) -> dict[str, str]:
    return {"en": en, "zh": zh}


def used_by(module: ModuleType) -> set[ModuleType]:
    """The module and every audited module that it imports from, directly or not."""
    found, waiting = set(), [module]
    while waiting:
        current = waiting.pop()
        if current in found:
            continue
        found.add(current)
        owners = {
            value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None) for value in vars(current).values()
        }
        waiting += [sys.modules[name] for name in owners if isinstance(name, str) and audited(name) and name in sys.modules]
    return found


def audited(module: str) -> bool:
    """Whether a verdict depends on what stands in it: impls/, oracles/, strategies/, and the other claim files of a post."""
    package, *inner = module.split(".")
    return package in ("impls", "oracles", "strategies") or (package == "claims" and len(inner) == 2)


def claim(post: Post, id: str, **declared: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare the Hypothesis test below as the check of one claim of `post`; outermost decorator. Fields: see `Claim`."""
    unknown = declared.keys() - Claim.__dataclass_fields__.keys()
    if unknown:
        raise TypeError(f"claim {id!r}: unknown field {', '.join(sorted(unknown))}; the fields are those of claims.vocabulary.Claim")

    def declare(test: Callable[..., Any]) -> Callable[..., Any]:
        reference, controls = getattr(test, "__subjects__", (None, {}))
        pinned = list(getattr(test, "__counterexamples__", ()))
        setattr(test, DECLARATION, Claim(post, id, test=test, reference=reference, controls=controls, counterexamples=pinned, **declared))
        return test

    return declare


def not_checkable(post: Post, id: str, *, section: str, says: str, found: str, proxy: str, zh: dict[str, str]) -> Callable[..., Any]:
    """Declare a statement of `post` that no program here can decide, so that the total is honest: test_name = not_checkable(...).

    found: what it would take to check it. proxy: id of the claim that comes nearest. It is collected like any claim and
    is always "not run".
    """

    def test(subject: None) -> None:
        raise unittest.SkipTest(f"cannot be checked: {found}")

    declare = claim(
        post, id, section=section, kind=Kind.EMPIRICAL, finding=Finding.NOT_CHECKABLE, says=says, found=found, proxy=proxy, zh=zh
    )
    return declare(test)


def subjects(reference: Any, /, **controls: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The implementation under audit (a namespace of functions) and variants on which the verdict must flip.

    For a claim that holds, controls are wrong variants, named after the mistake, which the property must refute. For a
    refuted claim they are variants of which the statement is true, which the property must not refute.
    """

    def attach(test: Callable[..., Any]) -> Callable[..., Any]:
        test.__subjects__ = (reference, controls)
        return test

    return attach


def counterexample(why: str, zh: str = "", /, **case: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Pin a case at which the statement fails: of a refuted claim anywhere, of an in-scope claim outside of its scope.

    why, zh: what one sees there, in English and in Chinese. It runs as an item of its own, one call, and must raise `Refuted`;
    smallest first if there are several.
    """

    def attach(test: Callable[..., Any]) -> Callable[..., Any]:
        test.__counterexamples__ = [Counterexample(why, zh, case), *getattr(test, "__counterexamples__", ())]
        return test

    return attach


class variant:
    """The namespace `reference` with some of its functions replaced: how a wrong variant is written in one line."""

    def __init__(self, reference: Any, **replaced: Callable[..., Any]):
        missing = [name for name in replaced if not hasattr(reference, name)]
        if missing:
            raise TypeError(f"variant of {getattr(reference, '__name__', reference)}: it has no function {', '.join(missing)} to replace")
        self._reference = reference
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reference, name)
