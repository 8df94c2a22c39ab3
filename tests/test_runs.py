"""What can happen while an audit runs, and that only what was reproduced is ever shown as reproduced."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import Any

import pytest

from reports.audited_tree import web_address
from tests.small_audit import CHECK, Audit, Project, claim

WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["serial", "xdist"])
REFUTED = dict(
    finding="Finding.REFUTED",
    corrected="'n is not its square'",
    corrected_by="'good'",
    check="equal(n * n, subject.square(n), f'square of {n}')",
)
WRONG = "off_by_one, right=right, also_right=SimpleNamespace(square=lambda n: n**2)"

# What a property can do: claim, outcome, and what the verdict says.
PROPERTIES = {
    "good": (claim("good"), "reproduced", ""),
    "raises": (claim("raises", check="raise ValueError('boom')"), "broken", "the reference: ValueError: boom (test_all.py:"),
    "unsettled": (
        claim("unsettled", check="raise Unsettled('too few digits')"),
        "broken",
        "the reference: Unsettled: too few digits (test_all.py:",
    ),
    "asserts": (claim("asserts", check="assert not subject.square(n)"), "broken", "the reference: AssertionError"),
    "compares-nothing": (
        claim("compares-nothing", check="pass"),
        "broken",
        "the reference: the property ended without a single comparison",
    ),
    "control-survives": (
        claim("control-survives", subjects="right, off_by_one=off_by_one, same=right"),
        "broken",
        "control same survived: the check has no teeth",
    ),
    "control-crashes": (
        claim("control-crashes", subjects="right, off_by_one=off_by_one, empty=SimpleNamespace()"),
        "broken",
        "control empty: AttributeError: 'types.SimpleNamespace' object has no attribute 'square'",
    ),
    "changed": (
        claim("changed", subjects="off_by_one, negated=negated, zero=SimpleNamespace(square=lambda n: 0)"),
        "changed",
        "the reference refuted: square of 1: got 2, truth 1",
    ),
    "hangs": (
        claim("hangs", check="time.sleep(99)"),
        "broken",
        "the reference: gave up after 1 s: the subject hangs, or the case is too large; --property-timeout changes",
    ),
    "skips": (claim("skips", check="import unittest\nraise unittest.SkipTest('needs a library')"), "not run", "needs a library"),
    "quality": (
        "test_quality = not_checkable(POST, 'quality', section='1', says='better', found='it takes training', proxy='good', zh={'says': '更好'})\n",
        "not run",
        "cannot be checked: it takes training",
    ),
    "draws-nothing-valid": (
        claim("draws-nothing-valid", given="n=st.integers(1, 9).filter(lambda n: n > 9)"),
        "broken",
        "the reference: Un",
    ),
    "odd-text": (claim("odd-text", check="raise Refuted('<b>\"' + chr(0xD800) + chr(0))"), "changed", 'the reference refuted: <b>"\\ud800'),
    "refuted": (claim("refuted", subjects=WRONG, pinned="@counterexample('one', n=1)", **REFUTED), "reproduced", ""),
    "no-longer-refuted": (
        claim("no-longer-refuted", subjects="right, same=right, again=right", pinned="@counterexample('one', n=1)", **REFUTED),
        "changed",
        "counterexample 1 no longer refutes the statement",
    ),
    "holds-in-scope": (
        claim(
            "holds-in-scope",
            subjects="SimpleNamespace(square=lambda n: n * n if n < 10 else 0), off_by_one=off_by_one, negated=negated",
            finding="Finding.HOLDS_IN_SCOPE",
            pinned="@counterexample('ten', n=10)",
        ),
        "reproduced",
        "",
    ),
    "too-much-refuted": (
        claim("too-much-refuted", subjects="off_by_one, right=right, negated=negated", pinned="@counterexample('one', n=1)", **REFUTED),
        "broken",
        "control negated was refuted, although the statement is true of it: the check refutes too much",
    ),
}


def rows_of(audit: Audit) -> dict[str, Any]:
    """The verdict document that was published, without the header of the run."""
    document = json.loads((audit.folder / "verdicts.json").read_text(encoding="utf-8"))
    return {name: value for name, value in document.items() if name != "runs"}


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Audit]:
    project = Project(tmp_path_factory.mktemp("everything"))
    project.write(test_all="".join(source for source, _, _ in PROPERTIES.values()))
    return project, project.audit("--property-timeout", "1")


def test_every_way_a_property_can_end_has_its_outcome_and_its_sentence(everything: tuple[Project, Audit]) -> None:
    _, audit = everything
    assert audit.status == pytest.ExitCode.TESTS_FAILED
    assert audit.outcomes() == {name: outcome for name, (_, outcome, _) in PROPERTIES.items()}
    for name, (_, _, sentence) in PROPERTIES.items():
        assert sentence in audit.claim(name)["reason"] and bool(sentence) == bool(audit.claim(name)["reason"])
        assert audit.lines(name, PROPERTIES[name][1]), f"{name} is not in the table of verdicts"
    assert audit.document["runs"][0]["status"] == "complete"


@pytest.mark.parametrize("options, environment", [((), {}), (("-n", "2"), {}), ((), {"CI": "true"})], ids=["again", "xdist", "CI"])
def test_two_runs_of_the_same_tree_are_byte_identical_but_for_the_header(
    everything: tuple[Project, Audit], options: tuple[str, ...], environment: dict[str, str]
) -> None:
    project, first = everything
    again = project.audit("--property-timeout", "1", *options, report="again", **environment, PYTHONHASHSEED="7")
    assert json.dumps(rows_of(first)) == json.dumps(rows_of(again))


def test_cases_do_not_depend_on_what_else_was_collected(project: Project) -> None:
    measuring = claim("measured", given="n=st.integers()", check="measured(str(n), 1)\n" + CHECK)
    project.write(
        test_a=measuring,
        test_b="import numbers_of_mine\n" + claim("other"),
        numbers_of_mine="\n".join(f"n{n} = {n}" for n in range(10**6, 10**6 + 300)),
    )
    alone = project.audit("--profile", "audit", paths=("test_a.py",), report="alone")
    together = project.audit("--profile", "audit", report="together")
    assert alone.claim("measured") == together.claim("measured")


def test_a_seed_draws_other_cases_that_can_be_drawn_again(project: Project) -> None:
    project.write(test_a=claim("measured", given="n=st.integers()", check="measured(str(n), 1)\n" + CHECK))
    plain, one, again, two = (
        project.audit(*seed, report=f"report{number}")
        for number, seed in enumerate([(), ("--hypothesis-seed=1",), ("--hypothesis-seed=1",), ("--hypothesis-seed=2",)])
    )
    assert one.claim("measured") == again.claim("measured")
    drawn = [set(audit.claim("measured")["measures"]) for audit in (plain, one, two)]
    assert drawn[0] != drawn[1] != drawn[2] != drawn[0]
    assert [audit.document["runs"][0]["seeds"] for audit in (plain, two)] == ["derandomised", "from --hypothesis-seed=2"]


def test_the_case_that_is_shown_has_the_drawn_arguments_only(everything: tuple[Project, Audit]) -> None:
    _, audit = everything
    assert audit.claim("changed")["found_case"] == "n=1"
    assert audit.claim("draws-nothing-valid")["found_case"] == ""


def test_a_worker_that_dies_costs_its_claim_alone(project: Project) -> None:
    project.write(test_a=claim(check="os._exit(1)") + claim("good") + claim("another"))
    audit = project.audit("-n", "2")
    assert audit.status == pytest.ExitCode.TESTS_FAILED
    assert audit.outcomes() == {"squares": "broken", "good": "reproduced", "another": "reproduced"}
    assert audit.claim()["reason"] == "the reference: its process died while it ran: it crashed, was killed or ran out of memory"


def test_claims_stand_in_the_order_of_the_post_and_of_their_file_whatever_their_names(project: Project) -> None:
    post = 'POST = Post(1, date="2024-01-01", topic="sampling", title="A", sections={"2": "二", "1": "一"}, stands="s", zh={})\n'
    project.write(test_a=post + claim("zebra") + claim("first", section='"2"') + claim("apple"))
    assert [one["id"] for one in project.audit().document["claims"]] == ["first", "zebra", "apple"]


def test_a_process_that_dies_leaves_everything_unfinished_incomplete_and_no_older_verdict_in_its_place(project: Project) -> None:
    project.write(test_a=claim("good"), test_b=claim(), test_c=claim("another"))
    assert project.audit().status == 0
    project.write(test_b=claim(check="os._exit(7)"))
    audit = project.audit()
    assert audit.status == 7
    assert set(audit.outcomes().values()) == {"incomplete"}
    assert audit.claim("good")["reason"] == "the run's evidence has no end"
    assert (
        audit.document["runs"][0]["status"]
        == "incomplete: the evidence breaks off before the end of the run (6 of 9 items without a result)"
    )
    assert [path.name for path in audit.folder.iterdir()] == ["evidence.jsonl"]


def test_a_property_deaf_to_signals_costs_its_process_and_not_the_audit(project: Project) -> None:
    project.write(
        impatient="import claims.plugin\nclaims.plugin.LIMIT_TO_END_NATIVE_CODE = 0.5\n",
        test_a=claim(check="import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})\ntime.sleep(99)") + claim("good"),
    )
    audit = project.audit(
        "-p",
        "impatient",
        "-n",
        "2",
        "--property-timeout",
        "0.5",
        PYTHONPATH=os.pathsep.join((str(project.folder), project.environment()["PYTHONPATH"])),
    )
    assert audit.status == pytest.ExitCode.TESTS_FAILED
    assert audit.outcomes() == {"squares": "broken", "good": "reproduced"}


@WORKERS
def test_ctrl_c_keeps_what_is_finished_and_calls_the_rest_incomplete(project: Project, workers: tuple[str, ...]) -> None:
    project.write(test_a=claim("good"), test_b=claim("slow", check="open('started', 'w').close()\ntime.sleep(99)"), test_c=claim("after"))
    process = project.start("--report", "audit-report", *workers)
    evidence = project.folder / "audit-report/evidence.jsonl"
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if (project.folder / "started").exists() and evidence.read_text(encoding="utf-8").count('"record": "result"') == 3:
            break
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    audit = project.finish(process)
    assert audit.status == pytest.ExitCode.INTERRUPTED
    assert audit.outcomes() == {"good": "reproduced", "slow": "incomplete", "after": "incomplete"}
    assert audit.claim("slow")["reason"] == "the reference did not finish"
    assert audit.lines("run: incomplete: interrupted with 6 of 9 items not run")


def test_stopping_at_the_first_failure_leaves_the_rest_incomplete(project: Project) -> None:
    project.write(test_a=claim("good"), test_b=claim(check="raise ValueError"), test_c=claim("after"))
    audit = project.audit("-x")
    assert audit.status != 0
    assert audit.outcomes() == {"good": "reproduced", "squares": "broken", "after": "incomplete"}


@pytest.mark.parametrize(
    "options, paths, trials",
    [
        (("-k", "reference"), (".",), 1),
        (("-k", "control"), (".",), 2),
        (("-k", "not negated"), (".",), 2),
        ((), ("test_a.py::test_squares[reference]",), 1),
        (("--claim", "squares", "-k", "reference"), (".",), 1),
        (("--deselect", "test_a.py::test_squares[control:negated]"), (".",), 2),
    ],
)
def test_a_claim_with_trials_deselected_is_never_green(
    project: Project, options: tuple[str, ...], paths: tuple[str, ...], trials: int
) -> None:
    project.write(test_a=claim())
    audit = project.audit(*options, paths=paths)
    assert audit.status == 0
    assert audit.outcomes() == {"squares": "not run"}
    assert audit.claim()["reason"] == f"{3 - trials} of its 3 trials were not selected"


def test_selecting_a_whole_claim_gives_its_whole_verdict(project: Project) -> None:
    project.write(test_a=claim() + claim("other"))
    audit = project.audit("--claim", "other")
    assert (audit.status, audit.outcomes()) == (0, {"other": "reproduced"})


def test_a_run_without_claims_leaves_the_last_audit_alone(project: Project) -> None:
    project.write(test_a=claim())
    audit = project.audit()
    before = {path.name: path.read_bytes() for path in audit.folder.iterdir()}
    (project.folder / "test_other.py").write_text("def test_ordinary(): pass\n")
    assert project.audit(paths=("test_other.py",)).status == 0
    assert {path.name: path.read_bytes() for path in audit.folder.iterdir()} == before


def test_the_deep_profile_searches_a_refuted_claim_again_and_shows_the_smallest_case(project: Project) -> None:
    source, _, _ = PROPERTIES["refuted"]
    project.write(test_a=source)
    audit = project.audit("--profile", "deep")
    assert (audit.status, audit.outcomes()) == (0, {"refuted": "reproduced"})
    assert audit.claim("refuted")["found_case"] == "n=1"


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://github.com/someone/audit", "https://github.com/someone/audit"),
        ("https://github.com/someone/audit.git", "https://github.com/someone/audit"),
        ("https://name:secret@example.org:8443/group/sub/audit.git/", "https://example.org:8443/group/sub/audit"),
        ("https://token@example.org/audit", "https://example.org/audit"),
        ("git@github.com:someone/audit.git", "https://github.com/someone/audit"),
        ("ssh://git@example.org:2222/someone/audit.git", "https://example.org/someone/audit"),
        ("git://example.org/audit.git", "https://example.org/audit"),
        ("http://example.org/audit", "https://example.org/audit"),
        ("git@github.com:/someone/audit", "https://github.com/someone/audit"),
        ("https://example.org/audit.git?private_token=secret", ""),
        ("https://example.org/a$(touch pwned)", ""),
        ("ssh://me@192.168.0.5/home/me/audit.git", ""),
        ("me@my.laptop.local:code/audit", ""),
        ("", ""),
        ("/srv/git/audit.git", ""),
        ("../audit", ""),
        ("my.folder/audit", ""),
        ("file:///srv/git/audit", ""),
        ("C:\\work\\audit", ""),
        ("https://localhost/audit", ""),
    ],
)
def test_a_run_says_where_strangers_find_the_tree_and_no_secret_or_path_of_this_machine(remote: str, address: str) -> None:
    assert web_address(remote) == address


def test_a_run_names_commit_and_repository_of_the_tree_and_whether_it_was_changed(project: Project) -> None:
    git = lambda *command: subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *command],
        cwd=project.folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    project.write(test_a=claim())
    git("init")
    git("add", "test_a.py")
    git("commit", "-m", "a claim")
    git("remote", "add", "origin", "git@example.org:someone/audit.git")
    told = lambda: {name: project.audit().document["runs"][0][name] for name in ("commit", "dirty", "repository")}
    clean = {"commit": git("rev-parse", "HEAD")[:12], "dirty": False, "repository": "https://example.org/someone/audit"}
    assert told() == clean
    project.write(test_a=claim("edited"))
    assert told() == clean | {"dirty": True}
    git("remote", "remove", "origin")
    assert told() == clean | {"dirty": True, "repository": ""}
    (project.folder / ".git" / "index").write_bytes(b"no index")  # whether the tree is clean can no longer be known
    assert told() == {"commit": "", "dirty": False, "repository": ""}
