"""Size and speed of the page: `python -m benchmarks.page REPORT` for the report of an audit, once as it is and once for 500 claims.

Bytes and seconds to render for each language, and the first paint in the system's Chromium where there is one (best of five).
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reports.language import LANGUAGES, page_name
from reports.page import audit_page
from reports.publish import load_any

MANY = 500
LOADS = 5
# Milliseconds after the navigation, as soon as they are known: in the browser, JavaScript.
FIRST_PAINT = """new Promise((done) => new PerformanceObserver(
  (paints) => paints.getEntriesByName('first-contentful-paint').forEach((paint) => done(paint.startTime))
).observe({type: 'paint', buffered: true}))"""
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description="Size and speed of the page.")
    parser.add_argument("report", type=Path, help="report folder or verdicts.json")
    document = load_any(parser.parse_args().report)
    for case in (document, repeated(document, MANY)):
        for language in LANGUAGES:
            started = time.perf_counter()
            html = audit_page(case, language)
            seconds = time.perf_counter() - started
            paints = " ".join(f"{paint:.0f}" for paint in sorted(first_paints(html, language))) or "no browser"
            print(
                f"{len(case['claims'])} claims, {language}: {len(html.encode()):,} bytes, rendered in {seconds:.2f} s, first paint (ms) {paints}"
            )


def repeated(document: dict[str, Any], n: int) -> dict[str, Any]:
    """The same document with its claims again and again, under other ids, until there are n."""
    claims = [
        claim | {"id": f"{claim['id']}-{again}"} for again in range(-(-n // len(document["claims"]))) for claim in document["claims"]
    ][:n]
    return document | {"claims": claims, "counts": document["counts"] | {"claims": n}}


def first_paints(html: str, language: str) -> Iterator[float]:
    if CHROMIUM is None:
        return
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        file = Path(folder) / page_name("index", language)
        file.write_text(html, encoding="utf-8")
        browser = started.chromium.launch(executable_path=CHROMIUM)
        for _ in range(LOADS):
            page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            page.goto(file.as_uri())
            yield page.evaluate(FIRST_PAINT)
            page.context.close()
        browser.close()


if __name__ == "__main__":
    main()
