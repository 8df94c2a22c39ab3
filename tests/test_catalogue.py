"""`python -m claims coverage`: what is missing on either side is said by name, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from claims import Finding, Kind, Post, not_checkable
from claims.__main__ import main
from claims.catalogue import UnusableCatalogue, declared, entries, gaps
from claims.vocabulary import DECLARATION, Claim

POST = Post(
    7,
    date="2024-01-01",
    topic="sampling",
    title="A post",
    sections={"1": "一"},
    stands="All of it.",
    zh={"title": "一篇文章", "stands": "全部成立。"},
)


def stands(id: str, **fields: object) -> Claim:
    return Claim(POST, id, kind=Kind.IDENTITY, finding=Finding.HOLDS, **fields)


def missing(ids: list[str], *claims: Claim) -> list[tuple[str, str]]:
    return [(gap.id, gap.why.split(" ", 3)[2]) for gap in gaps({7: ids, 8: ["of-a-post-that-is-not-begun"]}, claims)]


def test_an_entry_is_covered_by_a_claim_of_its_id_or_one_that_merges_or_splits_it() -> None:
    assert missing(["a", "b"], stands("a"), stands("b")) == []
    assert missing(["a", "b"], stands("a", merges={"b": "the same comparison"})) == []
    assert missing(["a"], stands("a-corrected", part_of="a")) == []
    assert missing(["fit-0.84"], stands("fit-0.84")) == []


def test_what_is_missing_is_named_in_the_order_of_the_post() -> None:
    assert missing(["a", "b", "c"], stands("b")) == [("a", "the"), ("c", "the")]
    (gap,) = gaps({7: ["a"]}, [stands("a"), stands("b")])
    assert str(gap.archive) == "7" and gap.id == "b" and "part_of=" in gap.why


def test_a_name_that_the_catalogue_does_not_have_is_a_gap() -> None:
    (gap,) = gaps({7: ["a"]}, [stands("a", merges={"tpyo": "reason"})])
    assert "names tpyo" in gap.why
    assert [gap.id for gap in gaps({7: ["a"]}, [stands("a"), stands("b", part_of="tpyo")])] == ["b"]
    assert [gap.id for gap in gaps({}, [stands("a")])] == ["a"]


def test_a_catalogue_is_read_from_its_headings(tmp_path: Path) -> None:
    (tmp_path / "7-a-post.md").write_text("# Title\n## first\ntext ## no\n### sub\n## second-0.5 \n", encoding="utf-8")
    (tmp_path / "README.md").write_text("## not-an-entry\n", encoding="utf-8")
    assert entries(tmp_path) == {7: ["first", "second-0.5"]}


def test_a_path_that_is_no_catalogue_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in (tmp_path / "absent", tmp_path):
        with pytest.raises(UnusableCatalogue):
            entries(folder)
        assert main(["coverage", str(folder)]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_the_command_says_what_is_missing_and_its_status_says_that_something_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claims.__main__.declared", lambda: [stands("a")])
    (tmp_path / "8-another.md").write_text("## elsewhere\n", encoding="utf-8")
    for text, status, said in (("## a\n", 0, ""), ("## a\n## b\n", 1, "7: b is in the catalogue and no claim stands for it\n")):
        (tmp_path / "7-a-post.md").write_text(text, encoding="utf-8")
        assert main(["coverage", str(tmp_path)]) == status
        read = capsys.readouterr()
        assert read.out == said
        assert "1 posts of the catalogue have no claim yet" in read.err


def test_every_claim_file_is_read() -> None:
    files = {path.stem for path in (Path(__file__).parent.parent / "claims").glob("*/test_*.py")}
    of_claims = {claim.test.__module__.rpartition(".")[2] for claim in declared() if claim.finding is not Finding.NOT_CHECKABLE}
    assert of_claims == files


def test_what_cannot_be_checked_is_declared_in_one_call_and_always_skipped() -> None:
    test = not_checkable(POST, "quality", section="1", says="better", found="it takes training", proxy="a-claim", zh={"says": "更好"})
    made = getattr(test, DECLARATION)
    assert (made.problems(), made.finding, made.found, made.proxy) == ([], Finding.NOT_CHECKABLE, "it takes training", "a-claim")
    with pytest.raises(Exception, match="cannot be checked: it takes training"):
        test(subject=None)
