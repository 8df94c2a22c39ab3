"""Every bad input gets one sentence that names it and the remedy; the rest of the audit goes on, and nothing turns green by it."""

from __future__ import annotations

import pytest

from tests.small_audit import Audit, Project, claim

TWO_FILES = {"test_bad": claim(), "test_good": claim("good")}


def said(audit: Audit) -> set[str]:
    return {error["message"] for error in audit.document["errors"]}


@pytest.mark.parametrize(
    "options, sentence",
    [
        (("--profile", "fast"), "--profile fast: there is no such profile; use quick, audit, deep"),
        (
            ("--device", "tpu"),
            "--device tpu: there is no such device; use cpu, cuda, xpu, mps; leave --device out to run on every device present",
        ),
        (("--property-timeout", "0"), "0 is no time limit: give a number of seconds above 0"),
        (("--property-timeout", "soon"), "soon is no time limit: give a number of seconds above 0"),
        (
            ("--report", "test_bad.py/report"),
            "--report test_bad.py/report: cannot write there (Not a directory); name a folder you can write to",
        ),
        (
            ("--report", "test_bad.py/report", "-n", "2"),
            "--report test_bad.py/report: cannot write there (Not a directory); name a folder you can write to",
        ),
        (("--impl", "sampling.segment"), "--impl sampling.segment: write it as TOPIC.NAME=MODULE, for example --impl "),
        (
            ("--impl", "sampling.segments=os"),
            "--impl sampling.segments=os: there is no reference 'sampling.segments' to stand in for; did you mean sampling.segment",
        ),
        (
            ("--impl", "sampling.segment=not.there"),
            "--impl sampling.segment=not.there: importing not.there failed (ModuleNotFoundError: No module named 'not'); check the name",
        ),
        (("--impl", "sampling.segment=exits"), "--impl sampling.segment=exits: importing exits failed (SystemExit: 0)"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_option_that_cannot_be_used_stops_before_anything_runs(project: Project, options: tuple[str, ...], sentence: str) -> None:
    project.write(**TWO_FILES, exits="raise SystemExit(0)")
    audit = project.audit(*options)
    assert audit.status == pytest.ExitCode.USAGE_ERROR
    assert len(audit.lines(sentence)) == 1, audit.output
    assert "Traceback" not in audit.output
    assert not (audit.folder / "verdicts.json").exists()


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["serial", "xdist"])
def test_an_unknown_claim_is_named_with_its_neighbours_and_the_known_ones_run(project: Project, workers: tuple[str, ...]) -> None:
    project.write(**TWO_FILES)
    audit = project.audit("--claim", "sqares", "--claim", "good", *workers)
    assert audit.status == pytest.ExitCode.TESTS_FAILED
    assert said(audit) == {"there is no such claim among the 2 collected; did you mean squares?"}
    assert [error["nodeid"] for error in audit.document["errors"]] == ["--claim sqares"]
    assert audit.outcomes() == {"good": "reproduced"}


def test_an_unknown_claim_without_neighbours_says_where_to_look(project: Project) -> None:
    project.write(**TWO_FILES)
    audit = project.audit("--claim", "zzz")
    assert audit.status == pytest.ExitCode.TESTS_FAILED
    assert said(audit) == {"there is no such claim among the 2 collected; pytest --collect-only -q lists what there is"}
    assert audit.outcomes() == {}


def test_an_implementation_of_something_that_was_not_collected_is_not_silently_ignored(project: Project) -> None:
    project.write(**TWO_FILES)
    audit = project.audit("--impl", "sampling.segment=os")
    assert audit.status == pytest.ExitCode.TESTS_FAILED
    assert said(audit) == {
        "no collected claim is about impls.sampling.segment; run the claims that are, for example pytest claims/sampling"
    }
    assert audit.outcomes() == {"squares": "reproduced", "good": "reproduced"}


BAD_FILES = {
    "syntax_error": ("def broken(:\n", "SyntaxError: invalid syntax"),
    "missing_import": ("import not_there\n", "ModuleNotFoundError: No module named 'not_there'"),
    "unknown_field": (
        claim("a", colour="'red'"),
        "TypeError: claim 'a': unknown field colour; the fields are those of claims.vocabulary.Claim",
    ),
    "duplicate": (
        claim("good"),
        "claim 'good' (test_duplicate.test_good) cannot be run: its id is taken by test_aaa.test_good: rename one of them",
    ),
    "another_post": (
        'POST = Post(1, date="2024-01-01", topic="sampling", title="Another", sections={"1": "一"}, stands="No.", zh={})\n' + claim("e"),
        "claim 'e' (test_another_post.test_e) cannot be run: its Post 1 is not the one of test_aaa.test_good: import POST from there",
    ),
    "missing_field": (
        claim("b", limits=""),
        "claim 'b' (test_missing_field.test_b) cannot be run: it has no `limits`: add limits=... to @claim",
    ),
    "no_control": (claim("c", subjects="right"), "it has 0 control(s): name at least two wrong variants in @subjects"),
    "nothing_pinned": (
        claim("d", finding="Finding.REFUTED"),
        "its finding is 'refuted' but no case shows it: pin one with @counterexample(why, case=...)",
    ),
    "no_tests_name": (claim("e").replace("def test_e", "def e"), "pytest does not collect a function named e: begin its name with test_"),
}


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["serial", "xdist"])
def test_each_bad_claim_file_is_one_error_and_the_rest_goes_on(project: Project, workers: tuple[str, ...]) -> None:
    project.write(test_aaa=claim("good"), **{f"test_{name}": source for name, (source, _) in BAD_FILES.items()}, test_zzz=claim("another"))
    audit = project.audit(*workers)
    assert audit.status == pytest.ExitCode.TESTS_FAILED
    found = {error["nodeid"].partition(".py")[0].removeprefix("test_"): error["message"] for error in audit.document["errors"]}
    assert len(audit.document["errors"]) == len(audit.lines("not collected: ")) == len(BAD_FILES)
    for name, (_, sentence) in BAD_FILES.items():
        assert sentence in found[name]
    assert audit.outcomes() == {"good": "reproduced", "another": "reproduced"}


def test_a_bad_claim_does_not_take_the_others_of_its_file_with_it(project: Project) -> None:
    project.write(test_bad=claim(limits="") + claim("good"))
    audit = project.audit()
    assert audit.outcomes() == {"good": "reproduced"}
    assert [error["nodeid"] for error in audit.document["errors"]] == ["test_bad.py::test_squares"]


IMPLEMENTED = claim(
    subjects="segment, none=variant(segment, longest_first=lambda *_: []), shortest=variant(segment, longest_first=segment.shortest_first)",
    check="equal(subject.longest_first('ab', {'b', 'ab'}), [(0, 2), (1, 2)], f'candidates, {n}')",
)
USERS_MODULES = {
    "from impls.sampling.segment import longest_first": ("holds", ""),
    "def longest_first(text, vocabulary): return []": ("refuted", "candidates, 1: got [], truth [(0, 2), (1, 2)]"),
    "def shortest_first(text, vocabulary): return []": (
        "not run",
        "mine does not provide longest_first, which impls/sampling/segment.py documents",
    ),
    "def longest_first(text, vocabulary): return 1 / 0": ("broken", "ZeroDivisionError: division by zero (mine.py:1)"),
    "import os, time\ndef longest_first(text, vocabulary): time.sleep(99)": ("broken", "gave up after 2 s"),
}


@pytest.mark.parametrize("module", USERS_MODULES, ids=[was for was, _ in USERS_MODULES.values()])
def test_a_users_module_is_judged_for_itself(project: Project, module: str) -> None:
    was, message = USERS_MODULES[module]
    project.write(test_squares=IMPLEMENTED, mine=module)
    audit = project.audit("--impl", "sampling.segment=mine", "--property-timeout", "2")
    (impl,) = audit.claim()["impls"]
    assert (impl["name"], impl["was"]) == ("mine", was)
    assert message in impl["message"]
    assert audit.claim()["outcome"] == "reproduced"
    assert (audit.status == 0) is (was == "holds")
    nothing_ran = {"--impl mine"} if was == "not run" else set()
    assert {error["nodeid"] for error in audit.document["errors"]} == nothing_ran


ON_EXECUTORS = """
import torch
from claims import variant
from impls.attention import softmax
from oracles.ball import certified
from strategies.tensors import dyadic

def share(xp, x):
    return xp.exp(x) / xp.exp(x).sum()

def times(factor):
    return variant(softmax, softmax=lambda x: softmax.softmax(x) * factor)
""" + claim(
    subjects="softmax, doubled=times(2), halved=times(0.5)",
    given="x=dyadic(3)",
    takes="subject, x, executors",
    check="executors.hold('softmax', subject.softmax, (x,), certified(share, (x,), roundings=6, sums=3))",
)


@pytest.mark.parametrize(
    "returned, was, message",
    [
        ("x[:2]", "broken", "softmax: returned shape (2,) on cpu float64, expected (3,)"),
        ("x * torch.nan", "refuted", "inf x the error budget on cpu float64: got nan"),
    ],
    ids=["wrong shape", "NaN"],
)
def test_an_output_that_is_no_answer_is_broken_and_nan_is_refuted(project: Project, returned: str, was: str, message: str) -> None:
    project.write(test_squares=ON_EXECUTORS, mine=f"import torch\ndef softmax(x): return {returned}\n")
    audit = project.audit("--impl", "attention.softmax=mine", "-k", "mine")
    (impl,) = audit.claim()["impls"]
    assert audit.status == pytest.ExitCode.TESTS_FAILED
    assert (impl["was"], message in impl["message"]) == (was, True), impl["message"]
