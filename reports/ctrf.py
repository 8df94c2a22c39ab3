"""Verdict document -> CTRF, the Common Test Report Format (ctrf.io), JSON for tools that compare test runs.

Nothing here has a duration, and the runs only tell when they started: `start` and `stop` are the first and the last of that.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import Any

from reports.exports import NOT_COLLECTED, NOT_JUDGED, RUN_INCOMPLETE, Case, cases, described, newest, version
from reports.verdicts import Outcome

SPECIFICATION = "0.0.0"
STATUSES = ("passed", "failed", "skipped", "pending", "other")
# "other" fails no build by itself: a claim is only incomplete where its run is, and that has a failed case of its own.
STATUS = {
    Outcome.REPRODUCED.value: "passed",
    Outcome.CHANGED.value: "failed",
    Outcome.BROKEN.value: "failed",
    Outcome.INCOMPLETE.value: "other",
    Outcome.NOT_RUN.value: "skipped",
    RUN_INCOMPLETE: "failed",
    NOT_COLLECTED: "failed",
    NOT_JUDGED: "other",
}


def ctrf(document: dict[str, Any]) -> str:
    """The CTRF report of a verdict document (`reports/verdicts.schema.json`)."""
    found, run = cases(document), newest(document)
    counted = Counter(STATUS[case.outcome] for case in found)
    started = [milliseconds(each["started"]) for each in document["runs"]]
    report = {
        "reportFormat": "CTRF",
        "specVersion": SPECIFICATION,
        "generatedBy": run["program"],
        "results": {
            "tool": {"name": run["program"], "version": version(run)},
            "summary": {
                "tests": len(found),
                **{status: counted[status] for status in STATUSES},
                "suites": len({case.suite for case in found}),
                "start": min(started),
                "stop": max(started),
            },
            "tests": [test(case) for case in found],
            "environment": {
                "commit": version(run),
                "healthy": not any(case.outcome in (RUN_INCOMPLETE, NOT_COLLECTED) for case in found),
                "extra": {"runs": [described(each) for each in document["runs"]]},
            },
        },
    }
    return json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def test(case: Case) -> dict[str, Any]:
    told = {"message": case.message, "filePath": case.file, "labels": case.facts}
    return {
        "name": case.name,
        "suite": list(case.suite),
        "status": STATUS[case.outcome],
        "rawStatus": case.outcome,
        "duration": 0,
        **{name: value for name, value in told.items() if value},
    }


def milliseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000)
