"""The tug-of-war between cache and quality (post 10091): what absorbing the projections costs in precision.

Errors are counted in roundings, see oracles/rounding_count.py: each tensor that a form stores adds as much to the squared error as the
others, unless what it stores is larger than what reaches the logits. The truth is the exact value of the rounded weights and tokens.
"""

import math

import torch
from hypothesis import example, given

from claims import Finding, Kind, claim, counterexample, subjects, variant
from claims.attention.test_10091_mla import POST
from impls.attention import rounded_mla
from oracles import rounding_count as rounding
from oracles.evidence import measured
from oracles.figure import Figure
from strategies.attention.rounded import Layers, layers

FORMS = {"MHA form": "mha_form", "serial form": "serial_form", "merged form": "merged_form"}
LOSS = Figure(
    en="error of the logits of one layer against the unit roundoff of what is stored: bfloat16, float16, float32",
    zh="单层 logits 的误差与存储格式的单位舍入误差：bfloat16、float16、float32",
    x="unit roundoff $u$",
    y="relative error",
    log="xy",
)


def run(subject, case, i):
    """Errors of the logits (by form, in units of kappa u), and what the i-th batch of layers has exactly."""
    stored, unit = rounding.nearest(case.format), rounding.KAPPA2**0.5 * rounding.ROUNDOFF[case.format]
    (x, positions, theta, *weights), scale = case.batch(i)
    inputs = stored(x), positions, theta, *map(stored, weights)
    logits, v, outputs = rounding.exact(*inputs)
    got = {name: getattr(subject, function)(stored, *inputs) for name, function in FORMS.items()}
    n = logits.shape[-1]
    of_logits = {name: (both[..., :n] - logits) / unit for name, both in got.items()}
    of_outputs = {name: (both[..., n:] - outputs) / unit for name, both in got.items()}
    return of_logits, of_outputs, logits, v, outputs, scale


def with_call(changed, *forms, call):
    """Forms in which the tensor stored by call number `call` (0: the latent, 1: queries or the merged matrix, ...) is changed(stored, z)."""

    def of(form):
        def of_changed(stored, *args):
            calls = iter(range(100))
            return form(lambda z: changed(stored, z) if next(calls) == call else stored(z), *args)

        return of_changed

    return variant(rounded_mla, **{name: of(getattr(rounded_mla, name)) for name in forms or FORMS.values()})


def kept(stored, z):
    return z


def eight_times_as_coarse(stored, z):
    return z + 8 * (stored(z) - z)


def in_mha_form(mistake):
    return variant(rounded_mla, mha_form=mistake)


def accumulated_in_the_format(stored, x, positions, theta, W_c, W_q, W_qr, W_k, W_kr, W_v):
    """The dot products of queries and keys are summed term by term in the format."""
    c = stored(x @ W_c)
    q, k, v = stored(x @ W_q), stored(c @ W_k), stored(c @ W_v)
    content = 0
    for j in range(q.shape[-1]):
        content = stored(content + q[..., j, None] * k[..., None, :, j])
    logits, p = rounded_mla.attend(stored, content, x, positions, theta, W_q, W_qr, W_kr)
    return torch.cat([logits, stored(p @ v)], dim=-1)


def weights_rounded_again(form):
    """As if the truth had been computed from weights before rounding: theirs is one error more."""
    off = lambda stored, W: stored(W * 2**0.5) / 2**0.5
    return lambda stored, x, positions, theta, *weights: form(stored, x, positions, theta, *(off(stored, W) for W in weights))


def scaled_by_the_new_head_size(stored, x, positions, theta, W_c, W_q, W_qr, *weights):
    factor = ((W_q.shape[-1] + W_qr.shape[-1]) / (W_c.shape[-1] + W_qr.shape[-1])) ** 0.5
    return rounded_mla.serial_form(stored, x, positions, theta, W_c, factor * W_q, factor * W_qr, *weights)


def values_of_another_head(stored, *args):
    return rounded_mla.serial_form(stored, *args[:-1], args[-1].roll(1, 1))


@claim(
    POST,
    "bf16-loss-of-absorption",
    section="MLA, part 1, notes",
    kind=Kind.APPROXIMATION,
    finding=Finding.APPROXIMATE,
    effort=0.06,
    says=r"Merging $W_q W_k^\top$ is an identity at infinite precision only: in single precision, and in bfloat16 all the more, the transformed computation loses visibly.",
    zh=r"把 $W_q W_k^\top$ 合并成一个矩阵，只在无限精度下才恒等；单精度下、尤其是 bf16 下，变换后的计算会有明显的精度损失。",
    scope="Not stated relative to what; here to the exact value of the stored weights and tokens.",
    found=r"A mismatch between the forms is real, but on generic weights it is no loss of one of them. All have logits with relative error $\kappa \sqrt S\, u$, $\kappa = 1 / \sqrt{8 \ln 2} = 0.42$, "
    r"where $S$ counts the tensors stored on the way: $S = 3 w + 4 (1 - w) + 1$ for each form, $w = d_k / (d_k + d_r)$ the share of the content. "
    r"In float32 that is $5 \cdot 10^{-8}$, "
    "which is not visible.",
    limits=r"One layer, Gaussian tokens and weights, $w = 1$ and $w = \tfrac12$. Products are exact between stored tensors: sums kept in the format add $\tfrac12 d$ roundings for $d$ terms to every form. "
    "Outputs are only bounded, and their size measured.",
    if_fails="one form stores a tensor more or less, or its scale is another",
)
@subjects(
    rounded_mla,
    accumulated_in_the_format=in_mha_form(accumulated_in_the_format),
    mha_form_taken_as_the_truth=in_mha_form(lambda stored, *args: rounded_mla.mha_form(lambda z: z, *args)),
    scaled_by_the_new_head_size=variant(rounded_mla, serial_form=scaled_by_the_new_head_size),
    weights_not_rounded_in_the_truth=variant(
        rounded_mla, **{name: weights_rounded_again(getattr(rounded_mla, name)) for name in FORMS.values()}
    ),
    latent_not_rounded=with_call(kept, "serial_form", call=0),
    merged_matrix_not_rounded=with_call(kept, "merged_form", call=1),
    rotary_key_rounded_once=with_call(kept, call=5),
    logits_not_rounded=with_call(kept, call=7),
    serial_form_not_absorbed=variant(rounded_mla, serial_form=rounded_mla.mha_form),
    values_of_another_head=variant(rounded_mla, serial_form=values_of_another_head),
)
@example(case=Layers(torch.bfloat16, d_r=8))
@example(case=Layers(torch.float16, d_r=8))
@example(case=Layers(torch.float32, d_r=8))
@given(case=layers(d_r=(0, 8)))
def test_every_form_has_the_same_number_of_roundings(subject, case):
    w = case.share
    S = 3 * w + 4 * (1 - w) + 1  # content: q, c, k | q, q W_k^T, c | W_q W_k^T, x (W_q W_k^T), c; rotary: q and k twice; the logit
    half = min(w, 1 - w or 1) / 2  # a tensor stored more or less would be a whole step
    pairs = {
        ("MHA form", "serial form"): 2 * w,
        ("MHA form", "merged form"): 4 * w,
        ("serial form", "merged form"): 4 * w,
    }  # stored in one of both alone
    where = f"{case.d_r} rotary dimensions"

    def measure(i):
        of_logits, of_outputs, logits, v, outputs, scale = run(subject, case, i)
        errors = [rounding.squared(e / scale) for e in of_logits.values()]
        errors += [rounding.squared((of_logits[a] - of_logits[b]) / scale) for a, b in pairs]
        sizes = [rounding.squared(logits / scale)] * len(errors)
        errors += [rounding.squared(of_outputs[name]) - 2 * rounding.passed_on(of_logits[name], logits, v, outputs) for name in FORMS]
        sizes += [rounding.squared(outputs)] * len(FORMS)
        for name in FORMS if i == 0 else ():
            relative = (rounding.KAPPA2 * rounding.squared(of_outputs[name]).sum() / rounding.squared(outputs).sum()).sqrt()
            measured(f"error of the outputs in u, {name}, {where}", float(relative))
        return torch.stack(errors), torch.stack(sizes)

    expected = {f"logits of the {name}, {where}": (S - half, S + half) for name in FORMS}
    # Rounding two logits that differ by D changes the mean of D^2 by 0 at least, by a quarter of the squared spacing at most: 3 roundings.
    expected |= {f"logits of the {a} against the {b}, {where}": (differ - half, differ + 3 + half) for (a, b), differ in pairs.items()}
    # Squared errors add up to at most twice the sum: passed on by the logits, and 5 for c, v (or p c), p and o, where p, whose scale is
    # not drawn, may count for max(1 / m^2) = 1 in place of 3 / (8 ln 2).
    expected |= {f"outputs of the {name} beyond twice what its logits pass on, {where}": (-math.inf, 10.0) for name in FORMS}
    counts = rounding.counts_lie(expected, measure)
    u = rounding.ROUNDOFF[case.format]
    for name, count in zip((*FORMS, "MHA form against serial form"), counts):
        measured(f"error of the logits in u, {name}, {where}", (rounding.KAPPA2 * count) ** 0.5)
        if case.d_r:
            LOSS.point(name, u, (rounding.KAPPA2 * count) ** 0.5 * u)


@claim(
    POST,
    "serial-order-loses-less",
    part_of="bf16-loss-of-absorption",
    section="MLA, part 1, notes",
    kind=Kind.INEQUALITY,
    finding=Finding.REFUTED,
    effort=0.06,
    says=r"In theory multiplying in turn, $(x W_q) W_k^\top$, loses less precision than the merged matrix, $x (W_q W_k^\top)$.",
    zh=r"理论上，依次相乘 $(x W_q) W_k^\top$ 的精度损失比先合并再乘的 $x (W_q W_k^\top)$ 要小。",
    scope="Low-rank projections.",
    found=r"Not as a rule. On generic weights both count four roundings. Where the queries have a large component that no key has, serial order stores it and the merged matrix does not: "
    r"in the pinned case of $G = 157$ its squared error is some forty times that of the merged form.",
    limits="The error of the logits, without a rotary part; smaller means by more than half a rounding.",
    if_fails="the merged matrix is stored in a coarser format than the rest",
    corrected="Which order loses less depends on where the weights cancel: neither on generic ones, serial order if the latent has a large component that no key reads, "
    "the merged matrix if the queries have one that no key has.",
    corrected_by="order-of-loss-follows-the-cancellation",
)
@subjects(
    rounded_mla,
    merged_matrix_eight_times_as_coarse=with_call(eight_times_as_coarse, "merged_form", call=1),
    serial_form_in_float64=variant(rounded_mla, serial_form=lambda stored, *args: rounded_mla.serial_form(lambda z: z, *args)),
)
@counterexample("on generic weights both forms store three tensors of the same weight, and the logits", case=Layers(torch.bfloat16))
@counterexample(
    "a query component that no key has is stored by the serial form alone", case=Layers(torch.bfloat16, hidden="query", gain=157)
)
@given(case=layers(hidden=("", "latent", "query")))
def test_serial_order_loses_less(subject, case):
    def measure(i):
        of_logits, _, logits, _, _, scale = run(subject, case, i)
        return tuple(
            torch.stack([value])
            for value in (
                rounding.squared(of_logits["serial form"] / scale) - rounding.squared(of_logits["merged form"] / scale),
                rounding.squared(logits / scale),
            )
        )

    rounding.counts_lie({f"serial form less merged form, {case.hidden or 'nothing'} hidden": (-math.inf, -0.5)}, measure)


@claim(
    POST,
    "order-of-loss-follows-the-cancellation",
    part_of="bf16-loss-of-absorption",
    section="MLA, part 1, notes",
    kind=Kind.IDENTITY,
    finding=Finding.HOLDS,
    effort=0.06,
    says="Which order loses less depends on where the weights cancel: neither on generic ones, serial order if the latent has "
    "a large component that no key reads, the merged matrix if the queries have one that no key has.",
    zh="哪种次序损失更小取决于权重在哪里相消：一般的权重没有差别；"
    "若 latent 有一个不被任何 key 读取的大分量，则依次相乘损失更小；若 query 有一个所有 key 都没有的大分量，则合并矩阵损失更小。",
    scope=r"The sentence that replaces the refuted one. Hidden components are spread over all coordinates, so that each entry stored has $G$ times the energy that reaches the logits.",
    found=r"Exact in the count of roundings: the MHA, serial and merged forms have $4, 4, 4$ on generic weights, $3 + G,\ 2 + 2 G,\ 1 + 3 G$ with a hidden latent component, "
    r"and $2 + 2 G,\ 3 + G,\ 4$ with a hidden query component.",
    limits=r"Measured for $G = 2$ and $3$ and for $w = 1$; a hidden component along a coordinate axis would be cancelled by exact zeros and cost nothing.",
    if_fails="one form stores a tensor more or less, or reads the hidden component",
)
@subjects(
    rounded_mla,
    serial_form_not_absorbed=variant(rounded_mla, serial_form=rounded_mla.mha_form),
    merged_matrix_not_rounded=with_call(kept, "merged_form", call=1),
    latent_not_rounded=with_call(kept, "mha_form", call=0),
    absorbed_query_not_rounded=with_call(kept, "serial_form", call=2),
    query_rounded_again=with_call(lambda stored, z: stored(stored(z) * 2**0.5) / 2**0.5, "mha_form", call=1),
)
@example(case=Layers(torch.bfloat16, hidden="latent", gain=2))
@example(case=Layers(torch.bfloat16, hidden="query", gain=2))
@example(case=Layers(torch.float32))
@given(case=layers(hidden=("latent", "query", "")))
def test_order_of_loss_follows_the_cancellation(subject, case):
    G = case.gain
    counts = {"latent": (3 + G, 2 + 2 * G, 1 + 3 * G), "query": (2 + 2 * G, 3 + G, 4), "": (4, 4, 4)}[case.hidden]

    def measure(i):
        of_logits, _, logits, _, _, scale = run(subject, case, i)
        errors = torch.stack([rounding.squared(e / scale) for e in of_logits.values()])
        return errors, rounding.squared(logits / scale).expand_as(errors)

    where = f"{case.hidden or 'nothing'} hidden, G = {G}"
    rounding.counts_lie({f"{name}, {where}": (count - 0.5, count + 0.5) for name, count in zip(FORMS, counts)}, measure)
