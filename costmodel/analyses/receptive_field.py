"""The part of the input that each position of a layer sees, how far apart those parts are, and where the first begins.

Position ``i`` of an axis sees ``size`` positions of the input, from ``i * stride - padding`` on. A window with kernel
``k``, stride ``s``, dilation ``d`` and ``p`` zeros before makes of them (Araujo, Norris, Sim, 2019: "Computing
receptive fields of convolutional neural networks", Distill)::

    size + d * (k - 1) * stride,    stride * s,    padding + p * stride
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from costmodel.capture.operator_costs import ACTIVATIONS, ELEMENTWISE
from costmodel.core.graph import Node
from costmodel.core.layers import (
    Activation,
    AdaptiveAveragePool,
    Add,
    BatchNorm,
    ChannelShuffle,
    ChannelSlice,
    Concat,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    GroupNorm,
    Input,
    LayerNorm,
    Linear,
    Move,
    Operation,
    Outputs,
    Pool,
    Scale,
    Shapes,
    TransposedConv,
    ZeroPad,
)
from costmodel.core.layers.window import same_sides
from costmodel.core.network import Network

#: A number where every axis has the same, or one an axis; None where there is none.
EachAxis: TypeAlias = "int | tuple[int, ...] | None"

#: Layers that see, at each position, that position of what they read.
_POINTWISE = (Activation, Add, BatchNorm, ChannelShuffle, ChannelSlice, Concat, Dropout, Linear, Scale)
#: Operators that cost so much a value, and yet read others than the one at their own position.
_ELSEWHERE = {"grid_sampler_2d", "grid_sampler_3d", "addr", "linalg_cross", "bucketize", "searchsorted", "isin"}
_POINTWISE_NAMES = {*ELEMENTWISE, *ACTIVATIONS, "copy", "where", "masked_fill"} - _ELSEWHERE


class _Window(NamedTuple):
    """What a position sees of the layer below on one axis: so many positions, every ``stride``, zeros before."""

    extent: int = 1
    stride: int = 1
    before: int = 0


class _Axis(NamedTuple):
    """What a position sees of the input on one axis."""

    size: int = 1
    stride: int = 1
    padding: int = 0

    def through(self, window: _Window) -> _Axis:
        return _Axis(
            self.size + (window.extent - 1) * self.stride,
            self.stride * window.stride,
            self.padding + window.before * self.stride,
        )

    @property
    def aligned_by(self) -> tuple[int, int]:
        """Stride, and twice the center of what the first position sees: paths that share both see around one center."""
        return self.stride, self.size - 1 - 2 * self.padding


#: What a position sees, an axis each; or why that is no window of the input.
_Field: TypeAlias = "tuple[_Axis, ...] | str"
_NO_INPUT = "it does not depend on the input"


class ReceptiveField(NamedTuple):
    """What each position of one operation sees of the input.

    ``effective_padding`` is how far the first position's part begins before the input. A tuple where the axes differ;
    all None where ``reason`` says why there is no such window.
    """

    node: Node
    receptive_field: EachAxis = None
    effective_stride: EachAxis = None
    effective_padding: EachAxis = None
    reason: str = ""

    @property
    def name(self) -> str:
        """Dotted name of the operation."""
        return self.node.name


def receptive_field(network: Network) -> tuple[ReceptiveField, ...]:
    """The receptive field of each operation: the largest over all paths from the input, padding counted as input.

    An operation has none, and a ``reason``, where it sees all positions (a global pool, attention), where the paths
    that lead into it do not align (their strides, or the centers of what they see, differ), after an operation that is
    no sliding window, and from such an operation on.

    Raises :class:`~costmodel.errors.CostModelError` for a network with several inputs.

    >>> import costmodel as cm
    >>> last = [row for row in cm.mobilenet_v1().receptive_field() if not row.reason][-1]
    >>> last.name, last.receptive_field, last.effective_stride, last.effective_padding
    ('features.13.pointwise.activation', 315, 32, 157)
    """
    rank = len(network.input.spatial)
    fields: dict[Node, _Field] = {}
    for node in network.nodes:
        fields[node] = (_Axis(),) * rank if isinstance(node.layer, Input) else _field(node, fields)
    return tuple([_row(node, fields[node]) for node in network.ledger.operations])


def _row(node: Node, field: _Field) -> ReceptiveField:
    if isinstance(field, str):
        return ReceptiveField(node, reason=field)
    size, stride, padding = map(_each_axis, zip(*field, strict=True))
    return ReceptiveField(node, size, stride, padding)


def _each_axis(numbers: tuple[int, ...]) -> EachAxis:
    return numbers[0] if len(set(numbers)) == 1 else numbers


def _field(node: Node, fields: dict[Node, _Field]) -> _Field:
    read = [(source, fields[source]) for source in node.inputs if fields[source] != _NO_INPUT]
    if isinstance(node.layer, Outputs):
        return fields[node.inputs[0]]
    if not read:
        return _NO_INPUT
    for _, field in read:
        if isinstance(field, str):
            return field
    if node.layer.most_inputs == 1 and any(source is not node.inputs[0] for source, _ in read):
        return f"the weights of {node.name} depend on the input"
    if viewed := [source for source in node.inputs if _is_another_view(node, source)]:
        return f"{node.name} reads a view of {viewed[0].name} with other positions"
    joined = _joined(node, [(source, field) for source, field in read if not isinstance(field, str)])
    windows = _windows(node)
    if isinstance(joined, str) or isinstance(windows, str):
        return joined if isinstance(joined, str) else f"{node.name} {windows}"
    if not windows:
        return joined
    if len(windows) != len(joined):
        return f"{node.name} slides over {len(windows)} axes, the input has {len(joined)}"
    return tuple([axis.through(window) for axis, window in zip(joined, windows, strict=True)])


def _is_another_view(node: Node, source: Node) -> bool:
    """Whether ``node`` reads other positions of ``source`` than it made; one position stays one in any view."""
    made = [value.shape for value in source.values]
    views = [shape for read, shape in zip(node.inputs, node.input_shapes, strict=True) if read is source]
    return any(
        all(shape.spatial != other.spatial and max(shape.positions, other.positions) > 1 for other in made)
        for shape in views
    )


def _joined(node: Node, read: list[tuple[Node, tuple[_Axis, ...]]]) -> _Field:
    """The widest of the fields that lead into one node, which holds the others where they align."""
    (first, field), *others = read
    for source, other in others:
        if len(other) != len(field) or any(
            one.aligned_by != two.aligned_by for one, two in zip(field, other, strict=True)
        ):
            return (
                f"the paths into {node.name} do not align: {first.name} sees {_said(field)}, {source.name}"
                f" {_said(other)}"
            )
    return max([field, *(other for _, other in others)])


def _said(field: tuple[_Axis, ...]) -> str:
    size, stride, padding = ("x".join(map(str, numbers)) for numbers in zip(*field, strict=True))
    return f"{size} with stride {stride} and padding {padding}"


def _windows(node: Node) -> tuple[_Window, ...] | str:
    """The window of ``node`` on each axis; none where each position sees itself alone; or why there is no window."""
    windows = _windows_of(node, node.sample[0])
    if node.provenance.times > 1 and not isinstance(windows, str) and windows:
        return (_Window(), *windows)  # it runs for each place of the first axis on its own
    return windows


def _windows_of(node: Node, inputs: Shapes) -> tuple[_Window, ...] | str:
    sizes = inputs[0].spatial
    match node.layer:
        case Conv(kernel=kernel, stride=stride, dilation=dilation, padding=padding):
            extents = tuple([d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)])
            if padding == "same":
                padding = tuple(map(same_sides, sizes, kernel, stride, dilation))
            return tuple(map(_Window, extents, stride, [before for before, _ in padding]))
        case Pool(kernel=kernel, stride=stride, padding=padding):
            return tuple(map(_Window, kernel, stride, [before for before, _ in padding]))
        case ZeroPad(padding=padding):
            return tuple([_Window(before=before) for before, _ in padding])
        case TransposedConv(kernel=kernel, stride=stride, dilation=dilation, padding=cut) if cut != "same":
            if max(stride) > 1:
                return "is a transposed convolution with a stride: what a position sees depends on the position"
            reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
            return tuple([_Window(far + 1, 1, far - before) for far, (before, _) in zip(reach, cut, strict=True)])
        case _ if inputs[0].positions == 1 and node.shape.positions == 1:
            return ()  # nothing to see but the one position there is
        case AdaptiveAveragePool(sizes=outputs) if max(outputs) > 1:
            if any(size % count for size, count in zip(sizes, outputs, strict=True)):
                return "pools windows of unequal sizes"
            return tuple([_Window(size // count, size // count) for size, count in zip(sizes, outputs, strict=True)])
        case GlobalAveragePool() | AdaptiveAveragePool() | Flatten() | GroupNorm():
            return "sees every position"
        case LayerNorm(axes=axes):
            return () if axes == 1 and inputs[0].axis == len(sizes) else "sees every position"
        case Operation(name=name) | Move(name=name) if name in _POINTWISE_NAMES:
            same = all(shape.spatial == node.shape.spatial or shape.positions == 1 for shape in inputs)
            return () if same else "reads values of several sizes"
        case layer if isinstance(layer, _POINTWISE):
            return ()
    return f"({node.kind}) has no rule for what a position sees"
