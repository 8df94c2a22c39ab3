"""`python -m reports`: merging and rendering, and one sentence for whatever cannot be used."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from reports.publish import MADE
from tests.test_verdicts import LATER, SCHEMA, jsonschema, records, told

ROOT = Path(__file__).parent.parent


def report(folder: Path, made: list[dict[str, Any]] | None = None) -> Path:
    """A report folder with an evidence file in it."""
    folder.mkdir()
    (folder / "evidence.jsonl").write_text("".join(json.dumps(record) + "\n" for record in made or records()), encoding="utf-8")
    return folder


def read(folder: Path) -> dict[str, Any]:
    document = json.loads((folder / "verdicts.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, SCHEMA)
    return document


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_merge_writes_verdicts_and_page_from_folders_and_files(tmp_path, capsys):
    a = report(tmp_path / "a")
    b = report(tmp_path / "b", records(told("cubes"), started=LATER))
    assert main(["merge", str(a), str(b / "evidence.jsonl"), "-o", str(tmp_path / "new" / "out")]) == 0
    document = read(tmp_path / "new" / "out")
    assert [claim["id"] for claim in document["claims"]] == ["cubes", "squares"]
    assert document["runs"][0]["started"] == LATER
    for page in ("index.html", "index.zh.html"):
        assert 'id="cubes"' in (tmp_path / "new" / "out" / page).read_text(encoding="utf-8")
    assert capsys.readouterr().out == f"2 claims: 2 reproduced\n{tmp_path}/new/out/index.html\n"
    assert sorted(files(tmp_path / "new" / "out")) == sorted(MADE)


def test_render_rebuilds_every_file_from_evidence(tmp_path):
    folder = report(tmp_path / "a")
    assert main(["render", str(folder)]) == 0
    first = files(folder)
    assert sorted(first) == sorted((*MADE, "evidence.jsonl"))
    for name in MADE:
        (folder / name).write_text("spoiled")
    assert main(["render", str(folder)]) == 0
    assert files(folder) == first


def test_render_makes_everything_else_from_verdicts_alone(tmp_path):
    folder = report(tmp_path / "a")
    main(["render", str(folder)])
    first = files(folder)
    for name in (*MADE, "evidence.jsonl"):
        if name != "verdicts.json":
            (folder / name).unlink()
    assert main(["render", str(folder)]) == 0
    second = files(folder)
    assert sorted(second) == sorted(MADE)
    listing = "ro-crate-metadata.json"  # says which files there are, and the evidence is gone
    assert b"evidence.jsonl" in first.pop(listing) and b"evidence.jsonl" not in second.pop(listing)
    assert second == {name: content for name, content in first.items() if name != "evidence.jsonl"}


@pytest.mark.parametrize("torn", [1, 40])
def test_truncated_evidence_is_accepted_but_reproduces_nothing(tmp_path, torn):
    folder = report(tmp_path / "a")
    whole = (folder / "evidence.jsonl").read_bytes()
    end = whole.rindex(b'{"record": "end"')
    (folder / "evidence.jsonl").write_bytes(whole[: end + torn])
    assert main(["render", str(folder)]) == 0
    document = read(folder)
    assert document["counts"]["outcomes"] == {"incomplete": 1}
    assert document["runs"][0]["status"].startswith("incomplete")
    assert whole[: end + torn] == (folder / "evidence.jsonl").read_bytes()


RUN = b'{"record": "run", "program": "kexue-audit", "format": 2, "started": "x"}\n'
BAD_EVIDENCE = {
    "empty": (b"", "does not begin with a run record of this program"),
    "not JSON": (b"hello\nworld\n", "line 1 is not JSON"),
    "binary": (b"\xff\xfe\x00\x01", "cannot be read"),
    "another program's JSON lines": (
        b'{"record": "run", "format": 2}\n{"record": "end"}\n',
        "does not begin with a run record of this program",
    ),
    "JSON, but no records": (b"[1, 2]\n", "line 1 is no evidence record"),
    "an older format": (RUN.replace(b"2", b"1"), "has evidence format 1, this program reads 2"),
    "torn in the middle": (RUN + b'{"rec\n{"record": "end"}\n', "line 2 is not JSON"),
    "records that do not fit": (RUN + b'{"record": "expected", "claims": {"a": {}}, "items": []}\n', "its records do not fit together"),
}


@pytest.mark.parametrize(("content", "why"), BAD_EVIDENCE.values(), ids=BAD_EVIDENCE)
@pytest.mark.parametrize("command", ["merge", "render"])
def test_unusable_evidence_is_one_sentence_and_loses_nothing(tmp_path, capsys, content, why, command):
    good, bad = report(tmp_path / "good"), report(tmp_path / "bad")
    (bad / "evidence.jsonl").write_bytes(content)
    (bad / "verdicts.json").write_text("earlier verdicts")
    before = files(tmp_path)
    arguments = ["merge", str(good), str(bad), "-o", str(tmp_path / "out")] if command == "merge" else ["render", str(bad)]
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1 and said.err.startswith(f"{bad}/evidence.jsonl: {why}") and ";" in said.err
    assert files(tmp_path) == before


BAD_VERDICTS = {
    "not JSON": ("{", "cannot be read"),
    "a list": ("[]", "is no verdict document of format 2"),
    "an older format": ('{"format": 1}', "is no verdict document of format 2"),
    "nothing in it": ('{"format": 2}', "is not what an audit writes"),
    "wrong inside": ('{"format": 2, "claims": [{}]}', "is not what an audit writes"),
    "not for a page": (
        '{"format": 2, "claims": [], "errors": [], "counts": {"claims": 0}, "runs": [], "posts": 7}',
        "is not what an audit writes",
    ),
}


@pytest.mark.parametrize(("content", "why"), BAD_VERDICTS.values(), ids=BAD_VERDICTS)
def test_unusable_verdicts_are_one_sentence_and_nothing_is_written(tmp_path, capsys, content, why):
    (tmp_path / "verdicts.json").write_text(content)
    (tmp_path / "index.html").write_text("earlier page")
    before = files(tmp_path)
    assert main(["render", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and said.startswith(f"{tmp_path}/verdicts.json: {why}") and ";" in said
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    "arguments", [["render", "{}/nowhere"], ["render", "{}"], ["merge", "{}/nowhere", "-o", "{}/out"], ["merge", "{}", "-o", "{}/out"]]
)
def test_missing_input_is_named(tmp_path, capsys, arguments):
    assert main([argument.format(tmp_path) for argument in arguments]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and str(tmp_path) in said and "; give" in said
    assert files(tmp_path) == {}


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """Where no file can become larger than this many bytes: what is written of a larger one is its beginning."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_output_that_cannot_be_written_is_named(tmp_path, capsys):
    folder = report(tmp_path / "a")
    (tmp_path / "file").write_text("not a folder")
    assert main(["merge", str(folder), "-o", str(tmp_path / "file" / "out")]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and "cannot be written" in said and "name a folder" in said


def test_a_file_that_does_not_fit_leaves_the_old_one_and_nothing_half_written(tmp_path, capsys):
    folder = report(tmp_path / "a")
    assert main(["render", str(folder)]) == 0
    before = files(folder)
    with full_disk(len(before["index.html"]) - 1):
        assert main(["render", str(folder)]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert files(folder) == before


def test_whoever_is_reading_a_file_while_it_is_made_anew_has_all_of_the_old_one(tmp_path):
    page = report(tmp_path / "a") / "index.html"
    page.write_text("the old one")
    with page.open() as reader:
        assert main(["render", str(page.parent)]) == 0
        assert reader.read() == "the old one" != page.read_text(encoding="utf-8")


def test_a_file_that_cannot_take_its_place_leaves_nothing_beside_it(tmp_path, capsys):
    folder = report(tmp_path / "a")
    (tmp_path / "out" / "index.html").mkdir(parents=True)
    assert main(["merge", str(folder), "-o", str(tmp_path / "out")]) == 2
    assert f"{tmp_path / 'out' / 'index.html'}: cannot be written" in capsys.readouterr().err
    assert files(tmp_path / "out").keys() < {*MADE}


@pytest.mark.parametrize("again", ["a", "a/evidence.jsonl", "a/../a", "folder", "file.jsonl"])
def test_the_same_run_twice_is_refused_whatever_it_is_called(tmp_path, capsys, again):
    folder = report(tmp_path / "a")
    (tmp_path / "folder").symlink_to(folder)
    (tmp_path / "file.jsonl").symlink_to(folder / "evidence.jsonl")
    assert main(["merge", str(folder), str(tmp_path / again), "-o", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith(f"{tmp_path / again}: is given twice")
    assert not (tmp_path / "out").exists()


def test_differences_are_told_without_what_would_move_the_cursor(tmp_path, capsys):
    new = report(tmp_path / "new", records(reference={"answer": "refuted", "message": "a\x1b[2Jb\ud800"}))
    assert main(["diff", str(report(tmp_path / "old")), str(new)]) == 1
    assert "a\\x1b[2Jb\\ud800" in capsys.readouterr().out


def test_of_two_differences_only_the_one_for_the_worse_is_called_so(tmp_path, capsys):
    old = report(tmp_path / "old")
    new = report(tmp_path / "new", records(told(finding="approximate"), reference={"answer": "refuted", "message": "16 is not 9"}))
    assert main(["diff", str(old), str(new)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "other  squares: finding: holds before, approximate now",
        "worse  squares: outcome: reproduced before, changed now (the reference refuted: 16 is not 9)",
        "2 differences, 1 of them for the worse",
    ]


def test_merging_over_a_run_is_refused(tmp_path, capsys):
    a, b = report(tmp_path / "a"), report(tmp_path / "b")
    before = files(tmp_path)
    assert main(["merge", str(a), str(b), "-o", str(a)]) == 2
    assert "name another folder" in capsys.readouterr().err
    assert files(tmp_path) == before


@pytest.mark.parametrize("arguments", [[], ["merge"], ["merge", "a"], ["diff"]])
def test_wrong_usage_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    assert exit.value.code == 2
    assert "usage: python -m reports" in capsys.readouterr().err


def without(modules: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """The command in a Python that has not got these modules."""
    code = f"import sys; sys.modules |= dict.fromkeys({modules!r}.split()); from reports.__main__ import main; sys.exit(main())"
    return subprocess.run([sys.executable, "-c", code, *arguments], check=False, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_everything_works_without_torch(tmp_path):
    folder = report(tmp_path / "a")
    done = without("torch numpy scipy hypothesis pytest", ["merge", str(folder), "-o", str(tmp_path / "out")])
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out" / "index.html").exists()


@pytest.mark.parametrize("missing", ["jinja2", "math_core"])
def test_without_the_page_libraries_verdicts_are_written_and_no_old_page_stays(tmp_path, missing):
    folder = report(tmp_path / "a")
    out = tmp_path / "out"
    out.mkdir()
    pages = {"index.html", "index.zh.html"}
    for page in pages:
        (out / page).write_text("page of another run")
    done = without(missing, ["merge", str(folder), "-o", str(out)])
    assert done.returncode == 0 and f"no page: {missing} is not installed; pip install jinja2 math-core" in done.stderr
    assert read(out)["counts"]["claims"] == 1
    assert files(out).keys() == {*MADE} - pages
    assert b"index" not in (out / "ro-crate-metadata.json").read_bytes()
    done = without(missing, ["render", str(out)])
    assert done.returncode == 2 and "pip install jinja2 math-core" in done.stderr


@pytest.mark.parametrize("missing", ["jinja2", "math_core"])
def test_without_the_page_libraries_differences_are_told_all_the_same(tmp_path, missing):
    folder = report(tmp_path / "a")
    done = without(missing, ["diff", str(folder), str(folder), "-o", str(tmp_path / "out")])
    assert (done.returncode, done.stdout) == (2, "0 differences, 0 of them for the worse\n")
    assert done.stderr == f"no page: {missing} is not installed; pip install jinja2 math-core\n"
    assert not (tmp_path / "out").exists()


def test_half_a_surrogate_pair_does_not_stop_the_report(tmp_path):
    folder = report(tmp_path / "a", records(reference={"answer": "refuted", "message": "a\ud800b"}))
    assert main(["render", str(folder)]) == 0
    assert "a\ud800b" in read(folder)["claims"][0]["reason"]
    for page in ("index.html", "index.zh.html"):
        assert "U+D800" in (folder / page).read_text(encoding="utf-8")
