"""Where a subject runs: every device x dtype that this machine has, inside one test body, on the same case.

Neither a GPU nor a CPU is the truth. Each executor is held against the same truth with its own budget, and each device
against the CPU in the same dtype with the sum of the two budgets. Without a second device the comparison still runs:
`reassociated` is the same code with the order of every sum reversed, and two faulty executors (`FAULTS`) are controls
that every claim on executors must reject.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from oracles.budget import Bound
from oracles.evidence import BadOutput, Refuted, Strength, Unsettled, climb, compared, record, spent

aten = torch.ops.aten
ROUNDOFF = {torch.float64: 2.0**-53, torch.float32: 2.0**-24, torch.bfloat16: 2.0**-8}
DTYPES = tuple(ROUNDOFF)
TF32_ROUNDOFF = 2.0**-11
ACCELERATORS = ("cuda", "xpu", "mps")
GOLDEN = -7046029254386353131  # 2^64 / golden ratio as an int64: Knuth's multiplicative hash


@dataclass(frozen=True)
class Executor:
    """One device and dtype. u: roundoff of a stored result; u_sum: of the accumulator inside a product or a sum."""

    device: str
    dtype: torch.dtype
    note: str = ""
    u: float = 0.0
    mode: Callable[[], AbstractContextManager[Any]] = nullcontext

    def __post_init__(self) -> None:
        object.__setattr__(self, "u", self.u or ROUNDOFF[self.dtype])

    @property
    def u_sum(self) -> float:
        return min(self.u, ROUNDOFF[torch.float32]) if self.dtype is torch.bfloat16 else self.u

    @property
    def arithmetic(self) -> str:
        return f"{str(self.dtype).removeprefix('torch.')} {self.note}".strip()

    def run(self, f: Callable[..., Tensor], inputs: tuple[Any, ...]) -> Tensor:
        """f on the inputs as this executor stores them. Raises `BadOutput` unless a tensor of its dtype comes back."""
        placed = tuple(self._place(x) for x in inputs)
        with self.mode():
            got = f(*placed)
        if not isinstance(got, Tensor):
            raise BadOutput(f"returned {type(got).__name__} on {self}, expected a tensor")
        if got.dtype != self.dtype or got.device.type != self.device:
            raise BadOutput(
                f"returned {got.dtype} on {got.device.type} for inputs in {self.dtype} on {self.device}: take both from the inputs"
            )
        return got.detach()

    def _place(self, x: Any) -> Any:
        if not isinstance(x, Tensor):
            return x
        if not x.is_floating_point():
            return x.to(self.device, copy=True)
        placed = x.to(self.dtype, copy=True)  # a subject may write into its inputs
        if not torch.equal(placed.double(), x.double()):
            raise Unsettled(f"an input is not representable in {self.dtype}: draw it dyadic, so that every dtype sees the same number")
        return placed.to(self.device)

    def __str__(self) -> str:
        return f"{self.device} {self.arithmetic}"


@dataclass(frozen=True, repr=False)
class Executors:
    """The executors of a run, and the devices that it cannot use, each with the reason."""

    present: tuple[Executor, ...]
    absent: tuple[tuple[str, str], ...] = ()
    names: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Executors({', '.join(map(str, self.present))})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    @classmethod
    def available(cls, only: tuple[str, ...] = (), fault: str = "") -> Executors:
        """Every executor of this machine. only: these devices. fault: run all of them through that faulty executor."""
        present: list[Executor] = []
        absent, names = [], {}
        for device in ("cpu", *ACCELERATORS):
            why = unavailable(device) or (f"not among --device {' '.join(only)}" if only and device not in only else "")
            if why:
                if device in ("cpu", "cuda") or device in only:
                    absent.append((device, why))
                continue
            names[device] = describe(device)
            dtypes = DTYPES if device != "mps" else (torch.float32,)
            present += [Executor(device, dtype, mode=full_precision if device == "cuda" else nullcontext) for dtype in dtypes]
            if device == "cpu":
                present += [Executor("cpu", dtype, "reassociated", mode=Reassociated) for dtype in DTYPES]
            if device == "cuda":
                present.append(Executor("cuda", torch.float32, "tf32", u=TF32_ROUNDOFF, mode=tf32))
        if fault:
            present = [Executor(e.device, e.dtype, f"{e.note} {fault}".strip(), e.u, FAULTS[fault]) for e in present if e.note == ""]
        return cls(tuple(present), tuple(absent), names)

    def only(self, dtype: torch.dtype) -> Executors:
        return replace(self, present=tuple(executor for executor in self.present if executor.dtype is dtype))

    def hold(self, what: str, f: Callable[..., Tensor], inputs: tuple[Any, ...], bound: Bound) -> None:
        """f(*inputs) is within the bound's budget on every executor, and every device within both budgets of the CPU.

        Executors too coarse for the exponents of this case are left out of it (`Bound.resolves`). Raises `Refuted` at the worst entry, `BadOutput` where the subject returns something of another shape.
        """
        current = record()
        current.devices.update(self.names)
        for device, why in self.absent:
            for dtype in DTYPES:
                current.row(device, str(dtype).removeprefix("torch.")).not_run = why
        worst, sentence, sound = -1.0, "", {}
        judged = [executor for executor in self.present if bound.resolves(executor)]
        if not judged:
            raise Unsettled(f"{what}: exponents up to {bound.exponent:.3g} are beyond every executor: draw smaller values")
        for executor in judged:
            got = executor.run(f, inputs)
            if got.shape != bound.truth.shape:
                raise BadOutput(f"{what}: returned shape {tuple(got.shape)} on {executor}, expected {tuple(bound.truth.shape)}")
            got = got.cpu().double()
            allowed = bound.allowed(executor)
            share, at = largest_share((got - bound.truth).abs(), allowed)
            place = f"{what} at {list(at)}" if at else what
            compared(got.numel(), device=executor.device, arithmetic=executor.arithmetic, strength=Strength.BUDGET)
            residual = largest_share((got - bound.truth).abs(), bound.scale)[0]
            spent(what, share, device=executor.device, arithmetic=executor.arithmetic, residual=residual, at=f"at {list(at)}" if at else "")
            row = current.row(executor.device, executor.arithmetic)
            row.sees = min(row.sees or torch.inf, sharpest(allowed, bound.truth))
            if share > worst:
                worst = share
                sentence = (
                    f"{place}: {share:.3g} x the error budget on {executor}: got {got[at]:.9g}, "
                    f"truth {bound.truth[at]:.9g}, allowed error {allowed[at]:.2g}; all entries together are off by {relative(got, bound.truth):.2g}"
                )
            if executor.note == "" and executor.device == "cpu":
                sound[executor.dtype] = (executor, got, allowed)
            elif executor.dtype in sound:
                cpu, expected, room = sound[executor.dtype]
                share, at = largest_share((got - expected).abs(), allowed + room)
                row.agreement = max(row.agreement or 0.0, share)
                if share > worst:
                    worst = share
                    sentence = f"{what} at {list(at)}: {executor} and {cpu} differ by {share:.3g} x their budgets: {got[at]:.9g} and {expected[at]:.9g}"
        climb(what, worst)
        if worst > 1:
            raise Refuted(sentence)


def largest_share(error: Tensor, allowed: Tensor) -> tuple[float, tuple[int, ...]]:
    """The largest error / allowed and its index. NaN and an error where none is allowed count as infinite."""
    share = torch.where(error == 0, 0.0, error / allowed).nan_to_num(nan=torch.inf, posinf=torch.inf)
    flat = int(share.argmax())
    return float(share.flatten()[flat]), tuple(int(i) for i in torch.unravel_index(torch.tensor(flat), share.shape))


def relative(got: Tensor, truth: Tensor) -> float:
    """|got - truth| / |truth| in the Frobenius norm: the size of a mistake, whatever the budget. Infinite where the truth is all zeros."""
    return float(torch.linalg.vector_norm(got - truth) / torch.linalg.vector_norm(truth)) if truth.any() else torch.inf


def sharpest(allowed: Tensor, truth: Tensor) -> float:
    """The smallest relative error that a comparison of these entries can catch; infinite where the truth is all zeros."""
    return float(torch.where(truth == 0, torch.inf, allowed / truth.abs()).min())


def unavailable(device: str) -> str:
    """Why `device` cannot be used here; empty where it can."""
    if device == "cpu":
        return ""
    if device not in ACCELERATORS:
        return f"there is no such device; use {', '.join(('cpu', *ACCELERATORS))}"
    backend = torch.backends.mps if device == "mps" else getattr(torch, device, None)
    return "" if backend is not None and backend.is_available() else f"no {device.upper()} device"


def describe(device: str) -> str:
    """Name of the device and of what drives it, as a reader of the report needs it."""
    if device == "cuda":
        return f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}, torch {torch.__version__}"
    return f"{device}, torch {torch.__version__}"


@contextmanager
def full_precision() -> Iterator[None]:
    """CUDA without TF32 and without reduced-precision accumulation, so that u and u_sum are what they claim."""
    with _cuda_settings(allow_tf32=False):
        yield


@contextmanager
def tf32() -> Iterator[None]:
    with _cuda_settings(allow_tf32=True):
        yield


@contextmanager
def _cuda_settings(allow_tf32: bool) -> Iterator[None]:
    matmul = torch.backends.cuda.matmul
    before = (matmul.allow_tf32, matmul.allow_bf16_reduced_precision_reduction)
    matmul.allow_tf32, matmul.allow_bf16_reduced_precision_reduction = allow_tf32, False
    try:
        yield
    finally:
        matmul.allow_tf32, matmul.allow_bf16_reduced_precision_reduction = before


class Reassociated(TorchDispatchMode):
    """Every sum in reverse order: a second, equally correct way to round the same formula."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        if func in (aten.mm.default, aten.bmm.default):
            return func(args[0].flip(-1), args[1].flip(-2))
        if func in (aten.mv.default, aten.dot.default):
            return func(args[0].flip(-1), args[1].flip(-1))
        if func is aten.sum.dim_IntList and args[1]:
            return func(args[0].flip(args[1]), *args[1:], **(kwargs or {}))
        if func is aten.sum.default:
            return func(args[0].flip(tuple(range(args[0].dim()))), **(kwargs or {}))
        return func(*args, **(kwargs or {}))


class TruncatesLikeTF32(TorchDispatchMode):
    """Fault: operands lose the mantissa bits that TF32 drops (10 are kept), while the result claims its dtype."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        return func(*(truncated(x) if isinstance(x, Tensor) else x for x in args), **(kwargs or {}))


def truncated(x: Tensor) -> Tensor:
    kept = 10
    if x.dtype is torch.float32:
        return (x.view(torch.int32) & ~((1 << (23 - kept)) - 1)).view(torch.float32)
    if x.dtype is torch.float64:
        return (x.view(torch.int64) & ~((1 << (52 - kept)) - 1)).view(torch.float64)
    return x


class CorruptsOneIn1000(TorchDispatchMode):
    """Fault: one result in 10^3 is off by 1/16 of itself. Which ones depends on their bits alone, so a case can be replayed.

    A quick run of a claim computes a few times 10^4 numbers, many of them equal or zero: a rarer fault would often not occur.
    """

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        got = func(*args, **(kwargs or {}))
        if isinstance(got, Tensor) and got.dtype in (torch.float32, torch.float64) and not func.is_view:
            bits = got.view(torch.int32 if got.dtype is torch.float32 else torch.int64).long()
            chosen = (bits * GOLDEN).bitwise_right_shift(20) % 1000 == 0
            got = torch.where(chosen, got * (1 + 1 / 16), got)
        return got


# For claims about a closed form and not about a program: one executor, and none of the faulty ones.
DOUBLE = Executor("cpu", torch.float64)
FLOAT64 = Executors((DOUBLE,))

FAULTS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "executor-truncates-like-tf32": TruncatesLikeTF32,
    "executor-corrupts-one-in-1000": CorruptsOneIn1000,
}
