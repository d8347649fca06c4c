"""What each layer of Keras is, by the name of its class. One that stands in no table here stops the reading."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from costmodel.capture.keras.activations import LAYERS as ACTIVATIONS
from costmodel.capture.keras.attention import ATTENTION
from costmodel.capture.keras.call import Handler, Handlers, LayerCall, Made, UndecidedError
from costmodel.capture.keras.products import PRODUCTS
from costmodel.capture.keras.recurrent import RECURRENT
from costmodel.capture.operator_costs import ELEMENTWISE, REDUCTIONS
from costmodel.core.counts import Ops
from costmodel.core.layers import (
    AdaptiveAveragePool,
    Add,
    Alias,
    BatchNorm,
    Concat,
    GlobalAveragePool,
    GroupNorm,
    LayerNorm,
    Pool,
    Scale,
    ZeroPad,
)
from costmodel.core.layers.window import same_sides
from costmodel.core.shape import Shape

#: Inference leaves every value as it is.
_DROPS = (
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"),
    *("AlphaDropout", "GaussianDropout", "GaussianNoise"),
)
#: Only training changes values.
_TRAINING = (
    *("Identity", "ActivityRegularization", "RandAugment", "AugMix", "CutMix", "MixUp", "RandomBrightness"),
    *("RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomCrop", "RandomElasticTransform"),
    *("RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert"),
    *("RandomPerspective", "RandomPosterization", "RandomRotation", "RandomSaturation", "RandomSharpness"),
    *("RandomShear", "RandomTranslation", "RandomZoom"),
)


def _same(call: LayerCall) -> Made:
    if call.sizes != call.x.sizes:  # a random crop is a resize at inference
        raise UndecidedError(f"{type(call.keras).__name__} at inference, from {call.x.sizes} to {call.sizes}")
    return call.x


def _axes(call: LayerCall) -> list[int]:
    """The axes of a norm, of one sample."""
    axis = call.keras.axis
    rank = len(call.x.sizes)
    return sorted(one % (rank + 1) - 1 for one in (axis if isinstance(axis, (list, tuple)) else [axis]))


def _batch_norm(call: LayerCall) -> Made:
    (axis,) = _axes(call)
    layer = BatchNorm(call.keras.center or call.keras.scale)
    return call.add(layer, (), (call.x.shape(axis),), call.claim())


def _layer_norm(call: LayerCall) -> Made:
    rank, axes = len(call.x.sizes), _axes(call)
    if axes != list(range(rank - len(axes), rank)):
        raise UndecidedError(f"a layer norm over the axes {axes} of {rank}")
    if call.option("rms_scaling"):
        return _rms_norm(call)
    layer = LayerNorm(len(axes), bool(call.keras.scale), bool(call.keras.center))
    return call.add(layer, (), (call.x.shape(-1),), call.claim())


def _rms_norm(call: LayerCall) -> Made:
    return call.operation("rms_norm", REDUCTIONS["rms_norm"] * call.elements, claimed=call.claim())


def _group_norm(call: LayerCall) -> Made:
    (axis,) = _axes(call)
    x = call.x.shape(axis)
    groups = call.keras.groups if call.keras.groups > 0 else x.channels
    return call.add(GroupNorm(groups, call.keras.center or call.keras.scale), (), (x,), call.claim())


def _unit_norm(call: LayerCall) -> Made:
    """A square and a sum, the root of it a row, a division."""
    return call.operation("l2_normalization", Ops(mul=1, add=1, div=1) * call.elements)


def _pool(mean: bool) -> Handler:
    def handler(call: LayerCall) -> Made:
        layer = call.keras
        x = call.x.shape(call.feature_axis)
        kernel, stride = tuple(layer.pool_size), tuple(layer.strides)
        padding = ((0, 0),) * len(kernel)
        if layer.padding == "same":
            padding = tuple(map(same_sides, x.spatial, kernel, stride))
        return call.add(Pool(mean, kernel, stride, padding, False), (), (x,))

    return handler


def _global_average(call: LayerCall) -> Made:
    return call.seen_as(call.add(GlobalAveragePool(), (), (call.x.shape(call.feature_axis),)), call.sizes)


def _global_maximum(call: LayerCall) -> Made:
    return call.operation("amax", REDUCTIONS["amax"] * call.x.elements)


def _adaptive_average(call: LayerCall) -> Made:
    size = call.keras.output_size
    x = call.x.shape(call.feature_axis)
    sizes = tuple(size) if isinstance(size, (list, tuple)) else (size,) * len(x.spatial)
    return call.add(AdaptiveAveragePool(sizes), (), (x,))


def _zero_pad(call: LayerCall) -> Made:
    padding = call.keras.padding
    around = (padding,) if isinstance(padding[0], int) else padding
    return call.add(ZeroPad(tuple(map(tuple, around))), (), (call.x.shape(call.feature_axis),))


def _move(name: str, view: bool = False) -> Handler:
    return lambda call: call.move(name, alias=Alias() if view else None)


#: Between the neighbors of each value, by the name that Keras has for it.
_INTERPOLATIONS = {"bilinear": "upsample_bilinear2d", "bicubic": "upsample_bicubic2d"}


def resized(call: LayerCall, interpolation: str) -> Made:
    """Other spatial sizes: values that are repeated, or computed of their neighbors."""
    if call.sizes == call.x.sizes:
        return call.x
    if interpolation == "nearest":
        return call.move("upsample_nearest")
    if interpolation not in _INTERPOLATIONS:
        raise UndecidedError(f"the interpolation {interpolation}")
    name = _INTERPOLATIONS[interpolation]
    return call.operation(name, ELEMENTWISE[name] * call.elements)


def _upsample(call: LayerCall) -> Made:
    return resized(call, call.option("interpolation", "nearest"))


def _resizing(call: LayerCall) -> Made:
    layer = call.keras
    if layer.crop_to_aspect_ratio or layer.pad_to_aspect_ratio or layer.antialias:
        raise UndecidedError("a Resizing that keeps the aspect ratio, or with antialias")
    return resized(call, layer.interpolation)


def _center_crop(call: LayerCall) -> Made:
    if any(made > read for made, read in zip(call.sizes, call.x.sizes, strict=True)):
        raise UndecidedError("a CenterCrop of a smaller image, which is resized")
    return call.move("center_crop")


def _rescaling(call: LayerCall) -> Made:
    return call.operation("rescaling", Ops(mul=1, add=1) * call.elements)


def _normalization(call: LayerCall) -> Made:
    """A mean is taken off and the rest divided by a deviation, or the inverse."""
    inverse = call.option("invert")
    work = Ops(mul=1, add=1) if inverse else Ops(add=1, div=1)
    return call.operation("normalization", work * call.elements, claimed=call.claim())


def _masking(call: LayerCall) -> Made:
    """Each value is compared, each step with all of its values, and multiplied by whether it stays."""
    return call.operation("masking", Ops(cmp=2, mul=1) * call.elements)


def _gamma(call: LayerCall) -> Made:
    """``LayerScale`` of ConvNeXt: a factor of each channel."""
    return call.operation("layer_scale", Ops(mul=1) * call.elements, claimed=call.claim())


def _scaled_sum(call: LayerCall) -> Made:
    """``CustomScaleLayer`` of Inception-ResNet: the second times a number, added to the first."""
    return call.operation("scaled_sum", Ops(mul=1, add=1) * call.elements)


def _add(call: LayerCall) -> Made:
    shapes = {read.sizes for read in call.reads}
    if len(shapes) > 1:
        return call.operation("add", Ops(add=len(call.reads) - 1) * call.elements)
    return call.add(Add(), call.reads, (call.x.shape(),) * len(call.reads))


def _multiply(call: LayerCall) -> Made:
    gate = gated(call)
    return gate or call.operation("mul", Ops(mul=len(call.reads) - 1) * call.elements)


def gated(call: LayerCall) -> Made | None:
    """A map times one value of each channel, as squeeze-and-excite does; None where it is another product."""
    if len(call.reads) != 2 or len(call.sizes) < 2:
        return None
    for whole, gate in (call.reads, call.reads[::-1]):
        for axis in (-1, 0):
            x = Shape.of(whole.sizes, axis)
            one = Shape(x.channels, (1,) * len(x.spatial), x.axis)
            if whole.sizes == call.sizes and gate.sizes == one.sizes and x.positions > 1:
                return call.add(Scale(), (whole, gate), (x, one))
    return None


def _fold(name: str, each: Ops, last: Ops | None = None) -> Handler:
    def handler(call: LayerCall) -> Made:
        work = (len(call.reads) - 1) * each + (last or Ops())
        return call.operation(name, work * call.elements)

    return handler


def _concatenate(call: LayerCall) -> Made:
    return concatenated(call, call.keras.axis)


def concatenated(call: LayerCall, axis: int) -> Made:
    """The tensors that it reads in a row along ``axis``, where the batch is axis 0."""
    rank = len(call.sizes)
    place = axis % (rank + 1) - 1
    if len(call.reads) == 1:
        return call.x
    if place in (0, rank - 1):
        return call.add(Concat(), call.reads, tuple([read.shape(place) for read in call.reads]))
    return call.move("concat")


def _flatten(call: LayerCall) -> Made:
    return call.flat()


def _hashing(call: LayerCall) -> Made:
    raise UndecidedError(f"the lookups of {type(call.keras).__name__}")


_HANDLERS: dict[str, Callable[[LayerCall], Any]] = {
    **ACTIVATIONS,
    **ATTENTION,
    **PRODUCTS,
    **RECURRENT,
    **dict.fromkeys(_DROPS, LayerCall.dropped),
    **dict.fromkeys(_TRAINING, _same),
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "RMSNormalization": _rms_norm,
    "GroupNormalization": _group_norm,
    "UnitNormalization": _unit_norm,
    **{f"{kind}Pooling{rank}D": _pool(kind == "Average") for kind in ("Average", "Max") for rank in (1, 2, 3)},
    **{f"GlobalAveragePooling{rank}D": _global_average for rank in (1, 2, 3)},
    **{f"GlobalMaxPooling{rank}D": _global_maximum for rank in (1, 2, 3)},
    **{f"AdaptiveAveragePooling{rank}D": _adaptive_average for rank in (1, 2, 3)},
    **{f"ZeroPadding{rank}D": _zero_pad for rank in (1, 2, 3)},
    **{f"Cropping{rank}D": _move("crop") for rank in (1, 2, 3)},
    **{f"UpSampling{rank}D": _upsample for rank in (1, 2, 3)},
    "Reshape": _move("reshape", view=True),
    "Permute": _move("transpose"),
    "RepeatVector": _move("repeat"),
    "Flatten": _flatten,
    "Resizing": _resizing,
    "CenterCrop": _center_crop,
    "Rescaling": _rescaling,
    "Normalization": _normalization,
    "Masking": _masking,
    "LayerScale": _gamma,
    "CustomScaleLayer": _scaled_sum,
    "Add": _add,
    "Subtract": _fold("sub", Ops(add=1)),
    "Multiply": _multiply,
    "Average": _fold("average", Ops(add=1), Ops(div=1)),
    "Maximum": _fold("maximum", Ops(cmp=1)),
    "Minimum": _fold("minimum", Ops(cmp=1)),
    "Concatenate": _concatenate,
}
LAYERS: Handlers = _HANDLERS
