"""The workflows: pinned, unprivileged, deaf to strangers, and calling only commands that exist. Then `make site`, which they rest on."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import parser
from tests.test_verdicts import LATER, records

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.y*ml"))
MAY_WRITE = {"deploy": {"pages", "id-token"}}
FROM_OUTSIDE = {"pull_request_target", "workflow_run", "issue_comment"}  # with the repository's rights, started by anyone
VERSION = re.compile(r" # v\d+\.\d+\.\d+$")


def problems(text: str) -> list[str]:
    """What is wrong with a workflow, in one sentence each."""
    workflow = yaml.load(text, Loader=yaml.BaseLoader)  # all strings: in YAML 1.1 the key `on` is a truth value
    found = [f"is started by {name}" for name in FROM_OUTSIDE & set(workflow["on"])]
    if "permissions" not in workflow:
        found.append("says nothing about permissions at the top")
    found += [f"top: {problem}" for problem in of_permissions(workflow.get("permissions", {}), set())]
    found += [f"{line.strip()} does not say its version" for line in text.splitlines() if "uses:" in line and not VERSION.search(line)]
    for name, job in workflow["jobs"].items():
        found += [f"{name}: {problem}" for problem in of_job(name, job)]
    return found


def of_job(name: str, job: dict[str, Any]) -> Iterator[str]:
    yield from of_permissions(job.get("permissions", {}), MAY_WRITE.get(name, set()))
    if not job.get("timeout-minutes", "").isdigit():
        yield "has no timeout"
    if "vars." in job["runs-on"] and "github.event_name != 'pull_request'" not in job.get("if", ""):
        yield "may run a pull request on a machine of our own"
    for step in job["steps"]:
        if action := step.get("uses", ""):
            yield from of_action(action, step.get("with", {}))
            if action.startswith("actions/deploy-pages") and "github.ref == 'refs/heads/main'" not in job.get("if", ""):
                yield "publishes from any branch"
        script = step.get("run", "")
        if "${{" in script:
            yield "writes an expression into a script; hand it over in env"
        else:
            yield from (f"calls {' '.join(command)}, which does not exist" for command in commands(script) if not exists(command))


def of_permissions(permissions: dict[str, str] | str, may_write: set[str]) -> Iterator[str]:
    if isinstance(permissions, str):
        yield f"has the permissions {permissions}; name each"
        return
    for scope, access in permissions.items():
        if access not in ("read", "none") and scope not in may_write:
            yield f"may {access} {scope}"


def of_action(action: str, given: dict[str, str]) -> Iterator[str]:
    if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action):
        yield f"{action} is not pinned by its full hash"
    if action.startswith("actions/checkout@") and given.get("persist-credentials") != "false":
        yield "leaves the token in the checkout"


def commands(script: str) -> list[list[str]]:
    """The simple commands of a script, as lists of words."""
    found = []
    for line in script.splitlines():
        words: list[str] = []
        for word in [*shlex.shlex(line, posix=True, punctuation_chars=True), ";"]:
            if set(word) <= set("();<>|&"):
                found += [words] if words else []
                words = []
            else:
                words.append(word)
    return found


def exists(command: list[str]) -> bool:
    """Whether what a command asks of this repository is there; other programs are none of our business."""
    if command[0] == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        return {word for word in command[1:] if "=" not in word} <= set(targets)
    if command[0] == "bash":
        return (ROOT / command[1]).is_file()
    if command[1:3] == ["-m", "reports"]:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(SystemExit):
            return bool(parser().parse_args(command[3:]))
        return False
    return True


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_as_it_must_be(path: Path) -> None:
    assert problems(path.read_text(encoding="utf-8")) == []


def test_every_workflow_uses_the_same_version_of_an_action() -> None:
    used = re.findall(r"uses: (\S+)@(\S+ # \S+)", "\n".join(path.read_text(encoding="utf-8") for path in WORKFLOWS))
    assert len(used) >= 10
    assert len(set(used)) == len({action for action, _ in used})


AUDIT = (ROOT / ".github/workflows/audit.yml").read_text(encoding="utf-8")
CHECKOUT = re.search(r"actions/checkout@[0-9a-f]{40}", AUDIT).group()
BAD = {
    "started by a stranger's pull request": ("workflow_dispatch:", "pull_request_target:", "is started by pull_request_target"),
    "no permissions at the top": ("\npermissions: {}\n", "\n", "says nothing about permissions at the top"),
    "every permission at the top": ("\npermissions: {}\n", "\npermissions: write-all\n", "top: has the permissions write-all"),
    "write permission at the top": ("\npermissions: {}\n", "\npermissions:\n  contents: write\n", "top: may write contents"),
    "write permission in a job": ("contents: read", "contents: write", "cpu: may write contents"),
    "another write permission where some are due": ("pages: write", "packages: write", "deploy: may write packages"),
    "deploying from the job that runs code": ("pages: read", "pages: write", "site: may write pages"),
    "no timeout": ("    timeout-minutes: 60\n", "", "cpu: has no timeout"),
    "a tag": (CHECKOUT, "actions/checkout@v7", "is not pinned by its full hash"),
    "a short hash": (CHECKOUT, CHECKOUT[:28], "is not pinned by its full hash"),
    "an unpinned image": (CHECKOUT, "docker://python:3", "is not pinned by its full hash"),
    "a hash without a version": (" # v7.0.1", "", "does not say its version"),
    "a hash with half a version": (" # v7.0.1", " # v7", "does not say its version"),
    "the token left behind": ("persist-credentials: false", "persist-credentials: true", "leaves the token in the checkout"),
    "a stranger's words in a script": ("make audit", "echo ${{ github.event.head_commit.message }}", "writes an expression"),
    "an input in a script": ("make audit", "make audit REPORT=${{ inputs.folder }}", "writes an expression"),
    "no such target": ("make audit", "make audits", "calls make audits"),
    "no such script": ("make audit", "bash .ci/ran", "calls bash .ci/ran"),
    "no such subcommand": ("reports render", "reports draw", "calls python -m reports draw"),
    "no such option": ("site --previous", "site --before", "calls python -m reports render site --before previous.json"),
    "pull requests on our own machine": (" && github.event_name != 'pull_request'", "", "gpu: may run a pull request"),
    "published from any branch": (" && github.ref == 'refs/heads/main'", "", "deploy: publishes from any branch"),
}


@pytest.mark.parametrize("old, new, problem", BAD.values(), ids=BAD)
def test_a_bad_workflow_is_rejected(old: str, new: str, problem: str) -> None:
    assert old in AUDIT
    found = problems(AUDIT.replace(old, new, 1))
    assert len(found) == 1 and problem in found[0]


# An audit that costs nothing: evidence is already there, and only the exit status is left to say.
# Stands for an audit: what it would record lies in audited.jsonl, and where there is none it does not get as far as recording.
PYTEST = '#!/bin/sh\nmkdir -p "$FOLDER/report"\ncp "$FOLDER/audited.jsonl" "$FOLDER/report/evidence.jsonl" 2>/dev/null\nexit $AUDIT_EXITS\n'
PYTHON = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """Stands where `make` looks for its environment, newer than the requirements."""
    folder = tmp_path / "environment"
    (folder / "bin").mkdir(parents=True)
    for name, content in (("pytest", PYTEST), ("python", PYTHON)):
        (folder / "bin" / name).write_text(content, encoding="utf-8")
        (folder / "bin" / name).chmod(0o755)
    (folder / "installed").touch()
    return folder


def run(path: Path, made: list[dict[str, Any]]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in made), encoding="utf-8")


def make_site(environment: Path, *given: str, audit_exits: int = 0) -> subprocess.CompletedProcess[str]:
    folder = environment.parent
    names = [f"VENV={environment}", f"REPORT={folder}/report", f"SITE={folder}/site", f"EVIDENCE={folder}/gpu.jsonl", *given]
    command = ["make", "--no-print-directory", "site", *names]
    env = {"PATH": "/usr/bin:/bin", "AUDIT_EXITS": str(audit_exits), "FOLDER": str(folder)}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_the_site_is_the_report_of_all_runs_with_their_evidence(environment: Path) -> None:
    folder = environment.parent
    run(folder / "audited.jsonl", records())
    run(folder / "gpu.jsonl", records(started=LATER))
    done = make_site(environment)
    assert (done.returncode, done.stderr) == (0, "")
    files = {str(path.relative_to(folder / "site")) for path in (folder / "site").rglob("*") if path.is_file()}
    assert files == {
        "index.html", "index.zh.html", "verdicts.json", "verdicts.schema.json", "junit.xml", "ctrf.json", "badge.svg",
        "ro-crate-metadata.json", "evidence/audit.jsonl", "evidence/gpu.jsonl",
    }  # fmt: skip
    assert len(json.loads((folder / "site/verdicts.json").read_text(encoding="utf-8"))["runs"]) == 2


def test_a_failed_audit_is_published_and_then_fails(environment: Path) -> None:
    folder = environment.parent
    run(folder / "audited.jsonl", records(reference={"answer": "refuted", "message": "n = 3"}))
    done = make_site(environment, "EVIDENCE=", audit_exits=1)
    assert done.returncode != 0
    assert json.loads((folder / "site/verdicts.json").read_text(encoding="utf-8"))["counts"]["outcomes"] == {"changed": 1}


def test_a_site_says_what_has_changed_since_the_one_before(environment: Path) -> None:
    folder = environment.parent
    page = folder / "site/index.html"
    for number, made in enumerate((records(), records(reference={"answer": "refuted", "message": "n = 3"}), records())):
        run(folder / "audited.jsonl", made)
        assert make_site(environment, "EVIDENCE=").returncode == 0
        assert ('id="changes"' in page.read_text(encoding="utf-8")) is (number > 0)
    assert make_site(environment, "EVIDENCE=", f"PREVIOUS={folder}/nowhere.json").returncode != 0
    (folder / "site/verdicts.json").write_text('{"format": 1}', encoding="utf-8")  # of an older program: no reason not to publish
    assert make_site(environment, "EVIDENCE=").returncode == 0
    assert 'id="changes"' not in page.read_text(encoding="utf-8")


def test_an_audit_that_could_not_start_publishes_nothing_in_its_place(environment: Path) -> None:
    folder = environment.parent
    run(folder / "audited.jsonl", records())
    assert make_site(environment, "EVIDENCE=").returncode == 0
    (folder / "audited.jsonl").unlink()
    done = make_site(environment, "EVIDENCE=", audit_exits=4)
    assert done.returncode != 0 and not list((folder / "site/evidence").iterdir())


@pytest.mark.parametrize("made", [[], [{"record": "run", "format": 99}]], ids=["empty", "another format"])
def test_a_run_that_cannot_be_used_is_an_error(environment: Path, made: list[dict[str, Any]]) -> None:
    run(environment.parent / "audited.jsonl", made)
    done = make_site(environment, "EVIDENCE=")
    assert done.returncode != 0 and "audit.jsonl" in done.stderr
