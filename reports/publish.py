"""Evidence files in, a folder out: `verdicts.json`, the page in each language, and the same for programs that read test reports."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports import evidence
from reports.badge import badge
from reports.crate import METADATA, VERDICTS_SCHEMA, crate
from reports.ctrf import ctrf
from reports.diff import Change, changes
from reports.junit import junit
from reports.language import LANGUAGES, page_name
from reports.verdicts import FORMAT, merge, verdicts

EVIDENCE, VERDICTS, PAGE = "evidence.jsonl", "verdicts.json", page_name("index", "en")
PAGES = {page_name("index", language): language for language in LANGUAGES}
COMPARED = {page_name("changes", language): language for language in LANGUAGES}  # of `python -m reports diff -o`
EXPORTS: dict[str, Callable[[dict[str, Any]], str]] = {"junit.xml": junit, "ctrf.json": ctrf, "badge.svg": badge}
SCHEMA = Path(__file__).parent / VERDICTS_SCHEMA
MADE = (VERDICTS, VERDICTS_SCHEMA, *EXPORTS, METADATA, *PAGES)  # every file that is made from evidence


@dataclass(frozen=True)
class Published:
    """What was written. page is None where the pages could not be rendered, `why` says so with the remedy."""

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


def publish(sources: list[Path], folder: Path, previous: dict[str, Any] | None = None) -> Published:
    """Merge the evidence in `sources` (files or report folders) and write all that is made of it into `folder`.

    previous: the verdict document of an earlier run; the page then says what has changed since.
    """
    documents = [load(source) for source in sources]
    document = documents[0] if len(documents) == 1 else merge(documents)
    told = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    return render(document, folder, previous, {VERDICTS: told})


def render(
    document: dict[str, Any], folder: Path, previous: dict[str, Any] | None = None, beside: dict[str, str] | None = None
) -> Published:
    """Write all that is made of a verdict document, and what is given `beside` it: everything, or nothing if any of it cannot be made.

    Where pages cannot be rendered for lack of a library, none of older verdicts stays in their place. Raises
    `evidence.UnusableEvidence` for a document that lacks something.
    """
    try:
        made, why = written(document, folder, previous)
    except (OSError, evidence.UnusableEvidence):
        raise
    except Exception as error:  # a document may lack anything anywhere; whatever a template trips over, it is the document
        raise evidence.UnusableEvidence(f"{folder / VERDICTS}: is not what an audit writes ({error!r}); run the audit again") from error
    made |= beside or {}
    kept = [name for name in (VERDICTS, EVIDENCE) if (folder / name).exists()]
    made[METADATA] = crate(document, [name for name in (*MADE, EVIDENCE) if name in (*made, *kept)])
    folder.mkdir(parents=True, exist_ok=True)
    for name in PAGES.keys() - made.keys():
        (folder / name).unlink(missing_ok=True)
    for name, text in made.items():
        replace(folder / name, text)
    return Published(document, folder / VERDICTS, None if why else folder / PAGE, why)


def written(document: dict[str, Any], folder: Path, previous: dict[str, Any] | None) -> tuple[dict[str, str], str]:
    """What is made of a verdict document, by file name, and why there are no pages if there are none."""
    since = None if previous is None else differences(previous, document)
    made = {VERDICTS_SCHEMA: SCHEMA.read_text(encoding="utf-8")} | {name: export(document) for name, export in EXPORTS.items()}
    try:
        from reports.page import audit_page
    except ModuleNotFoundError as error:
        why = f"no page: {error.name} is not installed; pip install jinja2 math-core, then python -m reports render {folder}"
    else:
        why = ""
        made |= {name: audit_page(document, language, since) for name, language in PAGES.items()}
    return made, why


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """What changed between two verdict documents. Raises `evidence.UnusableEvidence` for what is none."""
    try:
        return list(changes(old, new))
    except (LookupError, TypeError, ValueError, AttributeError) as error:  # a document may lack anything anywhere
        raise evidence.UnusableEvidence(f"one of the two runs is not what an audit writes ({error!r}); run the audit again") from error


def load_any(path: Path) -> dict[str, Any]:
    """The verdict document of a report folder or of either of its files. Raises `evidence.UnusableEvidence`."""
    if path.is_dir():
        path = path / (VERDICTS if (path / VERDICTS).exists() else EVIDENCE)
    return load(path) if path.suffix == ".jsonl" else load_verdicts(path)


def load_previous(path: Path) -> dict[str, Any]:
    """The same for a run that will be compared with. Raises `evidence.UnusableEvidence` before anything is run or written."""
    document = load_any(path)
    differences(document, document)
    return document


def replace(path: Path, text: str) -> None:
    """Write the whole file or leave the old one. Half a surrogate pair, which UTF-8 cannot hold, becomes its JSON escape.

    Raises `OSError` that names the file.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")
        partial.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        partial.unlink(missing_ok=True)
