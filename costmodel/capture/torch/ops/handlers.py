"""From each operator of PyTorch to a layer: handlers for those with choices of their own, tables for the rest."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from costmodel.capture.operator_costs import COPIES, CREATIONS, ELEMENTWISE, MOVES, READS, REDUCTIONS, REPEATS
from costmodel.capture.torch.ops.handler_utils import Handler, arithmetic, known_among, moved
from costmodel.capture.torch.ops.linalg import LINALG
from costmodel.capture.torch.ops.matmul import PRODUCTS
from costmodel.capture.torch.ops.norm import NORMS
from costmodel.capture.torch.ops.pointwise import OTHERS
from costmodel.capture.torch.tensors import name_of, tensors

if TYPE_CHECKING:
    from costmodel.capture.torch.tape import Tape

#: Writes down one call as PyTorch dispatches it: positional and keyword arguments, defaults left out.
Writer: TypeAlias = "Callable[[Tape, Any, tuple[Any, ...], dict[str, Any], Any], None]"

HANDLERS: dict[str, Handler] = {**PRODUCTS, **LINALG, **NORMS, **OTHERS}


@cache
def handler(func: Any) -> Writer | Literal["creation", "lift", "read", "unknown"] | None:
    """How to write down a call of ``func``; None for a view, which is the same values in the same place."""
    if any(result.alias_info is not None and not result.alias_info.is_write for result in func._schema.returns):
        return None
    name = name_of(func)
    if func.namespace in ("profiler", "prim"):  # marks in a log, questions about a tensor
        return None
    if func.namespace not in ("aten", "prims"):
        return "unknown"
    if name in CREATIONS:
        return "creation"
    if name == "lift_fresh":
        return "lift"
    if name in READS:
        return "read"
    if name in HANDLERS:
        return _with_names(HANDLERS[name])
    if name in MOVES:
        return _moved
    if name in ELEMENTWISE or name in REDUCTIONS or name in REPEATS:
        return _counted
    return "unknown"


def _with_names(handle: Handler) -> Writer:
    """A handler that gets its arguments by the names of the schema, with the defaults filled in."""

    def called(tape: Tape, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        declared = func._schema.arguments
        given = {argument.name: argument.default_value for argument in declared}
        given.update(zip((argument.name for argument in declared), args, strict=False))
        given.update(kwargs)
        handle(tape, name_of(func), given, output)

    return called


def _counted(tape: Tape, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
    arithmetic(tape, name_of(func), (args, kwargs), output)


def _moved(tape: Tape, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
    reads, results = known_among(tape, (args, kwargs)), tensors(output)
    if reads and results:
        name = name_of(func)
        moved(tape, "copy" if name in COPIES else name.removesuffix("_copy"), reads, *results)
