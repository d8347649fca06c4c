"""What a file says of its inputs, and what the user says of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from onnx import GraphProto, TensorProto, ValueInfoProto
from onnx.helper import tensor_dtype_to_np_dtype

from costmodel.capture.input_spec import InputSpec, parse_inputs
from costmodel.capture.onnx.tensor import DTYPES, MOST_VALUES, Tensor, checked, of_array
from costmodel.core.graph import Node
from costmodel.core.layers import Input
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError, nearest


def input_tensors(graph: GraphProto, initializers: Mapping[str, Tensor], given: object) -> dict[str, Tensor]:
    """The inputs of ``graph`` by name, of the sizes that it has and those that the user gave."""
    values = [value for value in graph.input if value.name not in initializers]
    wanted = _by_name(values, given)
    names: dict[str, int] = {}
    for value in values:
        if value.name in wanted:
            _bind(value, wanted[value.name], names)
    return {value.name: _tensor(value, wanted.get(value.name), names) for value in values}


def batch_inputs(graph: GraphProto, letter: str) -> list[InputSpec]:
    """The inputs of ``graph`` with ``letter`` for the first size of each, where the file leaves that open.

    Raises :class:`~costmodel.errors.CostModelError` where it leaves others open too, or none.
    """
    initializers = {proto.name for proto in graph.initializer}
    values = [value for value in graph.input if value.name not in initializers]
    specs = []
    for value in values:
        dims = _dims(value) or [0]
        is_open = isinstance(dims[0], str)
        sizes = _open(value, [1, *dims[1:]] if is_open else _dims(value), {})
        letters = (letter, *("",) * (len(sizes) - 1)) if is_open else ()
        specs.append(InputSpec(Shape.of(sizes), name=value.name, letters=letters))
    if not any(spec.letters for spec in specs):
        raise CostModelError(f"it fixes the first size of what it reads: {_listed(values)}; export it with an open one")
    return specs


def _by_name(values: Sequence[ValueInfoProto], given: object) -> dict[str, InputSpec]:
    known = [value.name for value in values]
    if isinstance(given, Mapping):
        named = {name: _one(name, sizes) for name, sizes in given.items()}
    else:
        specs = parse_inputs(given)
        if specs is None:
            raise CostModelError(
                f"the input {given!r:.60} says no sizes; give them with the batch, as in [(1, 3, 640, 640)]"
            )
        named = {spec.name: spec for spec in specs if spec.name}
        rest = [spec for spec in specs if not spec.name]
        free = [name for name in known if name not in named]
        if len(rest) > len(free):
            raise CostModelError(f"{len(specs)} inputs are given, and it reads {len(known)}: {_listed(values)}")
        named |= dict(zip(free, rest, strict=False))
    for name in named:
        if name not in known:
            raise CostModelError(f"it reads no input {name!r:.60}; {nearest(name, known)}it reads {_listed(values)}")
    return named


def _one(name: str, sizes: object) -> InputSpec:
    specs = parse_inputs(sizes) if sizes else None
    if specs is None or len(specs) != 1:
        raise CostModelError(f"{sizes!r:.60} are no sizes of {name}; give them with the batch, as in (1, 3, 640, 640)")
    return specs[0]


def _dims(value: ValueInfoProto) -> list[int | str] | None:
    """The sizes that the file says: a number, or a name, which may be empty; None where it does not say how many."""
    typed = value.type.tensor_type
    if not typed.HasField("shape"):
        return None
    return [
        dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else dim.dim_param for dim in typed.shape.dim
    ]


def _bind(value: ValueInfoProto, spec: InputSpec, names: dict[str, int]) -> None:
    """What the names of sizes stand for, by the sizes that were given for ``value``."""
    dims, sizes = _dims(value), spec.shape.sizes
    if dims is not None and len(dims) == len(sizes):
        names.update({dim: size for dim, size in zip(dims, sizes, strict=True) if isinstance(dim, str) and dim})


def _tensor(value: ValueInfoProto, spec: InputSpec | None, names: Mapping[str, int]) -> Tensor:
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        raise CostModelError(f"its input {value.name!r:.60} is a {kind or 'nothing'}, and only tensors have a size")
    type_ = value.type.tensor_type.elem_type
    if type_ not in DTYPES or type_ == TensorProto.UNDEFINED:
        raise CostModelError(f"its input {value.name!r:.60} is of no type that the standard has; the file is damaged")
    dims = _dims(value)
    sizes = checked(_open(value, dims, names) if spec is None else _given(value, dims, spec), value.name)
    if spec is not None and spec.value is not None and math.prod(sizes) <= MOST_VALUES:
        return of_array(np.full(sizes, spec.value, tensor_dtype_to_np_dtype(type_)))
    tensor = Tensor(sizes, type_)
    tensor.node = Node(value.name or "input", Input(tensor.shape), (), (), tensor.shape, tensor.dtype)
    return tensor


def _open(value: ValueInfoProto, dims: list[int | str] | None, names: Mapping[str, int]) -> list[int]:
    sizes: list[int] = []
    for axis, dim in enumerate(dims or ()):
        size = names.get(dim) if isinstance(dim, str) else dim
        if size is None:
            raise CostModelError(
                f"the file leaves size {axis + 1} of its input {_text(value)} open{f' ({dim})' if dim else ''};"
                f" give all of them, the batch among them: {_example(value)}"
            )
        sizes.append(size)
    if dims is None:
        raise CostModelError(f"the file does not say the sizes of its input {value.name}; give them: {_example(value)}")
    return sizes


def _given(value: ValueInfoProto, dims: list[int | str] | None, spec: InputSpec) -> tuple[int, ...]:
    # What has no size is one number, and is said so.
    sizes = () if dims == [] and spec.shape.sizes == (1,) else spec.shape.sizes
    fits = dims is None or (
        len(dims) == len(sizes)
        and all(isinstance(dim, str) or dim == size for dim, size in zip(dims, sizes, strict=True))
    )
    if not fits:
        raise CostModelError(
            f"{'x'.join(map(str, sizes))} is given for its input {_text(value)}; sizes that the file fixes cannot"
            " change, and the batch is one of them"
        )
    return sizes


def _text(value: ValueInfoProto) -> str:
    dims = _dims(value)
    return f"{value.name} ({'x'.join(str(dim or '?') for dim in dims)})" if dims else value.name


def _listed(values: Sequence[ValueInfoProto]) -> str:
    return ", ".join(map(_text, values))


def _example(value: ValueInfoProto) -> str:
    likely = (1, 3, 640, 640)
    dims = _dims(value) or likely
    sizes = [
        str(dim or 1) if isinstance(dim, int) else str(likely[axis] if len(dims) == 4 else 1)
        for axis, dim in enumerate(dims)
    ]
    return f"--input {value.name}={'x'.join(sizes)}"
