"""Who may import whom, what must not need torch, and that every formula of every claim can be shown."""

from __future__ import annotations

import ast
import html
import json
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "oracles": {"oracles"},
    "impls": {"impls"},
    "strategies": {"strategies", "oracles"},
    "reports": {"reports", "oracles.evidence", "claims.plugin", "claims.vocabulary"},
}
OURS = {"claims", "impls", "oracles", "strategies", "reports", "tests", "benchmarks"}
BOTH = ("says", "scope", "found", "limits", "if_fails", "corrected", "section")
ASSETS = ROOT / "reports" / "assets"
ITALIC = [letter for letter in map(chr, range(0x1D434, 0x1D71C)) if unicodedata.name(letter, "").startswith("MATHEMATICAL ITALIC ")]


def imported(path: Path) -> Iterator[str]:
    """Modules that a file imports anywhere in it, except for type checkers."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def allowed(module: str, names: set[str]) -> bool:
    return module.partition(".")[0] not in OURS or any(module == name or module.startswith(name + ".") for name in names)


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_a_folder_imports_only_what_it_may(folder: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in (ROOT / folder).rglob("*.py")
        for module in imported(path)
        if not allowed(module, MAY_IMPORT[folder])
    ]
    assert not wrong


def test_oracles_do_not_import_what_they_judge_even_indirectly() -> None:
    modules = [f"oracles.{path.stem}" for path in (ROOT / "oracles").glob("*.py")]
    assert not {name for name in loaded(*modules) if name.partition(".")[0] in OURS - {"oracles"}}


def test_the_page_can_be_made_where_neither_torch_nor_hypothesis_nor_a_claim_is_installed() -> None:
    names = loaded("reports.publish", "reports.verdicts", "reports.evidence", "reports.page", "reports.terminal")
    assert not {name.partition(".")[0] for name in names} & {"torch", "hypothesis", "claims", "impls", "oracles", "strategies"}


def test_claims_that_need_no_torch_are_collected_without_it() -> None:
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / "claims/sampling").glob("test_*.py")]
    assert modules
    assert "torch" not in loaded("claims.plugin", "reports.plugin", *modules)


def loaded(*modules: str) -> set[str]:
    """Names of all modules that a fresh interpreter has loaded after importing `modules`."""
    script = f"import importlib, json, sys; [importlib.import_module(name) for name in {modules!r}]; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def suite() -> dict[str, Any]:
    """All claims, posts and figures of the suite as the evidence file would tell them."""
    done = subprocess.run([sys.executable, "-c", LIST_CLAIMS], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def declared(suite: dict[str, Any]) -> list[dict[str, Any]]:
    return suite["claims"]


@pytest.fixture(scope="module")
def texts(suite: dict[str, Any]) -> dict[str, str]:
    """Every text with formulas that a page may show, in both languages, by where it stands. A name of a check has a number for each #."""
    found = {}
    for claim in suite["claims"]:
        both = {name: claim[name] for name in BOTH} | {f"merges {id}": reason for id, reason in claim["merges"].items()}
        both |= {f"counterexample {n}": pinned["why"] for n, pinned in enumerate(claim["counterexamples"], start=1)}
        found |= {f"{claim['id']}: {name}.{language}": said for name, text in both.items() for language, said in text.items()}
        found |= {
            f"{claim['id']}: names: {name}": side.replace("#", "20")
            for pair in claim["names"].items()
            for name, side in zip(("en", "zh"), pair, strict=True)
        }
    for post in suite["posts"]:
        both = {"title": post["title"], "stands": post["stands"]} | {f"section {n}": text for n, text in enumerate(post["sections"])}
        found |= {f"{post['archive']}: {name}.{language}": said for name, text in both.items() for language, said in text.items()}
    for figure in suite["figures"]:
        found |= {f"figure {figure['title']}: {name}": figure[name] for name in ("title", "x", "y")}
    return found


def test_every_formula_of_every_text_reaches_the_reader_as_mathematics(texts: dict[str, str]) -> None:
    pytest.importorskip("math_core", reason="needs math-core: pip install math-core")
    from reports.equations import formula_problems

    assert sum(text.count("$") for text in texts.values()) > 2000
    assert {place: problems for place, text in texts.items() if (problems := formula_problems(text))} == {}


def test_texts_without_formulas_have_none(suite: dict[str, Any]) -> None:
    """Titles and dates of posts are shown as they are."""
    assert [post["archive"] for post in suite["posts"] if "$" in "".join(post["title"].values())] == []


def test_every_character_of_every_formula_is_in_the_font_of_the_page(texts: dict[str, str]) -> None:
    """What is not comes from the reader's own fonts, with other sizes, or not at all."""
    pytest.importorskip("math_core", reason="needs math-core: pip install math-core")
    from reports.equations import formula, pieces

    made = [formula(part) for text in texts.values() for is_formula, part in pieces(text) if is_formula]
    words = re.compile(r"<mtext[^>]*>.*?</mtext>")  # set in the font of the page
    printed = {character for one in made for character in html.unescape(re.sub(r"<[^>]*>", "", words.sub("", one)))}
    italic = {"h": "\N{PLANCK CONSTANT}"} | {unicodedata.normalize("NFKD", letter): letter for letter in ITALIC}
    letters = {html.unescape(letter) for one in made for letter in re.findall(r"<mi>([^<])</mi>", one)}
    printed -= {"\N{VARIATION SELECTOR-1}"}  # asks for a style of the character before it, and has no form of its own
    printed |= {italic[letter] for letter in letters if letter in italic}  # a browser sets a single letter in italics
    assert len(printed) > 100 and len(letters) > 40
    assert {f"U+{ord(character):04X} {character}" for character in printed if ord(character) not in covered()} == set()


def covered() -> set[int]:
    """The characters of reports/assets/latinmodern-math-subset.unicodes."""
    lines = (ASSETS / "latinmodern-math-subset.unicodes").read_text(encoding="utf-8").splitlines()
    ranges = [part.removeprefix("U+").split("-") for line in lines if not line.startswith("#") for part in line.split()]
    return {number for ends in ranges for number in range(int(ends[0], 16), int(ends[-1], 16) + 1)}


def test_the_font_of_the_page_has_the_characters_of_its_list_and_the_prime_of_superscripts() -> None:
    pytest.importorskip("brotli", reason="brotli is not installed: pip install -r requirements.txt")
    fonts = pytest.importorskip("fontTools.ttLib", reason="fonttools is not installed: pip install -r requirements.txt")
    font = fonts.TTFont(ASSETS / "latinmodern-math-subset.woff2")
    names = font.getBestCmap()
    missing = {f"U+{number:04X}" for number in covered() - names.keys() if unicodedata.name(chr(number), "")}
    assert missing == set()
    assert "MATH" in font
    features = {record.FeatureTag: record.Feature.LookupListIndex for record in font["GSUB"].table.FeatureList.FeatureRecord}
    lookups = [table.mapping for n in features["ssty"] for table in font["GSUB"].table.LookupList.Lookup[n].SubTable]
    assert [list(mapping) for mapping in lookups] == [[names[ord("\N{PRIME}")]]]


def test_every_correction_of_a_refuted_claim_is_a_claim_that_holds(declared: list[dict[str, Any]]) -> None:
    holding = {claim["id"] for claim in declared if claim["finding"] in ("holds", "holds in scope")}
    assert len(holding) >= 5
    wrong = [claim["id"] for claim in declared if claim["finding"] == "refuted" and claim["corrected_by"] not in holding]
    assert not wrong


def test_the_nearest_claim_of_what_cannot_be_checked_is_one_that_is(declared: list[dict[str, Any]]) -> None:
    checked = {claim["id"] for claim in declared if claim["finding"] != "not checkable"}
    assert not [claim["id"] for claim in declared if claim["proxy"] and claim["proxy"] not in checked]


# In a process of its own: importing a claim file here would put its claims among the tests of this folder.
LIST_CLAIMS = """
import json, sys
from claims.catalogue import declared
from oracles.figure import Figure
claims = declared()
posts = {claim.post.archive: claim.post.told() for claim in claims}
modules = [module for name, module in sys.modules.items() if name.startswith("claims.")]
figures = [vars(value) for module in modules for value in vars(module).values() if isinstance(value, Figure)]
print(json.dumps({"claims": [claim.told() for claim in claims], "posts": list(posts.values()), "figures": figures}))
"""
