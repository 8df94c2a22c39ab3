"""Random tokenization revisited, first version: from Viterbi decoding to Viterbi sampling (post 9768)."""

from fractions import Fraction

from hypothesis import given

from claims import Finding, Kind, Post, claim, counterexample, subjects, variant
from impls.sampling import perfect_sampling, viterbi_sampling
from impls.sampling.segment import longest_first, shortest_first
from oracles.evidence import require
from oracles.law import law
from oracles.segmentation import segmentations, target_law
from strategies.sampling.segmentation import instance, instances

POST = Post(
    9768,
    date="2023-09-16",
    en="Random tokenization: from Viterbi decoding to Viterbi sampling",
    zh="随机分词浅探：从Viterbi Decoding到Viterbi Sampling",
    topic="sampling",
)


def only_two_segmentations(text, weights, coin, scan):
    """The first sampler where it is used on at most two segmentations, the perfect one elsewhere."""
    sampler = viterbi_sampling if len(segmentations(text, weights)) <= 2 else perfect_sampling
    return sampler.sample(text, weights, coin, scan)


@claim(
    POST,
    "max-probability-segmentation-stays-most-likely",
    section="My approach",
    kind=Kind.DISTRIBUTION,
    finding=Finding.REFUTED,
    headline=True,
    says="Because the sigmoid is monotonic, the segmentation of maximal probability is clearly still the one that is sampled most often.",
    zh="由于 sigmoid 的单调性，概率最大的切分显然仍是采样到的概率最大的切分。",
    scope="None stated.",
    found="False as soon as three segmentations compete: the first to arrive has to win every later duel. "
    "True for at most two segmentations, and for the perfect sampler of post 9811.",
    corrected="The most probable segmentation stays the most likely sample if each arrival is compared with the total weight that has "
    "arrived (post 9811); under Viterbi sampling only where a text has at most two segmentations.",
    corrected_by="perfect-sampling-exact-law",
    limits="How often the mode is lost on natural text depends on the vocabulary and is not measured here.",
    if_fails="the sampler under audit is not the duel of this post",
)
@subjects(
    viterbi_sampling,
    perfect_sampler=perfect_sampling,
    at_most_two_segmentations=variant(viterbi_sampling, sample=only_two_segmentations),
)
@counterexample(
    "weights 3, 1, 2 for abc, a|bc, ab|c: the best one comes out with 9/20, less often than ab|c with 7/15",
    case=instance("abc", abc=3, a=1, bc=1, ab=1, c=2),
)
@counterexample(
    "with every single letter a token: a|a|a weighs most (8/21) but comes out with 1088/3087, a|aa with 135/343",
    case=instance("aaa", a=2, aa=3, aaa=1),
)
@given(case=instances(max_length=5))
def test_most_probable_segmentation_is_sampled_most(subject, case):
    scan = shortest_first if case.shortest_first else longest_first
    sampled = law(lambda coin: subject.sample(case.text, case.weights, coin, scan))
    target = target_law(case.text, case.weights)
    best = [pieces for pieces, p in target.items() if p == max(target.values())]
    top = max(sampled.values())
    mode = next(pieces for pieces, p in sampled.items() if p == top)
    require(
        max(sampled.get(pieces, Fraction(0)) for pieces in best) == top,
        f"{case}: {'|'.join(best[0] or ())} has the largest probability {target[best[0]]} but is sampled with "
        f"{sampled.get(best[0], 0)}; {'|'.join(mode or ())} is sampled with {top}",
        comparisons=len(sampled),
    )
