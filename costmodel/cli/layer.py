"""``costmodel layer``: what one layer costs, and what a separable one saves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from costmodel.cli.arguments import (
    EXTRA,
    PADDING,
    POSITIVE,
    SHAPE,
    SIZES,
    Command,
    Group,
    answer,
    format_option,
    options,
    plot_option,
)  # fmt: skip
from costmodel.core.graph import apply, image
from costmodel.core.layers import Layer, Linear, conv, depthwise_conv, transposed_conv
from costmodel.core.network import Network
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError, placed
from costmodel.models.blocks import bare, depthwise_separable, inverted_residual
from costmodel.report.layer import LayerReport

if TYPE_CHECKING:
    from pathlib import Path


@click.group("layer", cls=Group, invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Count one layer: its output size, parameters and multiply-adds.

    \b
    costmodel layer separable --input 128x56x56 --out 256 --kernel 3
    costmodel layer grouped --input 3x227x227 --out 6 --kernel 11 --stride 4 --groups 3
    costmodel layer conv --input 16x100 --out 32 --kernel 5 --dilation 2 --padding same
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


_input = click.option(
    "--input", "shape", type=SHAPE, required=True, help="Channels and sizes: 64x100 is 1-D, 3x224x224 2-D."
)
_out = click.option("--out", type=POSITIVE, required=True, help="Output channels.")
_bias = click.option("--bias", is_flag=True, help="Add a bias to every output channel.")
_groups = click.option("--groups", type=POSITIVE, default=1, show_default=True, help="Groups of channels.")


def _window(padding: str, help_padding: str) -> Callable[[Command], Command]:
    return options(
        _input,
        click.option("--kernel", type=SIZES, required=True, help="Kernel size: 3, or 3x5 for an axis each."),
        click.option("--stride", type=SIZES, default=1, show_default=True, help="Step of the kernel."),
        click.option("--padding", type=PADDING, default=padding, show_default=True, help=help_padding),
        click.option("--dilation", type=SIZES, default=1, show_default=True, help="Spacing of the kernel's taps."),
        _bias,
        format_option,
    )


# A single layer pads nothing unless told to, like PyTorch's; a block keeps the size, as the documents' blocks do.
_layer_window = _window("0", "A number, one an axis (1x2), before:after (0:1, or 0:1x1:1), same or valid.")
_block_window = _window("same", "As for a layer; same keeps the size and divides it by the stride.")


def _rank(shape: Shape) -> int:
    if not shape.spatial:
        raise CostModelError(f"--input={shape} has channels but no size to convolve; write {shape}x56 or {shape}x56x56")
    return len(shape.spatial)


def _single(name: str, text: str, make: Callable[..., Layer], *options_of_it: Callable[[Command], Command]) -> None:
    """The command of one layer, which ``make`` makes of the shape that it reads and of its options."""

    @command.command(name, help=text)
    @options(*options_of_it)
    def single(shape: Shape, style: str, **choices: Any) -> None:
        with placed(name):
            layer = make(shape, **choices)
        x = apply(image(shape.channels, shape.spatial), name, layer)
        answer(LayerReport(Network(x, name), layer), style)


def _conv(shape: Shape, out: int, kernel: Any, **choices: Any) -> Layer:
    return conv(out, kernel, rank=_rank(shape), **choices)


def _depthwise(shape: Shape, kernel: Any, multiplier: int, **choices: Any) -> Layer:
    return conv(shape.channels * multiplier, kernel, rank=_rank(shape), groups=shape.channels, **choices)


def _transposed(shape: Shape, out: int, kernel: Any, **choices: Any) -> Layer:
    return transposed_conv(out, kernel, rank=_rank(shape), **choices)


def _linear(shape: Shape, out: int, bias: bool) -> Layer:
    return Linear(out, bias)


_divided = click.option(
    "--groups", type=POSITIVE, required=True, help="Groups of channels; must divide input and output."
)
_multiplier = click.option(
    "--multiplier", type=POSITIVE, default=1, show_default=True, help="Outputs of each input channel."
)
_extra = click.option("--output-padding", type=EXTRA, default="0", show_default=True, help="Added at the end.")

_single("conv", "A convolution, standard unless --groups is given.", _conv, _layer_window, _out, _groups)
_grouped = "A grouped convolution: each group of outputs sees one group of inputs."
_single("grouped", _grouped, _conv, _layer_window, _out, _divided)
_single("depthwise", "A depthwise convolution: every channel on its own.", _depthwise, _layer_window, _multiplier)
_larger = "A transposed convolution, which makes the map larger."
_single("transposed", _larger, _transposed, _layer_window, _out, _groups, _extra)
_vector = "A linear layer: --input 1024 is a vector, 768x196 a sequence of 196."
_single("linear", _vector, _linear, _input, _out, _bias, format_option)


@command.command("separable")
@_block_window
@_out
@plot_option
def separable_command(shape: Shape, out: int, kernel: Any, style: str, plot_file: Path | None, **choices: Any) -> None:
    """A depthwise separable convolution, against the standard one that it replaces."""
    x, rank = image(shape.channels, shape.spatial), _rank(shape)
    with placed("separable"):
        depthwise = depthwise_conv(shape.channels, kernel, rank=rank, **choices)
        replaced = conv(out, kernel, rank=rank, **choices)
    separable = depthwise_separable(x, "separable", depthwise, out, unit=bare)
    standard = Network(apply(x, "standard", replaced), "standard")
    if plot_file is not None:
        from costmodel.report import plots

        others = [(size,) * rank for size in (3, 5, 7) if (size,) * rank != depthwise.kernel]
        plots.save(plots.separable_ratio([depthwise.kernel, *others], out), plot_file)
    answer(LayerReport(Network(separable, "separable"), depthwise, standard), style)


@command.command("inverted-residual")
@_block_window
@_out
@click.option("--expansion", type=POSITIVE, default=6, show_default=True, help="Expansion factor t.")
def inverted_residual_command(shape: Shape, out: int, kernel: Any, expansion: int, style: str, **choices: Any) -> None:
    """An inverted residual: expand 1x1, depthwise, project 1x1, and the input added where the shapes agree."""
    x = image(shape.channels, shape.spatial)
    with placed("inverted-residual"):
        depthwise = depthwise_conv(shape.channels * expansion, kernel, rank=_rank(shape), **choices)
    block = inverted_residual(x, "inverted-residual", depthwise, out, unit=bare)
    answer(LayerReport(Network(block, "inverted-residual"), depthwise), style)
