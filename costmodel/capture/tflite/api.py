"""``from_tflite``: a TFLite file as a network."""

from __future__ import annotations

import contextlib
import mmap
import os
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from costmodel.capture.input_spec import parse_inputs
from costmodel.core.network import Network
from costmodel.errors import CostModelError, missing_package, type_name

if TYPE_CHECKING:
    from costmodel.capture.tflite.flatbuffer import FileGraph


def from_tflite(
    model: str | os.PathLike[str] | bytes, inputs: object = (), *, name: str = "", allow_uncounted: bool = False
) -> Network:
    """The network that a TFLite file is: a path, or the bytes of one.

    Its first subgraph is the model. Sizes and types are the file's, the features last, as TFLite has them; ``inputs``
    may repeat the sizes of one sample, ``(224, 224, 3)``, and must then equal the file's. An activation that an
    operator computes as well is a node of its own that writes over what the operator made. Parameters are the constants
    that arithmetic reads, each once; a single value is a factor of its author's, and counts as a buffer.

    Raises :class:`~costmodel.errors.CostModelError` for what is no TFLite file or a damaged one, and for operators that
    nobody has decided on, all of them at once (``allow_uncounted`` puts layers of kind ``uncounted`` in their place).

    >>> import costmodel as cm
    >>> cm.from_tflite(b"PK, the first bytes of a zip file", name="model.zip")
    Traceback (most recent call last):
        ...
    costmodel.errors.CostModelError: model.zip: this is no TFLite file, which has TFL3 as its bytes 5 to 8; give the ...
    """
    title = name or ("tflite" if isinstance(model, bytes) else os.path.basename(os.fspath(model)))
    try:
        from costmodel.capture.tflite.flatbuffer import read
    except ModuleNotFoundError as missing:
        raise missing_package(title, missing.name) from None
    try:
        with _bytes(model) as data:
            graph = read(data)
            network = Network(_output(graph, allow_uncounted), title, {}, "read from a TFLite file")
    except CostModelError as error:
        raise error.at(title) from None
    _check_inputs(network, inputs)
    return network


@contextlib.contextmanager
def _bytes(model: Any) -> Iterator[Any]:
    """The bytes of the file; a large one is not loaded."""
    if isinstance(model, (bytes, bytearray, memoryview)):
        yield bytes(model)
        return
    if not isinstance(model, (str, os.PathLike)):
        raise CostModelError(f"from_tflite takes a path or the bytes of a file, not {type_name(model)}")
    try:
        with open(model, "rb") as file:
            empty = not os.fstat(file.fileno()).st_size
            yield b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise CostModelError(f"cannot be read: {(error.strerror or str(error)).lower()}; name a file") from None


def _output(graph: FileGraph, allow_uncounted: bool) -> Any:
    from costmodel.capture.tflite.builder import Builder
    from costmodel.capture.tflite.operators import HANDLERS, PREPARES, REARRANGES

    builder = Builder(graph)
    unknown: defaultdict[str, list[str]] = defaultdict(list)
    for number, operator in enumerate(graph.operators, start=1):
        call = builder.call(number, operator)
        if operator.name in PREPARES:
            continue
        try:
            if operator.name in REARRANGES and call.constant[:1] == (True,):
                builder.same(call)
            elif operator.name == "READ_VARIABLE":
                builder.state(call)
            elif operator.name in HANDLERS:
                builder.write(call, HANDLERS[operator.name](call))
            else:
                unknown[operator.name].append(builder.place(call))
                builder.uncounted(call)
        except CostModelError as error:
            raise error.at(builder.place(call)) from None
    if unknown and not allow_uncounted:
        raise _undecided(unknown)
    return builder.output()


def _undecided(unknown: dict[str, list[str]]) -> CostModelError:
    listed = ", ".join(f"{len(places)} {name} ({places[0]})" for name, places in unknown.items())
    return CostModelError(
        f"nobody has decided what these operators cost: {listed:.300}; --allow-uncounted (allow_uncounted=True) counts"
        " the rest and says what is missing"
    )


def _check_inputs(network: Network, inputs: object) -> None:
    """Sizes that a user gives are those that the file has."""
    given = parse_inputs(inputs)
    if given is None:
        raise CostModelError(f"the input of a TFLite file is {type_name(inputs)}; give sizes, as in (224, 224, 3)")
    asked = [spec.shape.sizes for spec in given]
    if asked and asked != [shape.sizes for shape in network.inputs]:
        built, wanted = (" and ".join(map(str, shapes)) for shapes in (network.inputs, [spec.shape for spec in given]))
        raise CostModelError(
            f"{network.name} is made for {built}, not for {wanted}; convert it for that, or leave it out"
        )
