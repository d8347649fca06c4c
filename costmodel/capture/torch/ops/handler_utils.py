"""What the handlers of operators share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from torch import Tensor

from costmodel.capture.operator_costs import COMPLEX, ELEMENTWISE, REDUCTIONS, REPEATS
from costmodel.capture.torch.tensors import first_tensor, storage, tensors
from costmodel.core.counts import NO_OPS, Params
from costmodel.core.layers import Move, Operation
from costmodel.core.shape import Shape

if TYPE_CHECKING:
    from costmodel.capture.torch.tape import Tape

#: The arguments of an operator by the names of its schema, defaults filled in.
Arguments: TypeAlias = dict[str, Any]
#: Writes down one call of an operator: the tape, the operator's name, its arguments, what came out.
Handler: TypeAlias = "Callable[[Tape, str, Arguments, Any], None]"


def known_among(tape: Tape, args: object) -> list[Tensor]:
    """The tensors among ``args`` that something made, or that the module holds; plain constants stay out."""
    return [tensor for tensor in tensors(args) if tape.entry(tensor) is not None or tape.is_stored(tensor)]


def arithmetic(tape: Tape, name: str, args: object, output: Any) -> None:
    """An operation that is its name and its arithmetic; on constants alone, it is a constant."""
    made, reads = first_tensor(output), known_among(tape, args)
    if made is None or not reads:
        return
    complexes = name in COMPLEX and any(tensor.is_complex() for tensor in (made, *reads))
    if name in REPEATS:
        work = NO_OPS
    elif complexes:
        work = COMPLEX[name] * made.numel()
    elif name in ELEMENTWISE:
        work = ELEMENTWISE[name] * made.numel()
    else:
        work = REDUCTIONS[name] * tensors(args)[0].numel()
    tape.add(
        name.strip("_"),
        Operation(name.strip("_"), tape.output_shape(made, reads), work),
        reads,
        made,
        others=rest(output, made),
        real=complexes,
    )


def rest(output: Any, made: Tensor) -> list[Tensor]:
    """The other results of an operator, such as the indices of a maximum."""
    if output is made:
        return []
    return [other for other in tensors(output) if other is not made and other.numel()]


def moved(tape: Tape, name: str, reads: Sequence[Tensor], output: Tensor, *others: Tensor) -> None:
    """Values in new memory: an operation that computes nothing. A view is none, nor is a constant that was moved."""
    sources = list({id(tape.source(tensor)[0]): tensor for tensor in reads}.values())
    if len(sources) == 1 and (tape.is_constant(sources[0]) or _is_view(output, sources[0])):
        for result in (output, *others):
            tape.same(result, sources[0])
    else:
        tape.add(name, Move(name, tape.output_shape(output, sources)), sources, output, others=others)


def _is_view(output: Tensor, source: Tensor) -> bool:
    return output is not source and storage(output) == storage(source)


def stored_ones(tape: Tape, weight: Tensor, bias: Tensor | None) -> Params:
    return tape.claim("weight", weight) + tape.claim("bias", bias)


def computed_ones(tape: Tape, *stored: Tensor | None) -> list[Tensor]:
    """Those of a layer's weights and biases that the module does not hold, but makes: they are read like any input."""
    return [tensor for tensor in stored if tensor is not None and not tape.is_stored(tensor)]


def batched(x: Tensor, rank: int) -> tuple[int, Shape]:
    """How many samples of ``rank`` spatial sizes ``x`` holds, and its shape as a layer reads it."""
    sizes = tuple(x.shape)
    if len(sizes) == rank + 1:
        return 1, Shape.of(sizes)
    return (1, Shape.of(sizes[1:])) if sizes[0] == 1 else (sizes[0], Shape.of(sizes, axis=1))


def each(values: Sequence[int], rank: int) -> tuple[int, ...]:
    return tuple(values) * rank if len(values) == 1 else tuple(values)
