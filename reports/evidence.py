"""The evidence file: one JSON object a line, appended as things happen, readable however the run ended.

    {"record": "run", ...}        first: what ran, where, with which versions
    {"record": "expected", ...}   all declared claims and every item that this run set out to run, collection errors
    {"record": "result", ...}     one per finished item: what it answered, and what its oracles recorded
    {"record": "lost", ...}       an item that took its process with it: the last that was known of it
    {"record": "end", ...}        last: how the run ended

A verdict needs all of expected, result and end. Whatever lacks one is incomplete, never passed.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

FORMAT = 2
PROGRAM = "kexue-audit"
ADDRESS = re.compile(r" at 0x[0-9a-f]{6,}")


class UnusableEvidence(Exception):
    """A file that is not evidence, in one sentence with the remedy."""


def plain(value: Any) -> Any:
    """JSON has no NaN and no infinity, UTF-8 no lone surrogate, and a numpy scalar in a report ends an xdist session: spell all out.

    An object's address, which tells nobody anything, is left out: it differs in every run.
    """
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return ADDRESS.sub("", value.encode(errors="backslashreplace").decode())
    if value is None or isinstance(value, int):
        return value
    if hasattr(value, "item"):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return str(value)


def line(record: str, **fields: Any) -> str:
    return json.dumps({"record": record, **plain(fields)}, ensure_ascii=False, allow_nan=False) + "\n"


def read(path: Path) -> list[dict[str, Any]]:
    """The records of an evidence file. A torn last line is dropped, like the end record it takes with it.

    Raises `UnusableEvidence` for a file that is missing, not JSON lines, of another format or of another program.
    """
    try:
        with path.open(encoding="utf-8", newline="\n") as file:  # the separators inside JSON strings, U+2028 and others, end no record
            lines = file.readlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableEvidence(f"{path}: cannot be read ({error}); give an evidence.jsonl that an audit wrote") from None
    records = []
    for number, content in enumerate(lines, start=1):
        try:
            record = json.loads(content, parse_constant=str)
        except json.JSONDecodeError:
            if number == len(lines) and records:
                break
            raise UnusableEvidence(f"{path}: line {number} is not JSON; give an evidence.jsonl that an audit wrote") from None
        if not isinstance(record, dict) or "record" not in record:
            raise UnusableEvidence(f"{path}: line {number} is no evidence record; give an evidence.jsonl that an audit wrote")
        records.append(record)
    if not records or records[0]["record"] != "run" or records[0].get("program") != PROGRAM:
        raise UnusableEvidence(f"{path}: does not begin with a run record of this program; give an evidence.jsonl that an audit wrote")
    if records[0].get("format") != FORMAT:
        raise UnusableEvidence(f"{path}: has evidence format {records[0].get('format')}, this program reads {FORMAT}; run the audit again")
    return records
