"""Evidence files in, a folder with `verdicts.json` and `index.html` out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports import evidence
from reports.verdicts import merge, verdicts


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
        path = path / "evidence.jsonl"
    return verdicts(evidence.read(path))


def publish(sources: list[Path], folder: Path) -> Published:
    """Merge the evidence in `sources` (files or report folders) and write its verdicts and its page into `folder`."""
    documents = [load(source) for source in sources]
    document = documents[0] if len(documents) == 1 else merge(documents)
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "verdicts.json"
    written.write_text(json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    return render(document, folder)


def render(document: dict[str, Any], folder: Path) -> Published:
    """Write the page of a verdict document."""
    written = folder / "verdicts.json"
    try:
        from reports.page import page
    except ModuleNotFoundError as error:
        return Published(document, written, None, f"no page: {error.name} is not installed; pip install jinja2 math-core, then python -m reports render {folder}")
    html = folder / "index.html"
    html.write_text(page(document), encoding="utf-8")
    return Published(document, written, html)
