"""Random tokenization revisited: from Viterbi Sampling to a perfect sampling algorithm (post 9811).

The post finds that its first sampler does not draw segmentations in proportion to their weights, and repairs it by
comparing each arrival with the total weight that has arrived, not with the one segmentation that is stored.
Both laws are computed exactly: the samplers get a coin that falls both ways.
"""

from fractions import Fraction

from hypothesis import given

from claims import Finding, Kind, Post, claim, counterexample, subjects, variant
from impls.sampling import perfect_sampling, viterbi_sampling
from impls.sampling.segment import follow, longest_first, shortest_first
from oracles.evidence import equal
from oracles.law import law
from oracles.segmentation import chain_of_duels, target_law
from strategies.sampling.segmentation import Meeting, instance, instances, meetings

POST = Post(
    9811,
    date="2023-10-16",
    en="Random tokenization revisited: from Viterbi Sampling to a perfect sampling algorithm",
    zh="随机分词再探：从Viterbi Sampling到完美采样算法",
    topic="sampling",
)


def output_law(subject, case):
    scan = shortest_first if case.shortest_first else longest_first
    return law(lambda coin: subject.sample(case.text, case.weights, coin, scan))


def reservoir(offer, accept):
    """A sampler that keeps, per end, the total weight arrived, the weight stored and the number of arrivals.

    offer(total, stored, w) is the weight that a candidate with prefix (total, stored) brings; accept(x, before, stored,
    arrivals) the probability of keeping it. Every mistake below is one of the two.
    """

    def sample(text, weights, coin, scan=longest_first):
        total, stored, arrivals, route = {0: 1}, {0: 1}, {0: 1}, {}
        for a, e in scan(text, weights):
            if a not in total:
                continue
            x = offer(total[a], stored[a], weights[text[a:e]])
            arrivals[e] = arrivals.get(e, 0) + 1
            if coin(accept(x, total.get(e, 0), stored.get(e, 0), arrivals[e])):
                stored[e], route[e] = x, a
            total[e] = total.get(e, 0) + x
        return follow(text, route)

    return variant(perfect_sampling, sample=sample)


stored_prefix_weight = reservoir(lambda total, stored, w: stored * w, lambda x, before, stored, arrivals: x / (before + x))
arrivals_counted_not_weighed = reservoir(lambda total, stored, w: total * w, lambda x, before, stored, arrivals: Fraction(1, arrivals))
prefix_weight_dropped = reservoir(lambda total, stored, w: w, lambda x, before, stored, arrivals: x / (before + x))
always_one_half = reservoir(lambda total, stored, w: total * w, lambda x, before, stored, arrivals: Fraction(1, min(arrivals, 2)))


def ends_descending(text, weights, coin, scan=longest_first):
    return perfect_sampling.sample(text, weights, coin, lambda *given: sorted(scan(*given), key=lambda candidate: -candidate[1]))


@claim(
    POST,
    "perfect-sampling-exact-law",
    section="Perfect Sampling",
    kind=Kind.DISTRIBUTION,
    finding=Finding.HOLDS,
    headline=True,
    says=r"The sampler returns each segmentation $\boldsymbol w$ with probability exactly "
    r"$e^{\alpha s(\boldsymbol w)} / \sum_{\boldsymbol w'} e^{\alpha s(\boldsymbol w')}$, as unrestricted subword regularization does.",
    zh=r"新采样器返回每个切分 $\boldsymbol w$ 的概率恰好是 $e^{\alpha s(\boldsymbol w)} / \sum_{\boldsymbol w'} e^{\alpha s(\boldsymbol w')}$，等价于不限制 $n$ 的 Subword Regularization。",
    scope=r"$\alpha > 0$; the post states no other condition.",
    found="The law is exact for all weights and either scan order. It needs every candidate ending at a position to be visited "
    "before any that starts there, fresh coins, and candidates without a prefix to be skipped.",
    limits="Texts of at most six letters, rational weights and ideal coins; the rounding of a real generator is another claim.",
    if_fails="the prefix is weighed by the stored segmentation, not by the total weight of all",
)
@subjects(
    perfect_sampling,
    first_sampler=viterbi_sampling,
    stored_prefix_weight=stored_prefix_weight,
    arrivals_counted_not_weighed=arrivals_counted_not_weighed,
    prefix_weight_dropped=prefix_weight_dropped,
    always_one_half=always_one_half,
    ends_descending=variant(perfect_sampling, sample=ends_descending),
)
@given(case=instances())
def test_perfect_sampling_has_the_exact_law(subject, case):
    equal(output_law(subject, case), target_law(case.text, case.weights), f"law of the output for {case}")


def one_prefix_for_all(text, weights, coin, scan):
    """The first sampler without the weight of the prefix: candidates compete with their last token alone."""
    score, route = {0: 1}, {}
    for a, e in scan(text, weights):
        if a in score:
            x = weights[text[a:e]]
            if e not in score or coin(x / (x + score[e])):
                score[e], route[e] = x, a
    return follow(text, route)


def unreachable_starts_tried(text, weights, coin, scan):
    """The first sampler with a candidate whose start cannot be reached counted as if its prefix weighed 1."""
    score, route = {0: 1}, {}
    for a, e in scan(text, weights):
        x = score.get(a, 1) * weights[text[a:e]]
        if e not in score or coin(x / (x + score[e])):
            score[e], route[e] = x, a
    return follow(text, route)


@claim(
    POST,
    "old-sampler-quarter-quarter-half",
    section="Problem Analysis",
    kind=Kind.DISTRIBUTION,
    finding=Finding.HOLDS_IN_SCOPE,
    headline=True,
    says=r"Under the first sampler three segmentations of equal score that meet at one position come out with probabilities "
    r"$\tfrac14, \tfrac14, \tfrac12$ instead of $\tfrac13$ each; the post quotes them for watch|ing, wat|ching, w|atching.",
    zh=r"在第一版采样器中，交于同一位置的三个等分切分的概率是 $\tfrac14, \tfrac14, \tfrac12$，而不是各 $\tfrac13$；文中依次对应 watch|ing、wat|ching、w|atching。",
    scope="Equal scores, in the order of arrival; the post does not name the order of the scan.",
    found=r"Exactly so in order of arrival, and $2^{-(n-1)}, 2^{-(n-1)}, 2^{-(n-2)}, \dots, \tfrac12$ for $n$ candidates. The quoted words need "
    r"the shortest token first; with the longest first, as the same section describes the automaton, watch|ing gets $\tfrac12$.",
    limits="One meeting point; nested meetings compound the bias and are covered by the refuted claim of post 9768.",
    if_fails="the acceptance probability is not that of a duel with the stored candidate",
)
@subjects(
    viterbi_sampling,
    perfect_sampler=perfect_sampling,
    always_one_half=always_one_half,
    prefix_weight_dropped=variant(viterbi_sampling, sample=one_prefix_for_all),
    unreachable_starts_tried=variant(viterbi_sampling, sample=unreachable_starts_tried),
    last_arrival_wins=variant(viterbi_sampling, sample=lambda text, weights, coin, scan: viterbi_sampling.sample(text, weights, lambda p: True, scan)),
    scan_reversed=variant(
        viterbi_sampling,
        sample=lambda text, weights, coin, scan: viterbi_sampling.sample(
            text, weights, coin, shortest_first if scan is longest_first else longest_first
        ),
    ),
)
@counterexample(
    "with the longest token first w|atching arrives first and watch|ing last, so the quoted words get each other's probabilities",
    meeting=Meeting(
        instance("watching", watch=1, ing=1, wat=1, ching=1, w=1, atching=1),
        arrivals=tuple((pieces, Fraction(1)) for pieces in (("watch", "ing"), ("wat", "ching"), ("w", "atching"))),
    ),
)
@given(meeting=meetings())
def test_first_sampler_is_a_chain_of_duels(subject, meeting):
    equal(output_law(subject, meeting.instance), chain_of_duels(meeting.arrivals), f"law of the output for {meeting}")
