"""Evidence files in, a folder with `verdicts.json` and `index.html` out."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports import evidence
from reports.verdicts import FORMAT, merge, verdicts

EVIDENCE, VERDICTS, PAGE = "evidence.jsonl", "verdicts.json", "index.html"


@dataclass(frozen=True)
class Published:
    """What was written. page is None where the page could not be rendered, `why` says so with the remedy."""

    document: dict[str, Any]
    verdicts: Path
    page: Path | None
    why: str = ""


def load(path: Path) -> dict[str, Any]:
    """The verdict document of a report folder or an evidence file. Raises `evidence.UnusableEvidence`."""
    if path.is_dir():
        path = path / EVIDENCE
    records = evidence.read(path)
    try:
        return verdicts(records)
    except (LookupError, TypeError, ValueError, AttributeError) as error:  # JSON lines of the right kind, but not of this program
        raise evidence.UnusableEvidence(f"{path}: its records do not fit together ({error!r}); run the audit again") from None


def load_verdicts(path: Path) -> dict[str, Any]:
    """A verdict document as it was published. Raises `evidence.UnusableEvidence`."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise evidence.UnusableEvidence(
            f"{path}: cannot be read ({error}); give a folder with the {EVIDENCE} or {VERDICTS} of an audit"
        ) from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise evidence.UnusableEvidence(f"{path}: is no verdict document of format {FORMAT}; run the audit again")
    return document


def publish(sources: list[Path], folder: Path) -> Published:
    """Merge the evidence in `sources` (files or report folders) and write its verdicts and its page into `folder`."""
    documents = [load(source) for source in sources]
    document = documents[0] if len(documents) == 1 else merge(documents)
    folder.mkdir(parents=True, exist_ok=True)
    replace(folder / VERDICTS, json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")
    return render(document, folder)


def render(document: dict[str, Any], folder: Path) -> Published:
    """Write the page of a verdict document. Where it cannot be rendered, no page of older verdicts stays in its place."""
    html = folder / PAGE
    try:
        from reports.page import page
    except ModuleNotFoundError as error:
        html.unlink(missing_ok=True)
        why = f"no page: {error.name} is not installed; pip install jinja2 math-core, then python -m reports render {folder}"
        return Published(document, folder / VERDICTS, None, why)
    replace(html, page(document))
    return Published(document, folder / VERDICTS, html)


def replace(path: Path, text: str) -> None:
    """Write the whole file or leave the old one. Half a surrogate pair, which UTF-8 cannot hold, becomes its JSON escape."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
