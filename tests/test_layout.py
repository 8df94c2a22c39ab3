"""Who may import whom, what must not need torch, and that every formula of every claim can be shown."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "oracles": {"oracles"},
    "impls": {"impls"},
    "strategies": {"strategies", "oracles"},
    "reports": {"reports", "oracles.evidence", "claims.plugin", "claims.vocabulary"},
}
OURS = {"claims", "impls", "oracles", "strategies", "reports", "tests", "benchmarks"}
TEXTS = ("says", "zh", "scope", "found", "limits", "if_fails", "corrected")


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
def declared() -> list[dict[str, str]]:
    """The text fields of every claim of the suite."""
    done = subprocess.run([sys.executable, "-c", LIST_CLAIMS], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_every_formula_of_every_claim_converts_to_mathml(declared: list[dict[str, str]]) -> None:
    math_core = pytest.importorskip("math_core", reason="needs math-core: pip install math-core")
    converter, wrong = math_core.LatexToMathML(), []
    for claim in declared:
        for field in TEXTS:
            if claim[field].count("$") % 2:
                wrong.append(f"{claim['id']}: {field} has an odd number of dollar signs")
            for tex in re.findall(r"\$([^$]*)\$", claim[field]):
                try:
                    converter.convert_with_local_state(tex, displaystyle=False)
                except Exception as error:
                    wrong.append(f"{claim['id']}: {field}: ${tex}$: {error}")
    assert not wrong


def test_every_correction_of_a_refuted_claim_is_a_claim_that_holds(declared: list[dict[str, str]]) -> None:
    holding = {claim["id"] for claim in declared if claim["finding"] in ("holds", "holds in scope")}
    assert len(holding) >= 5
    wrong = [claim["id"] for claim in declared if claim["finding"] == "refuted" and claim["corrected_by"] not in holding]
    assert not wrong


def test_the_nearest_claim_of_what_cannot_be_checked_is_one_that_is(declared: list[dict[str, str]]) -> None:
    checked = {claim["id"] for claim in declared if claim["finding"] != "not checkable"}
    assert not [claim["id"] for claim in declared if claim["proxy"] and claim["proxy"] not in checked]


# In a process of its own: importing a claim file here would put its claims among the tests of this folder.
LIST_CLAIMS = """
import json
from claims.catalogue import declared
print(json.dumps([claim.told() for claim in declared()]))
"""
