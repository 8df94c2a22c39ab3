"""While an audit runs, one line says how far it has come; at its end nothing of it stands between the verdicts."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from typing import Any

import pytest

from reports import progress
from reports.progress import STEPS, Progress
from tests.small_audit import Project, claim

LINE = re.compile(r"\d+ of \d+ claims done.*")
WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["serial", "xdist"])


class Reporter:
    """What pytest's terminal reporter does with the lines."""

    def __init__(self, *, isatty: bool):
        self.isatty, self.lines, self.erased, self.showfspath = isatty, [], [], True

    def write_line(self, line: str) -> None:
        assert not self.isatty
        self.lines.append(line)

    def rewrite(self, line: str, *, erase: bool) -> None:
        assert self.isatty
        self.lines.append(line)
        self.erased.append(erase)


def roles(**items: int) -> dict[str, dict[str, Any]]:
    return {f"{claim}[{n}]": {"claim": claim} for claim, count in items.items() for n in range(count)}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that have passed; to be changed."""
    passed = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: passed[0])
    return passed


def started(*, isatty: bool, **items: int) -> tuple[Reporter, Progress]:
    reporter = Reporter(isatty=isatty)
    line = Progress(reporter)
    line.expect(roles(**items))
    return reporter, line


def test_a_claim_is_done_when_the_last_of_its_items_is(clock: list[float]) -> None:
    reporter, line = started(isatty=True, a=2, b=1)
    for claim_of_item in ("a", "b", "a"):
        line.answered(claim_of_item, as_expected=True)
    assert reporter.lines == [
        "0 of 2 claims done, about 0 s left",
        "1 of 2 claims done, about 0 s left",
        "2 of 2 claims done, about 0 s left",
    ]
    assert reporter.erased == [True] * 3  # a shorter line leaves no end of a longer one


def test_what_is_left_takes_as_long_for_each_item_as_what_is_done(clock: list[float]) -> None:
    reporter = Reporter(isatty=True)
    line = Progress(reporter)
    clock[0] = 100.0  # collecting took that long
    line.expect(roles(a=1, b=1, c=4))
    clock[0] = 103.0
    line.answered("a", as_expected=True)
    clock[0] = 104.0
    line.answered("b", as_expected=True)
    assert reporter.lines == ["1 of 3 claims done, about 15 s left", "2 of 3 claims done, about 8 s left"]


def test_trials_that_did_not_do_what_they_must_are_counted(clock: list[float]) -> None:
    reporter, line = started(isatty=True, a=4)
    for as_expected in (True, False, True, False):
        line.answered("a", as_expected=as_expected)
    assert [said.partition("left")[2] for said in reporter.lines] == [
        "", ", 1 trial not as expected", ", 1 trial not as expected", ", 2 trials not as expected"
    ]  # fmt: skip


@pytest.mark.parametrize(("items", "lines"), [(1, 1), (3, 3), (STEPS, STEPS), (STEPS + 1, STEPS), (1000, STEPS)])
def test_where_a_line_cannot_be_rewritten_there_are_few_and_one_at_the_end(clock: list[float], items: int, lines: int) -> None:
    reporter, line = started(isatty=False, a=items)
    told = []
    for n in range(1, items + 1):
        line.answered("a", as_expected=True)
        told.append(len(reporter.lines))
    assert told[-1] == lines and told[items // 2] <= lines // 2 + 1
    assert reporter.lines[-1] == "1 of 1 claims done, about 0 s left"


# In an audit


def files(project: Project) -> None:
    project.write(test_a=claim("good") + claim("bad", check="raise ValueError"), test_b=claim("other"))


@WORKERS
def test_lines_take_the_place_of_file_names_and_dots(project: Project, workers: tuple[str, ...]) -> None:
    files(project)
    audit = project.audit(*workers, "--tb=no")
    assert audit.status == pytest.ExitCode.TESTS_FAILED
    _, _, after = audit.output.partition("9 items" if not workers else "[9 items]")
    during, _, _ = after.partition("= verdicts")
    lines = [line for line in during.splitlines() if line.strip("= ")]
    assert len(lines) == 9 and all(LINE.fullmatch(line) for line in lines), during
    assert lines[-1] == "3 of 3 claims done, about 0 s left, 3 trials not as expected"


def test_whoever_asks_for_a_line_an_item_gets_those_of_pytest_alone(project: Project) -> None:
    files(project)
    audit = project.audit("-v", "--tb=no")
    assert len(audit.lines("test_good[reference] PASSED", "[ 11%]")) == len(audit.lines("test_bad[reference] FAILED")) == 1
    assert not LINE.search(audit.output)


def test_tests_that_are_no_claims_keep_their_dots(project: Project) -> None:
    (project.folder / "test_ordinary.py").write_text("def test_one(): pass\ndef test_two(): pass\n", encoding="utf-8")
    audit = project.audit()
    assert audit.status == 0 and len(audit.lines("test_ordinary.py ..")) == 1 and not LINE.search(audit.output)


def test_in_a_terminal_it_is_one_line_that_is_rewritten(project: Project) -> None:
    files(project)
    ours, theirs = pty.openpty()
    command = project.command("--report", "audit-report", "--tb=no")
    process = subprocess.Popen(command, cwd=project.folder, env=project.environment(), stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    output = b""
    while True:
        try:
            output += os.read(ours, 2**16)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    assert process.wait() == pytest.ExitCode.TESTS_FAILED
    lines = [line for line in output.decode().split("\n") if LINE.search(line)]
    assert len(lines) == 1, lines
    assert len(LINE.findall(lines[0].replace("\r", "\n"))) == 9
    assert "test_a.py" not in lines[0]
