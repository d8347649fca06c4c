"""From a tape to a graph: padding folded into its convolution, names, the axis of the features, nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from torch.nn.modules.conv import _ConvNd

from costmodel.capture.torch.modules import ModuleCall
from costmodel.capture.torch.tape import Tape
from costmodel.capture.torch.tape_entry import TapeEntry
from costmodel.capture.torch.tensors import tensors
from costmodel.core.counts import NO_PARAMS
from costmodel.core.graph import Node
from costmodel.core.layers import Conv, Input, Move, Outputs, ZeroPad
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError


def graph(tape: Tape, calls: Sequence[ModuleCall], result: object) -> Node:
    """What the model made of its inputs, as the output node of a network.

    Raises :class:`~costmodel.errors.CostModelError` where there is nothing to count.
    """
    for key, stored in tape.stored.items():
        if key not in tape.claimed and stored.is_parameter:
            tape.source(stored.tensor)
    results = [tape.source(tensor)[0] for tensor in tensors(result)]
    entries = _with_padding_folded(tape.entries, calls, results)
    read = {id(entry) for reader in entries for entry in reader.reads}
    last_name = _name(entries, calls)
    ends = [entry for entry in entries if id(entry) not in read and _costs(entry)]
    last = list(dict.fromkeys([*results, *ends]))
    if not last:
        raise CostModelError("the model returns no tensor that costs anything; there is nothing to count")
    _settle_axes(entries)
    built: dict[int, Node] = {}
    for entry in entries:
        built[id(entry)] = _node(entry, tuple([built[id(source)] for source in entry.reads]))
    if len(last) == 1:
        return built[id(last[0])]
    nodes = tuple([built[id(entry)] for entry in last])
    shapes = tuple([node.shape for node in nodes])
    return Node(last_name, Outputs(), nodes, shapes, shapes[0], nodes[0].dtype, Outputs.alias)


def _node(entry: TapeEntry, reads: tuple[Node, ...]) -> Node:
    layer, provenance = entry.layer, entry.provenance
    if isinstance(layer, Input):
        layer = Input(entry.shape)
    node = Node(
        entry.name, layer, reads, entry.read_shapes, entry.shape, entry.dtype, entry.alias, provenance,
        tuple(entry.others), entry.slots,
    )  # fmt: skip
    # What follows from the layer is not said again.
    if provenance.stored is not None and provenance.stored == layer.params(node.sample[0]):
        return node._replace(provenance=provenance._replace(stored=None))
    return node


def _with_padding_folded(
    entries: Sequence[TapeEntry], calls: Sequence[ModuleCall], results: Sequence[TapeEntry]
) -> list[TapeEntry]:
    """Zeros that a convolution's own module puts around its input, for it alone, are the convolution's padding."""
    readers = Counter(id(read) for entry in entries for read in entry.reads) + Counter(map(id, results))
    for call in calls:
        if not isinstance(call.module, _ConvNd):
            continue
        for entry in call.entries:
            if not isinstance(entry.layer, Conv):
                continue
            pad = entry.reads[0]
            if isinstance(pad.layer, ZeroPad) and pad in call.entries and readers[id(pad)] == 1:
                _absorb(entry, pad)
            if call.module.padding == "same":
                _pad_by_name(entry)
        call.entries = [entry for entry in call.entries if not entry.absorbed]
    return [entry for entry in entries if not entry.absorbed]


def _absorb(entry: TapeEntry, pad: TapeEntry) -> None:
    """The convolution ``entry`` pads as well as ``pad``, which it reads first."""
    conv, zeros = entry.layer, pad.layer
    assert isinstance(conv, Conv)
    assert isinstance(zeros, ZeroPad)
    assert conv.padding != "same"
    pairs = zip(conv.padding, zeros.padding, strict=True)
    padding = tuple((low + before, high + after) for (low, high), (before, after) in pairs)
    entry.layer = replace(conv, padding=padding)
    entry.reads = (*pad.reads, *entry.reads[1:])
    entry.read_shapes = (*pad.read_shapes, *entry.read_shapes[1:])
    pad.absorbed = True


def _pad_by_name(entry: TapeEntry) -> None:
    """PyTorch pads by numbers where its author wrote ``"same"``, and some counters look at what was written."""
    assert isinstance(entry.layer, Conv)
    written = replace(entry.layer, padding="same")
    # As many places as it makes: of a batch, zeros around it may stand in what it reads already.
    rank = len(written.kernel)
    read = entry.read_shapes[0]
    read = Shape(read.channels, (*read.spatial[:-rank], *entry.shape.spatial[-rank:]), read.axis)
    reads, made = entry.provenance.once((read,), entry.shape)
    if written.output(reads) == made:
        entry.layer, entry.read_shapes = written, (read, *entry.read_shapes[1:])


def _settle_axes(entries: Sequence[TapeEntry]) -> None:
    """Where the features of an input stand is known from its readers alone; they come later on the tape."""
    for entry in reversed(entries):
        if not entry.axis_known:
            continue
        for place, read in enumerate(entry.reads):
            seen = entry.read_shapes[place]
            if read.axis_known or seen.sizes != read.shape.sizes:
                continue
            if entry.decides_axis:
                axis = seen.axis
            elif seen.sizes == entry.shape.sizes:
                axis = entry.shape.axis
            else:
                continue
            read.shape, read.axis_known = Shape.of(read.shape.sizes, axis), True
            shapes = [read.shape if other is read and shape.sizes == read.shape.sizes else shape
                      for other, shape in zip(entry.reads, entry.read_shapes, strict=True)]  # fmt: skip
            entry.read_shapes = tuple(shapes)


def _name(entries: Sequence[TapeEntry], calls: Sequence[ModuleCall]) -> str:
    """Gives every entry its name; what the modules are called comes first. Returns a name for their end."""
    taken: Counter[str] = Counter()
    for call in calls:
        main = _main(call)
        for entry in call.entries:
            own = entry is main and bool(call.path)
            entry.name = call.path if own else ".".join(filter(None, (call.path, entry.operator)))
            if not call.called_others and entry.reads:
                entry.provenance = entry.provenance._replace(module=call.kind, leading=call.leading, source=call.source)
    for entry in sorted(entries, key=lambda entry: isinstance(entry.layer, Input)):
        entry.name = _free(entry.name, taken)
    return _free("outputs", taken)


def _free(name: str, taken: Counter[str]) -> str:
    taken[name] += 1
    return name if taken[name] == 1 else f"{name}:{taken[name]}"


def _costs(entry: TapeEntry) -> bool:
    """Whether an entry that nobody reads belongs to the network: it works on a sample, or stores something."""
    return not entry.constant or bool(entry.reads) or entry.layer.params(entry.read_shapes) != NO_PARAMS


def _main(call: ModuleCall) -> TapeEntry | None:
    """The one entry that a module which calls no other is there for; it bears the module's name."""
    if call.called_others:
        return None
    # A copy on the way to it is not what it is there for.
    work = [entry for entry in call.entries if not isinstance(entry.layer, Move)] or call.entries
    if len(work) == 1:
        return work[0]
    multiply = [entry for entry in call.entries if entry.multiplies()]
    return multiply[0] if len(multiply) == 1 else None
