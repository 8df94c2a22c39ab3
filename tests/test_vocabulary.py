"""Every sentence that keeps a declaration from being a claim, and what else the decorators promise."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims import Finding, Kind, Post, claim, counterexample, subjects, variant
from claims.vocabulary import DECLARATION, Claim, Counterexample, audited, used_by

POST = Post(
    1,
    date="2024-01-01",
    topic="sampling",
    title="A post",
    sections={"text": "文"},
    stands="All.",
    zh={"title": "一篇文章", "stands": "全部。"},
)
TEXTS = ("section", "says", "scope", "found", "limits", "if_fails")


@given(n=st.integers())
def draws(subject, n):
    pass


@given(n=st.integers())
def draws_without_subject(n):
    pass


def draws_nothing(subject):
    pass


COMPLETE = Claim(
    POST,
    "a-claim",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    test=draws,
    reference=SimpleNamespace(),
    controls={"one": SimpleNamespace(), "two": SimpleNamespace()},
    **dict.fromkeys(TEXTS, "text"),
)
PINNED = [Counterexample("why", "原因", {"n": 1})]


def test_a_complete_declaration_has_no_problems() -> None:
    assert COMPLETE.problems() == []
    assert replace(COMPLETE, finding=Finding.REFUTED, counterexamples=PINNED, corrected="text", corrected_by="a-claim").problems() == []
    assert replace(COMPLETE, finding=Finding.HOLDS_IN_SCOPE, counterexamples=PINNED).problems() == []


@pytest.mark.parametrize(
    "changed, sentence",
    [
        *(({name: ""}, f"it has no `{name}`: add {name}=... to @claim") for name in TEXTS),
        *(
            ({"id": id}, f"its id {id!r} is not a slug: use lower-case words joined by hyphens")
            for id in ("", "A-claim", "a_claim", "a--claim", "-a", "a claim", "主张")
        ),
        ({"kind": None}, "its `kind` is None: use one of Kind.IDENTITY, Kind.DISTRIBUTION,"),
        ({"kind": "identity"}, "its `kind` is 'identity': use one of Kind.IDENTITY,"),
        ({"finding": None}, "its `finding` is None: use one of Finding.HOLDS, Finding.HOLDS_IN_SCOPE,"),
        *(
            ({"post": replace(POST, **{name: empty})}, f"its Post has no {name}: add {name}=...")
            for name, empty in [("archive", 0), ("date", ""), ("topic", ""), ("title", ""), ("stands", "")]
        ),
        ({"section": "2"}, "its post has no section '2': use one of text, or add it to the Post"),
        (
            {"section": "2", "post": replace(POST, sections={"1": "一", "3": "三"})},
            "its post has no section '2': use one of 1, 3, or add it to the Post",
        ),
        ({"zh": {"say": "文"}}, "its `zh` has say: its fields are says, scope, found, limits, if_fails, corrected, merges and names"),
        ({"zh": {"say": "文", "section": "文"}}, "its `zh` has say and section: its fields are says,"),
        ({"reference": None}, "it has no subject: add @subjects(reference, wrong_variant=..., another=...) above @given"),
        (
            {"controls": {}},
            "it has 0 control(s): name at least two wrong variants in @subjects, because a check that nobody has seen fail is not evidence",
        ),
        ({"controls": {"one": 1}}, "it has 1 control(s)"),
        (
            {"finding": Finding.HOLDS_IN_SCOPE},
            "its finding is 'holds in scope' but no case shows it: pin one with @counterexample(why, case=...)",
        ),
        ({"test": draws_nothing}, "its test draws nothing: add @given(...) from hypothesis under @subjects"),
        ({"test": draws_without_subject}, "its test has no parameter `subject`: that is how the implementations under audit come in"),
    ],
)
def test_what_is_missing_is_said_in_one_sentence_with_its_remedy(changed: dict[str, Any], sentence: str) -> None:
    (problem,) = replace(COMPLETE, **changed).problems()
    assert problem.startswith(sentence)


def test_a_refuted_claim_needs_its_counterexample_and_its_correction() -> None:
    assert replace(COMPLETE, finding=Finding.REFUTED).problems() == [
        "its finding is 'refuted' but no case shows it: pin one with @counterexample(why, case=...)",
        "it is refuted: add corrected=... (the repaired sentence) and corrected_by=... (the claim that checks it)",
    ]


def test_what_cannot_be_checked_needs_its_nearest_claim_and_no_subjects() -> None:
    bare = replace(
        COMPLETE, finding=Finding.NOT_CHECKABLE, reference=None, controls={}, scope="", limits="", if_fails="", test=draws_nothing
    )
    assert bare.problems() == ["it names no `proxy`: give the id of the claim that comes nearest to it"]
    assert replace(bare, proxy="a-claim").problems() == []
    assert len(replace(COMPLETE, finding=Finding.NOT_CHECKABLE, proxy="a-claim").problems()) == 1


def test_everything_that_is_wrong_is_said_at_once() -> None:
    assert len(Claim(POST, "Nothing").problems()) == len(TEXTS) + 5


# Chinese

CHINESE = {**dict.fromkeys(("says", "scope", "found", "limits", "if_fails", "corrected"), "文"), "merges": {"other": "文"}}
FULL = replace(COMPLETE, corrected="text", merges={"other": "text"}, counterexamples=PINNED, zh=CHINESE)


def test_a_claim_that_is_all_in_chinese_lacks_none() -> None:
    assert FULL.problems() == FULL.untranslated() == []


@pytest.mark.parametrize(
    "changed, sentence",
    [
        *(({"zh": CHINESE | {name: ""}}, f"zh=dict({name}=...) of the claim") for name in CHINESE if name != "merges"),
        ({"zh": CHINESE | {"merges": {}}}, "zh=dict(merges={'other': ...}) of the claim"),
        ({"counterexamples": [*PINNED, Counterexample("why", "", {})]}, "the second text of counterexample 2"),
        *(({"post": replace(POST, zh=POST.zh | {name: ""})}, f"zh=dict({name}=...) of its Post") for name in ("title", "stands")),
        ({"post": replace(POST, sections={"text": ""})}, "sections={'text': ...} of its Post"),
    ],
)
def test_what_is_missing_in_chinese_is_named_and_keeps_nothing_from_running(changed: dict[str, Any], sentence: str) -> None:
    lacking = replace(FULL, **changed)
    assert (lacking.untranslated(), lacking.problems()) == ([sentence], [])


def test_a_text_that_a_claim_does_not_have_needs_no_chinese() -> None:
    assert replace(COMPLETE, zh={name: "文" for name in TEXTS if name != "section"}).untranslated() == []
    assert len(COMPLETE.untranslated()) == len(TEXTS) - 1


def test_what_is_told_has_both_languages() -> None:
    told = replace(FULL, zh=CHINESE | {"says": "说法", "names": {"gap": "差"}}).told()
    assert told["says"] == {"en": "text", "zh": "说法"} and told["section"] == {"en": "text", "zh": "文"}
    assert told["merges"] == {"other": {"en": "text", "zh": "文"}} and told["names"] == {"gap": "差"}
    assert told["counterexamples"] == [{"why": {"en": "why", "zh": "原因"}, "case": "n=1"}]
    assert COMPLETE.told()["says"] == {"en": "text", "zh": ""}
    assert POST.told() == {
        "archive": 1,
        "date": "2024-01-01",
        "topic": "sampling",
        "url": "https://kexue.fm/archives/1",
        "title": {"en": "A post", "zh": "一篇文章"},
        "stands": {"en": "All.", "zh": "全部。"},
        "sections": [{"en": "text", "zh": "文"}],
    }


def test_decorators_attach_what_they_say() -> None:
    reference, one, two = SimpleNamespace(), SimpleNamespace(), SimpleNamespace()

    @claim(POST, "a-claim", says="$x$")
    @subjects(reference, one=one, two=two)
    @counterexample("smallest", "最小", n=1)
    @counterexample("larger", n=2)
    @given(n=st.integers())
    def test(subject, n):
        pass

    declared = getattr(test, DECLARATION)
    assert (declared.id, declared.post, declared.says, declared.reference) == ("a-claim", POST, "$x$", reference)
    assert declared.controls == {"one": one, "two": two}
    assert declared.counterexamples == [Counterexample("smallest", "最小", {"n": 1}), Counterexample("larger", "", {"n": 2})]
    assert declared.test is test


def test_an_unknown_field_is_named_where_it_is_written() -> None:
    with pytest.raises(TypeError, match=r"claim 'a-claim': unknown field colour, size; the fields are those of claims\.vocabulary\.Claim"):
        claim(POST, "a-claim", size=1, colour="red")


def test_a_variant_replaces_what_it_names_and_keeps_the_rest() -> None:
    reference = SimpleNamespace(f=lambda: "f", g=lambda: "g")
    wrong = variant(reference, f=lambda: "wrong")
    assert (wrong.f(), wrong.g()) == ("wrong", "g")
    assert not hasattr(wrong, "h")


def test_a_variant_of_something_that_is_not_there_is_a_typing_error() -> None:
    with pytest.raises(TypeError, match="it has no function h to replace"):
        variant(SimpleNamespace(f=1), h=2)


def test_the_digest_changes_with_the_statement_and_not_with_its_place_on_the_page() -> None:
    assert COMPLETE.digest == replace(COMPLETE, headline=True).digest
    for changed in ({"says": "other"}, {"finding": Finding.APPROXIMATE}, {"post": replace(POST, archive=2)}, {"counterexamples": PINNED}):
        assert COMPLETE.digest != replace(COMPLETE, **changed).digest


@pytest.mark.parametrize(
    "module, counts",
    [
        ("impls.attention.mla", True),
        ("oracles.ball", True),
        ("strategies.tensors", True),
        ("claims.diffusion.test_9181_ddim", True),
        ("claims.vocabulary", False),
        ("torch.nn", False),
    ],
)
def test_a_verdict_depends_on_what_judges_and_what_is_judged(module: str, counts: bool) -> None:
    assert audited(module) is counts


def test_the_digest_follows_what_a_claim_file_takes_from_another_one() -> None:
    first, second = ModuleType("claims.topic.test_first"), ModuleType("claims.topic.test_second")
    exec("def shared(): pass", vars(first))
    second.shared = first.shared
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, first.__name__, first)
        assert used_by(second) == {first, second}
