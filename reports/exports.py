"""What the files beside the page have in common: the test cases of a verdict document, and text that is safe in all of them.

A program that reads test reports knows little more than passed and failed. Only "reproduced" may become passed, and what is
wrong with a run as a whole (it broke off, a file could not be collected) is a case too: a summary of cases is all that most
readers ever see.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from reports.unseen import UNSEEN
from reports.verdicts import Outcome, number

RUN_INCOMPLETE, NOT_COLLECTED, NOT_JUDGED = "run incomplete", "not collected", "not judged"
AUDIT = ("audit",)  # suite of the cases about a run as a whole
LONGEST = 10_000  # characters of a text; verdicts.json has all of it


@dataclass(frozen=True)
class Case:
    """One line of a test report. `outcome` is that of a claim, or one of the three words above where there is none."""

    suite: tuple[str, ...]  # from the outermost name to the innermost
    name: str
    outcome: str
    message: str = ""
    file: str = ""
    facts: dict[str, str] = field(default_factory=dict)


def cases(document: dict[str, Any]) -> list[Case]:
    """First what is wrong with the runs, then every claim in the document's order, each followed by the users' implementations of it."""
    posts = {post["archive"]: post for post in document["posts"]}
    return [*run_cases(document), *(case for claim in document["claims"] for case in claim_cases(claim, posts[claim["post"]]))]


def run_cases(document: dict[str, Any]) -> Iterator[Case]:
    for run in document["runs"]:
        if run["status"] != "complete":
            yield Case(AUDIT, f"run of {shown(run['started'])}", RUN_INCOMPLETE, shown(run["status"]))
    for error in document["errors"]:
        yield Case(AUDIT, shown(error["nodeid"]) or NOT_COLLECTED, NOT_COLLECTED, shown(error["message"]))


def claim_cases(claim: dict[str, Any], post: dict[str, Any]) -> Iterator[Case]:
    suite, file = (shown(post["topic"]), str(post["archive"])), shown(claim["file"])
    facts = {
        "finding": claim["finding"],
        "says": claim["says"]["en"],
        "found": claim["found"]["en"],
        "evidence": ", ".join(claim["strengths"]),
        "largest share of the error budget": largest_share(claim["rows"]),
        "controls that did what they must": kept_controls(claim["controls"]),
        "failing case": claim["found_case"],
        "likeliest cause": claim["if_fails"]["en"] if claim["outcome"] == Outcome.CHANGED.value else "",
        "post": post["url"],
        "repeat": claim["reproduce"],
    }
    yield Case(suite, claim["id"], claim["outcome"], shown(claim["reason"]), file, told(facts))
    for impl in claim["impls"]:
        outcome = implementation_outcome(impl["was"], claim["finding"])
        facts = {
            "finding": claim["finding"],
            "was": impl["was"],
            "largest share of the error budget": largest_share(impl["rows"]),
            "failing case": impl["case"],
            "likeliest cause": claim["if_fails"]["en"] if outcome == Outcome.CHANGED.value else "",
            "repeat": impl["reproduce"],
        }
        yield Case(suite, f"{claim['id']}[{shown(impl['name'])}]", outcome, shown(impl["message"]), file, told(facts))


def implementation_outcome(was: str, finding: str) -> str:
    """A user's code is judged where the finding predicts that the property holds. Of a refuted claim nothing is predicted for it."""
    if was in ("holds", "refuted") and finding == "refuted":
        return NOT_JUDGED
    return {"holds": Outcome.REPRODUCED.value, "refuted": Outcome.CHANGED.value}.get(was, was)


def largest_share(rows: list[dict[str, Any]]) -> str:
    shares = [number(row["share"]) for row in rows if "share" in row]
    return f"{max(shares):.3g}" if shares else ""


def kept_controls(controls: list[dict[str, Any]]) -> str:
    kept = sum(control["was"] == control["must_be"] for control in controls)
    return f"{kept} of {len(controls)}" if controls else ""


def told(facts: dict[str, str]) -> dict[str, str]:
    """Those that say anything."""
    return {name: shown(value) for name, value in facts.items() if value}


def shown(text: str) -> str:
    """Text that XML and every terminal can hold: what cannot be seen, or reorders what can, is spelled out, and the text is not too long."""
    left_out = len(text) - LONGEST
    seen = UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text[:LONGEST])
    return f"{seen} … ({left_out} more characters)" if left_out > 0 else seen


def newest(document: dict[str, Any]) -> dict[str, Any]:
    return max(document["runs"], key=lambda run: run["started"])


def version(run: dict[str, Any]) -> str:
    """Commit of the audited tree, marked as git does where there were uncommitted changes; empty outside of git."""
    return shown(f"{run['commit']}{'-dirty' if run['commit'] and run['dirty'] else ''}")


def described(run: dict[str, Any]) -> str:
    """A run in one line."""
    tools = ", ".join(f"{name} {installed}" for name, installed in sorted(run["versions"].items()) if installed)
    where = f"commit {version(run) or 'unknown'}, profile {run['profile']}, cases {run['seeds']}, Python {run['python']}, {run['platform']}"
    return shown(f"started {run['started']}, {where}{f', {tools}' if tools else ''}: {run['status']}")
