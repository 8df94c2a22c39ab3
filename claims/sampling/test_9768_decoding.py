"""Around the first sampler (post 9768): what it starts from, what it competes with, and what the post prints."""

from collections import Counter
from fractions import Fraction
from functools import partial
from types import SimpleNamespace

from hypothesis import example, given
from hypothesis import strategies as st

from claims import Finding, Kind, claim, counterexample, subjects, variant
from claims.sampling.test_9768_viterbi_sampling import POST
from impls.sampling import printed_decoder, subword_regularization, viterbi_decoding
from impls.sampling.segment import SCANS, follow, longest_first
from oracles.evidence import equal, measured, require
from oracles.law import law, proportional
from oracles.operations import priced
from oracles.segmentation import occurrences, optima, segmentations
from strategies.sampling.segmentation import ALL_PRIMES, LONG, covered, haystacks, instance, instances


def decoding(better, prefix=lambda S, a, e: S[a]):
    """Viterbi decoding with another comparison, better(x, stored), or another prefix score than that of the start."""

    def decode(text, weights, scan=longest_first):
        S, route = [1] + [0] * len(text), {}
        for a, e in scan(text, weights):
            x = prefix(S, a, e) * weights[text[a:e]]
            if better(x, S[e]):
                S[e], route[e] = x, a
        return follow(text, route)

    return variant(viterbi_decoding, decode=decode)


def score_not_updated(text, weights, scan=longest_first):
    """Later arrivals are compared with the first one."""
    S, route = [1] + [0] * len(text), {}
    for a, e in scan(text, weights):
        x = S[a] * weights[text[a:e]]
        if x > S[e]:
            S[e], route[e] = S[e] or x, a
    return follow(text, route)


def ends_descending(text, weights, scan=longest_first):
    return viterbi_decoding.decode(text, weights, lambda *given: sorted(scan(*given), key=lambda candidate: -candidate[1]))


@claim(
    POST,
    "viterbi-decode-is-argmax",
    section="Key analysis; My approach",
    kind=Kind.OPTIMUM,
    finding=Finding.HOLDS,
    says=r"One scan that keeps the better score at every position returns the segmentation of maximal probability, $\arg\max_{w \in \Omega(S)} P(w)$, in linear time.",
    scope="None stated.",
    found="Holds exactly: the result attains the largest weight, and none is returned where there is none. Among equal ones the scan decides which. "
    "The number of steps is that of the candidates, see scanned-token-bound.",
    limits="Texts of at most six letters and rational weights.",
    if_fails="the scan's ends do not ascend, or the score of the prefix is left out",
    zh=dict(
        says=r"逐一扫描并在每个位置保留更优得分，即可在线性时间内得到最大概率切分 $\arg\max_{w \in \Omega(S)} P(w)$。",
        scope="原文未说明。",
        found="严格成立：返回的切分达到最大权重，不存在切分时返回“无切分”。权重相同的切分中返回哪一个，由扫描顺序决定。步数就是候选的个数，见 scanned-token-bound。",
        limits="文本至多 6 个字母，权重为有理数。",
        if_fails="扫描时结束位置没有递增，或者漏掉了前缀的得分",
    ),
)
@subjects(
    viterbi_decoding,
    ends_descending=variant(viterbi_decoding, decode=ends_descending),
    prefix_left_out=decoding(lambda x, stored: x > stored, prefix=lambda S, a, e: S[a] > 0),
    score_not_updated=variant(viterbi_decoding, decode=score_not_updated),
    smaller_for_larger=decoding(lambda x, stored: x < stored),
    prefix_of_the_end=decoding(lambda x, stored: x > stored, prefix=lambda S, a, e: S[e]),
)
@given(case=instances())
@example(case=instance("abc", a=1, bc=3, ab=9, c=2))
@example(case=instance("abc", abc=1, a=1, bc=3, ab=1, c=2))
@example(case=LONG)
def test_decoding_attains_the_maximum(subject, case):
    found = subject.decode(case.text, case.weights, SCANS[case.shortest_first])
    best = optima(case.text, case.weights) or {None}
    require(
        found in best,
        f"{case}: {'|'.join(found or ('nothing',))} is returned, the best is {' or '.join(sorted('|'.join(p or ('nothing',)) for p in best))}",
    )


def printed_by(change):
    return variant(printed_decoder, tokenize=change)


@claim(
    POST,
    "printed-decoder-edge-cases",
    section="My approach",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS_IN_SCOPE,
    says="The printed decoder returns the best segmentation of the text by following its back-pointers.",
    scope="None stated. The package's vocabulary contains all 256 single bytes.",
    found="Holds where every position can be reached, as with all single bytes in the vocabulary. Elsewhere the way back starts where the last match ended: "
    "what follows is silently dropped, and a gap before it is an error.",
    limits="The loop as restated here, on texts of at most six letters.",
    if_fails="the way back does not start at the end of the text",
    zh=dict(
        says="文中给出的解码代码沿回溯指针即可得到文本的最优切分。",
        scope="原文未说明。该软件包的词表包含全部 256 个单字节。",
        found="在每个位置都可达时成立，例如词表包含所有单字节。否则回溯从最后一次匹配的结束处开始：其后的文本被悄悄丢弃，其前若有断开的位置则会报错。",
        limits="检验的是这里复述的循环，文本至多 6 个字母。",
        if_fails="回溯不是从文本末尾开始的",
    ),
)
@subjects(
    printed_decoder,
    last_token_dropped=printed_by(lambda text, weights: printed_decoder.tokenize(text, weights)[:-1]),
    tokens_in_reverse=printed_by(lambda text, weights: printed_decoder.tokenize(text, weights)[::-1]),
    shortest_tokens=printed_by(lambda text, weights: tuple(text)),
    last_arrival_wins=printed_by(lambda text, weights: follow(text, {e: a for a, e in longest_first(text, weights)}) or ()),
)
@counterexample(
    "abx with the tokens a and b is returned as a|b: the x is dropped without a word",
    "token 只有 a 和 b 时，abx 返回 a|b：x 被悄悄丢弃，没有任何提示",
    case=instance("abx", a=1, b=1),
)
@given(case=covered())
@example(case=instance("abc", a=1, b=1, c=2, bc=3, ab=9))
def test_printed_decoder_returns_a_best_segmentation(subject, case):
    found = subject.tokenize(case.text, case.weights)
    best = optima(case.text, case.weights)
    require(found in best, f"{case}: {'|'.join(found) or 'nothing'} is returned, which is no best segmentation of the whole text")


ABABABAB = ("abababab", ("a", "ab", "aba", "abab", "b", "ba", "bab", "baba"))


def cut(kept_of):
    """n-best search that keeps other partial segmentations: kept_of(candidates, n), in the order of arrival."""

    def n_best(text, weights, n, scan=longest_first):
        best = [[(1, ())]] + [[] for _ in text]
        for a, e in scan(text, weights):
            best[e] = kept_of(best[e], [(x * weights[text[a:e]], (*pieces, text[a:e])) for x, pieces in best[a]], n)
        return sorted(best[-1], key=lambda pair: -pair[0])[:n]

    return variant(subword_regularization, n_best=n_best)


@claim(
    POST,
    "nbest-subword-regularization-law",
    section="Existing solutions",
    kind=Kind.COMPLEXITY,
    finding=Finding.HOLDS,
    says=r"Subword Regularization draws among the $n$ best segmentations in proportion to $P(w_i)^\alpha$; to find them is linear in the length, at about $n$ times the cost of decoding.",
    scope="None stated.",
    found=r"Holds as an upper bound: $\sum_{(a, e)} \min(n, |\Omega(c_{1..a})|) \le n C$ extensions for $C$ candidates, with equality for $n = 1$ where every start is reachable, without the cost of sorting.",
    limits="Texts of up to six letters for the law, of up to 30 for the counts; equal weights at rank $n$ leave open which segmentation is kept.",
    if_fails="partial segmentations are cut before they are sorted, or none are cut",
    zh=dict(
        says=r"Subword Regularization 在前 $n$ 个最优切分中按正比于 $P(w_i)^\alpha$ 的概率采样；搜索它们的复杂度关于长度是线性的，约为解码的 $n$ 倍。",
        scope="原文未说明。",
        found=r"作为上界成立：$C$ 个候选需要 $\sum_{(a, e)} \min(n, |\Omega(c_{1..a})|) \le n C$ 次扩展，"
        r"$n = 1$ 且每个起点都可达时取等号；不含排序的代价。",
        limits="检验分布的文本至多 6 个字母，检验计数的至多 30 个；若第 $n$ 名处有权重相同者，则保留哪个切分并不确定。",
        if_fails="部分切分在排序之前就被截断，或者完全没有截断",
        names={
            "extensions for abababab, # kept": "abababab 的扩展次数，保留 # 个",
            "extensions for abababab, all kept": "abababab 的扩展次数，全部保留",
        },
    ),
)
@subjects(
    subword_regularization,
    first_n_kept=cut(lambda old, new, n: (old + new)[:n]),
    one_kept_per_start=cut(lambda old, new, n: old + new[:1]),
    nothing_cut=cut(lambda old, new, n: old + new),
)
@given(case=instances(), n=st.integers(1, 8), long=haystacks())
@example(case=instance("ab", a=3, b=1, ab=2), n=1, long=ABABABAB)
@example(case=ALL_PRIMES, n=2, long=ABABABAB)
@example(case=ALL_PRIMES, n=4, long=ABABABAB)
@example(case=ALL_PRIMES, n=8, long=ABABABAB)
@example(case=ALL_PRIMES, n=128, long=ABABABAB)
def test_n_best_segmentations_and_their_cost(subject, case, n, long):
    weighted = segmentations(case.text, case.weights)
    kept = subject.n_best(case.text, case.weights, n, SCANS[case.shortest_first])
    heaviest = sorted(weighted.values(), reverse=True)[:n]
    equal([weight for weight, _ in kept], heaviest, f"{case}, n = {n}: weights of the best segmentations")
    equal(
        {pieces: weight for weight, pieces in kept},
        {pieces: weighted.get(pieces) for _, pieces in kept},
        f"{case}, n = {n}: segmentations kept",
    )
    drawn = law(partial(subject.sample, case.text, case.weights, n=n, scan=SCANS[case.shortest_first]))
    equal(drawn, proportional({pieces: weight for weight, pieces in kept} or {None: 1}), f"{case}, n = {n}: law of the sample")

    text, vocabulary = long
    weights, done = priced({token: Fraction(1, 2 ** len(token)) for token in vocabulary})
    subject.n_best(text, weights, n)
    candidates = occurrences(text, vocabulary)
    ways = numbers_of_ways(text, candidates)
    due = sum(min(n, ways[a]) for a, _ in candidates)
    equal(done["products"], due, f"extensions for {text!r} with {', '.join(vocabulary)}, n = {n}")
    require(due <= n * len(candidates), f"{due} extensions are more than {n} times {len(candidates)} candidates")
    if long == ABABABAB:
        measured(f"extensions for abababab, {'all' if n > 8 else n} kept", done["products"])


def numbers_of_ways(text, candidates):
    """|Omega| of every prefix, from the front."""
    ways = Counter({0: 1})
    for e in range(1, len(text) + 1):
        ways[e] = sum(ways[a] for a, end in candidates if end == e)
    return ways


# "今天天气不错" as six lists of byte strings, the first of them deterministic ("Simple test").
TEXT = "今天天气不错"
PRINTED = (
    (b"\xe4\xbb\x8a\xe5\xa4\xa9", b"\xe5\xa4\xa9\xe6\xb0\x94", b"\xe4\xb8\x8d\xe9\x94\x99"),
    (b"\xe4\xbb\x8a\xe5\xa4\xa9", b"\xe5\xa4\xa9\xe6", b"\xb0\x94", b"\xe4\xb8\x8d\xe9\x94\x99"),
    (b"\xe4\xbb\x8a\xe5\xa4\xa9", b"\xe5\xa4\xa9\xe6\xb0\x94", b"\xe4\xb8\x8d\xe9\x94\x99"),
    (b"\xe4\xbb\x8a\xe5\xa4\xa9", b"\xe5\xa4\xa9\xe6\xb0\x94", b"\xe4\xb8", b"\x8d", b"\xe9\x94", b"\x99"),
    (b"\xe4\xbb\x8a\xe5\xa4\xa9", b"\xe5\xa4\xa9", b"\xe6\xb0\x94", b"\xe4\xb8\x8d\xe9\x94\x99"),
    (b"\xe4\xbb", b"\x8a\xe5\xa4\xa9", b"\xe5\xa4\xa9", b"\xe6\xb0\x94\xe4\xb8\x8d", b"\xe9\x94", b"\x99"),
)
printed = SimpleNamespace(samples=PRINTED)


@claim(
    POST,
    "printed-samples-are-valid-segmentations",
    section="Simple test",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    says="The six outputs printed for 今天天气不错, one of decoding and five of sampling, are segmentations of its 18 bytes.",
    scope="UTF-8.",
    found="Each of the six, put together, is the text; some tokens end within a character, so that single tokens need not be valid UTF-8. "
    "The third output equals the deterministic one.",
    limits="Their probabilities need the published model and are not checked.",
    if_fails="a printed byte was lost",
    zh=dict(
        says="文中为“今天天气不错”给出的六个输出（一个来自解码，五个来自采样）都是其 18 个字节的切分。",
        scope="UTF-8 编码。",
        found="六个输出各自拼接起来都是原文；有些 token 在字符中间结束，因此单个 token 不一定是合法的 UTF-8。第三个输出与确定性输出相同。",
        limits="它们的概率需要公开的模型才能计算，这里没有检验。",
        if_fails="给出的结果中丢了一个字节",
    ),
)
@subjects(
    printed,
    a_byte_dropped=SimpleNamespace(samples=(*PRINTED[:-1], (*PRINTED[-1][:-1], b""))),
    tokens_exchanged=SimpleNamespace(samples=(PRINTED[0][::-1], *PRINTED[1:])),
    split_by_characters=SimpleNamespace(samples=(*PRINTED[:-1], tuple(c.encode() for c in TEXT))),
)
@given(number=st.integers(0, 5))
def test_printed_samples_are_segmentations(subject, number):
    equal(b"".join(subject.samples[number]), TEXT.encode(), f"bytes of printed output {number + 1}")
    within = [tokens for tokens in subject.samples if any(undecodable(token) for token in tokens)]
    equal(len(within), 3, "outputs with tokens that end within a character")
    equal(len(set(subject.samples)), 5, "different outputs")
    equal(subject.samples[2], subject.samples[0], "third output, and that of decoding")


def undecodable(token):
    try:
        token.decode()
    except UnicodeDecodeError:
        return True
    return False


HUNDREDTH = Fraction(1, 200)  # how far a printed speed may be from the measured one
TABLE = {"SP-BPE": ("1.36", "1.25"), "SP-Unigram": ("5.65", "1.28"), "BytePiece": ("1.95", "1.36")}
speeds = SimpleNamespace(table=TABLE)


@claim(
    POST,
    "speed-table-ratios",
    section="Simple test",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    says="Random segmentation costs Subword Regularization more than three quarters of its speed and BytePiece about 30%, in million bytes per second: "
    "5.65 to 1.28 and 1.95 to 1.36; SP-BPE goes from 1.36 to 1.25.",
    scope="None stated.",
    found="The ratios follow from the printed speeds, rounding included: 22.5 to 22.8% of the speed is left to SP-Unigram, and BytePiece loses 29.8 to 30.7%.",
    limits="The speeds belong to a machine; what can be counted is one random number per candidate, see one-coin-per-candidate.",
    if_fails="the columns of the table are exchanged",
    zh=dict(
        says="引入随机性后，Subword Regularization 的速度降到不足原来的 1/4（从 5.65 到 1.28，单位为百万字节每秒），"
        "BytePiece 下降约 30%（从 1.95 到 1.36）；SP-BPE 则从 1.36 降到 1.25。",
        scope="原文未说明。",
        found="计入舍入误差，这些比例可由文中给出的速度推出：SP-Unigram 剩下 22.5% 到 22.8% 的速度，BytePiece 损失 29.8% 到 30.7%。",
        limits="速度取决于机器；可以计数的是每个候选一个随机数，见 one-coin-per-candidate。",
        if_fails="表格的两列弄反了",
        names={
            "BytePiece: part of the speed that is left": "BytePiece：剩下的速度比例",
            "SP-BPE: part of the speed that is left": "SP-BPE：剩下的速度比例",
            "SP-Unigram: part of the speed that is left": "SP-Unigram：剩下的速度比例",
        },
    ),
)
@subjects(
    speeds,
    columns_exchanged=SimpleNamespace(table={name: row[::-1] for name, row in TABLE.items()}),
    rows_exchanged=SimpleNamespace(table={**TABLE, "SP-Unigram": TABLE["BytePiece"], "BytePiece": TABLE["SP-Unigram"]}),
)
@given(
    errors=st.tuples(*[st.fractions(-HUNDREDTH, HUNDREDTH)] * 2),
    name=st.sampled_from(sorted(TABLE)),
)
@example(errors=(HUNDREDTH, -HUNDREDTH), name="BytePiece")
@example(errors=(-HUNDREDTH, HUNDREDTH), name="BytePiece")
@example(errors=(HUNDREDTH, -HUNDREDTH), name="SP-Unigram")
@example(errors=(-HUNDREDTH, HUNDREDTH), name="SP-Unigram")
def test_speeds_have_the_ratios_that_are_drawn_from_them(subject, errors, name):
    before, after = (Fraction(printed) + error for printed, error in zip(subject.table[name], errors, strict=True))
    # "Less than a quarter", and "about 30 %" read as 29 to 31; of SP-BPE the post gives the speeds alone: a loss of less than a tenth.
    left = {
        "SP-BPE": (Fraction(9, 10), Fraction(1)),
        "SP-Unigram": (Fraction(0), Fraction(1, 4)),
        "BytePiece": (Fraction(69, 100), Fraction(71, 100)),
    }[name]
    require(left[0] <= after / before < left[1], f"{name}: {float(after / before):.3f} of the speed is left")
    measured(f"{name}: part of the speed that is left", after / before)
