"""What the handlers of operators share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from torch import Tensor

from costmodel.capture.operator_costs import ELEMENTWISE, REDUCTIONS, REPEATS
from costmodel.capture.torch.tape import first_tensor, sample, tensors
from costmodel.core.layers import Operation
from costmodel.core.values import NO_OPS, Params, Shape

if TYPE_CHECKING:
    from costmodel.capture.torch.dispatch import Recorder

#: The arguments of an operator by the names of its schema, defaults filled in.
Arguments: TypeAlias = dict[str, Any]
#: Writes down one call of an operator: the recorder, the operator's name, its arguments, what came out.
Handler: TypeAlias = "Callable[[Recorder, str, Arguments, Any], None]"


def known_among(recorder: Recorder, args: object) -> list[Tensor]:
    """The tensors among ``args`` that something made, or that the module holds; plain constants stay out."""
    return [tensor for tensor in tensors(args) if recorder.step(tensor) is not None or recorder.is_held(tensor)]


def arithmetic(recorder: Recorder, name: str, args: object, out: Any) -> None:
    """An operation that is its name and its arithmetic; on constants alone, it is a constant."""
    made, reads = first_tensor(out), known_among(recorder, args)
    if made is None or not reads:
        return
    if name in REPEATS:
        work = NO_OPS
    elif name in ELEMENTWISE:
        work = ELEMENTWISE[name] * made.numel()
    else:
        work = REDUCTIONS[name] * tensors(args)[0].numel()
    recorder.add(name.strip("_"), Operation(name.strip("_"), sample(made.shape), work), reads, made)
    also(recorder, out, made)


def also(recorder: Recorder, out: Any, made: Tensor) -> None:
    """The other results of an operator, such as the indices beside a maximum."""
    for other in tensors(out):
        if other is not made:
            recorder.same(other, made)


def stored_ones(recorder: Recorder, weight: Tensor, bias: Tensor | None) -> Params:
    return recorder.claim("weight", weight) + recorder.claim("bias", bias)


def computed_ones(recorder: Recorder, *stored: Tensor | None) -> list[Tensor]:
    """Those of a layer's weights and biases that the module does not hold, but makes: they are read like any input."""
    return [tensor for tensor in stored if tensor is not None and not recorder.is_held(tensor)]


def batched(x: Tensor, rank: int) -> tuple[int, Shape]:
    """How many samples of ``rank`` spatial sizes ``x`` holds, and its shape as a layer reads it."""
    sizes = tuple(x.shape)
    if len(sizes) == rank + 1:
        return 1, Shape.of(sizes)
    return (1, Shape.of(sizes[1:])) if sizes[0] == 1 else (sizes[0], Shape.of(sizes))


def each(values: Sequence[int], rank: int) -> tuple[int, ...]:
    return tuple(values) * rank if len(values) == 1 else tuple(values)
