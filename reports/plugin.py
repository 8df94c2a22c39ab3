"""pytest -> evidence file. Workers attach what a property recorded to its report; the controller writes it down.

Evidence travels as one JSON string in `user_properties`, which survives xdist. A file per running property in the spool
folder says how far it had come if its process dies.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from claims.plugin import SEED, TRIALS, TimeLimit, declared, trial_of
from claims.vocabulary import Finding
from oracles.evidence import Refuted, recording
from reports import evidence, publish, terminal
from reports.audited_tree import audited_tree
from reports.observe import observed, recorded
from reports.progress import Progress

DEFAULT_FOLDER = "audit-report"
PROPERTY = "audit-evidence"
FLUSH_SECONDS = 0.5
PACKAGES = ("hypothesis", "pytest", "torch", "numpy", "scipy", "mpmath", "python-flint")


class ComparedNothing(Exception):
    """A property passed without a single comparison: a check that cannot fail."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("audit")
    group.addoption(
        "--report", default=DEFAULT_FOLDER, metavar="DIR", help=f"folder for evidence, verdicts and page (default {DEFAULT_FOLDER})"
    )
    group.addoption(
        "--previous", metavar="OLD", help="report folder or verdicts.json of an earlier run; the page says what has changed since"
    )


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(Worker(config, Path(config.workerinput["audit_spool"])), "audit-worker")
    elif not config.option.collectonly:
        controller = Controller(config)
        config.pluginmanager.register(controller, "audit-controller")
        config.pluginmanager.register(Worker(config, controller.spool), "audit-worker")


class Worker:
    """In the process that runs the items."""

    def __init__(self, config: pytest.Config, spool: Path):
        self.config, self.spool = config, spool

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Say what will be run, and what each claim declares, before anything runs."""
        posts, claims, items = {}, {}, []
        for item in session.items:
            if trial := trial_of(item):
                claim = declared(item.function)
                if claim.id not in claims:
                    file, _, test = item.nodeid.partition("[")[0].partition("::")
                    place = list(vars(item.module)).index(item.originalname)
                    posts[str(claim.post.archive)] = claim.post.told()
                    claims[claim.id] = {**claim.told(), "digest": claim.digest, "file": file, "test": test, "place": place}
                    claims[claim.id]["floating"] = "executors" in item.callspec.params
                    claims[claim.id]["trials"] = [t for t in self.config.stash[TRIALS][claim.id] if not t.startswith("impl:")]
                items.append({"nodeid": item.nodeid, "claim": claim.id, "role": trial.role.value, "name": trial.name, "holds": trial.holds})
        write(self.spool / "expected.json", json.dumps(evidence.plain({"posts": posts, "claims": claims, "items": items})))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        if trial_of(item) is None or declared(item.function).finding is Finding.NOT_CHECKABLE:
            return (yield)
        flushed = [time.monotonic()]
        spooled = self.spool / f"{spool_name(item.nodeid)}.json"

        def flush() -> None:
            if time.monotonic() - flushed[0] > FLUSH_SECONDS:
                flushed[0] = time.monotonic()
                write(spooled, json.dumps(evidence.plain(recorded(record, examples))))

        started = time.perf_counter()
        with recording() as record, observed(item.obj, item.callspec.params, record, flush) as examples:
            try:
                result = yield
                if not record.comparisons:
                    raise ComparedNothing("the property ended without a single comparison: let its oracle compare something on every path")
                return result
            finally:
                known = evidence.plain({**recorded(record, examples), "seconds": round(time.perf_counter() - started, 4)})
                item.user_properties.append((PROPERTY, json.dumps(known, ensure_ascii=False, allow_nan=False)))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> Iterator[Any]:
        trial = trial_of(item)
        if trial and trial.holds is False and call.excinfo and call.excinfo.errisinstance(Refuted):
            # Its sentence is all that anybody reads of a refutation that had to come, and a traceback takes longer than finding it.
            item.repr_failure = lambda excinfo, style=None: str(excinfo.value)
        report = yield
        if trial and (call.when == "call" or call.excinfo):
            report.audit = {"answer": answer(call.excinfo), "message": message(call.excinfo, item)}
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_report_to_serializable(self) -> Iterator[Any]:
        """What a subject says goes to the controller in a report, and a single character that cannot be sent ends the whole run."""
        return evidence.plain((yield))


def answer(excinfo: pytest.ExceptionInfo | None) -> str:
    """What the property said: "holds", "refuted", "skipped", or "broken" for everything that is neither."""
    if excinfo is None:
        return "holds"
    if excinfo.errisinstance(Refuted):
        return "refuted"
    return "skipped" if excinfo.errisinstance(pytest.skip.Exception) or excinfo.typename == "SkipTest" else "broken"


def message(excinfo: pytest.ExceptionInfo | None, item: pytest.Item) -> str:
    if excinfo is None:
        return ""
    text = str(excinfo.value).strip()
    if answer(excinfo) in ("refuted", "skipped"):
        return text
    if excinfo.errisinstance((TimeLimit, ComparedNothing)):
        return text  # ours, whole sentences
    where = excinfo.traceback[-1]
    return f"{excinfo.typename}: {text} ({Path(str(where.path)).name}:{where.lineno + 1})"


class Controller:
    """In the process that the user started: owns the evidence file and what is made of it."""

    def __init__(self, config: pytest.Config):
        self.config = config
        folder = Path(config.getoption("--report"))
        self.folder = folder if folder.is_absolute() else config.invocation_params.dir / folder
        self.scratch = tempfile.TemporaryDirectory(prefix="audit-spool-", ignore_cleanup_errors=True)
        self.spool = Path(self.scratch.name)
        self.progress: Progress | None = None
        self.errors: list[dict[str, str]] = []
        self.roles: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, str] = {}  # by node id, of the items that have finished
        self.interrupted = ""
        self.started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.begun = False
        self.previous = earlier(config)  # read now: it may be what this run is about to overwrite
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.file = (self.folder / publish.EVIDENCE).open("a", encoding="utf-8")  # what is there stays until this run has claims
        except OSError as error:
            raise pytest.UsageError(f"--report {folder}: cannot write there ({error.strerror}); name a folder you can write to") from None

    def header(self) -> dict[str, Any]:
        return {
            "program": evidence.PROGRAM,
            **audited_tree(self.config.rootpath),
            "started": self.started,
            "profile": self.config.getoption("--profile"),
            "seeds": seeds(self.config),
            "arguments": list(map(str, self.config.invocation_params.args)),
            "python": platform.python_version(),
            "platform": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
            "versions": {name: installed(name) for name in PACKAGES},
        }

    def begin(self) -> None:
        """Replace the evidence of an earlier run, and what was made of it: if this run dies, no older verdict stands for it."""
        self.begun = True
        self.file.truncate(0)
        for name in (*publish.MADE, *publish.COMPARED):
            (self.folder / name).unlink(missing_ok=True)
        self.append("run", format=evidence.FORMAT, **self.header())

    def append(self, record: str, **fields: Any) -> None:
        self.file.write(evidence.line(record, **fields))
        self.file.flush()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["audit_spool"] = str(self.spool)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            text = str(getattr(report.longrepr, "reprcrash", None) and report.longrepr.reprcrash.message or report.longrepr)
            error = {"nodeid": report.nodeid, "message": sentence_of(text)}
            if error not in self.errors:  # every worker collects, and every worker fails
                self.errors.append(error)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self) -> None:
        self.expect()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        if not self.config.pluginmanager.hasplugin("dsession"):
            self.expect()

    def expect(self) -> None:
        if self.begun:
            return
        try:
            expected = json.loads((self.spool / "expected.json").read_text(encoding="utf-8"))
        except FileNotFoundError:  # this process collected nothing
            return
        if expected["items"] or self.errors:
            self.begin()
            self.roles = {item["nodeid"]: item for item in expected["items"]}
            self.append("expected", **expected)
            reporter = self.config.pluginmanager.getplugin("terminalreporter")
            if reporter and self.roles and self.config.option.verbose <= 0:  # else pytest has a line and a percentage for each item
                self.progress = Progress(reporter)
                self.progress.expect(self.roles)
                self.config.pluginmanager.register(self.progress, "audit-progress")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        item = self.roles.get(report.nodeid)
        if item is None or report.nodeid in self.answers:
            return
        told = getattr(report, "audit", None)
        if told is not None:
            self.answers[report.nodeid] = told["answer"]
            known = next((json.loads(value) for name, value in report.user_properties if name == PROPERTY), {})
            self.append("result", nodeid=report.nodeid, **told, evidence=known)
            (self.spool / f"{spool_name(report.nodeid)}.json").unlink(missing_ok=True)
        elif report.failed:  # xdist's own report of a worker that died
            self.answers[report.nodeid] = "lost"
            spooled = self.spool / f"{spool_name(report.nodeid)}.json"
            known = json.loads(spooled.read_text(encoding="utf-8")) if spooled.exists() else {}
            self.append(
                "lost",
                nodeid=report.nodeid,
                message="its process died while it ran: it crashed, was killed or ran out of memory",
                evidence=known,
            )
        if self.progress and report.nodeid in self.answers:
            self.progress.answered(item["claim"], as_expected=report.passed or report.skipped)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo) -> None:
        self.interrupted = excinfo.typename

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        self.expect()
        if not self.begun:
            return
        if unheard := self.unheard():
            self.errors += unheard
            session.exitstatus = exitstatus = exitstatus or pytest.ExitCode.TESTS_FAILED
        if self.errors:
            self.append("errors", errors=self.errors)
        self.append("end", exitstatus=int(exitstatus), interrupted=self.interrupted, complete=self.answers.keys() >= self.roles.keys())

    def unheard(self) -> list[dict[str, str]]:
        """Users' modules that lack every function asked of them: all skipped is all green to pytest, and a wrong name to their author."""
        answers: dict[str, set[str]] = {}
        for nodeid, item in self.roles.items():
            if item["role"] == "impl":
                answers.setdefault(item["name"], set()).add(self.answers.get(nodeid, "not finished"))
        why = "nothing of it was run, because it provides none of the functions that the collected claims call; see its rows"
        return [{"nodeid": f"--impl {name}", "message": why} for name, given in answers.items() if given == {"skipped"}]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.begun:
            terminal.write(terminalreporter, publish.publish([self.folder / publish.EVIDENCE], self.folder, self.previous))

    def pytest_unconfigure(self) -> None:
        self.file.close()
        self.scratch.cleanup()


def earlier(config: pytest.Config) -> dict[str, Any] | None:
    """The verdict document that --previous names."""
    if (given := config.getoption("--previous")) is None:
        return None
    try:
        return publish.load_previous(config.invocation_params.dir / given)
    except evidence.UnusableEvidence as error:
        raise pytest.UsageError(f"--previous {error}") from None


def sentence_of(text: str) -> str:
    """The last line of a collection error that says something: a traceback's own summary, or the sentence itself."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    said = [line.removeprefix("E").strip() for line in lines if line.startswith("E ")]
    return " ".join(said) if said else lines[-1] if lines else "could not be collected"


def installed(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def seeds(config: pytest.Config) -> str:
    """Where the cases come from, in words that let the run be repeated if it can be."""
    if (seed := config.getoption(SEED, None)) is not None:
        return f"from {SEED}={seed}"
    return "fresh" if config.getoption("--profile") == "deep" else "derandomised"


def spool_name(nodeid: str) -> str:
    return hashlib.sha256(nodeid.encode()).hexdigest()[:20]


def write(path: Path, text: str) -> None:
    """Replace the file in one step, so that whoever reads it sees the old text or the new one."""
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
