"""What the commands read from their arguments, and how they answer."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import reduce
from importlib import import_module
from typing import TYPE_CHECKING, Any, TextIO

import click
from click.core import ParameterSource

from costmodel.core.shape import MOST_AXES, Shape
from costmodel.errors import CostModelError, nearest, positive_int

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from costmodel.report.answer import Answer

#: What a command is, to whatever adds an option to it.
Command = Callable[..., None]


class Parsed(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on only
    """An argument that ``parse`` reads; its error becomes the one line that the user sees.

    ``parse`` may be named, ``module:function``: then it is imported when it is asked for, and commands start without.
    """

    def __init__(self, name: str, parse: Callable[[str], object] | str) -> None:
        self.name = name
        self._parse = parse

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return self.name  # click would write it in capitals

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value  # a default needs no reading
        parse = self._parse
        if isinstance(parse, str):
            module, _, function = parse.partition(":")
            parse = getattr(import_module(module), function)
        try:
            return parse(value)
        except CostModelError as error:
            self.fail(str(error), param, ctx)


def _number(text: str, least: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        shown = repr(text) if len(text) <= 40 else f"a text of {len(text)} characters"
        raise CostModelError(f"{shown} is not a whole number of at least {least} and at most 19 digits")
    return positive_int(int(text), "size", least)


def _axes(text: str) -> list[str]:
    parts = text.split("x")
    if len(parts) > MOST_AXES:
        raise CostModelError(f"{len(parts)} axes are more than any layer has; write one number, or one an axis: 3x3")
    return parts


def parse_sizes(text: str, least: int = 1) -> int | tuple[int, ...]:
    """``"3"``, for every axis, or ``"3x5"``, one an axis; none below ``least``.

    >>> parse_sizes("3"), parse_sizes("3x5")
    (3, (3, 5))
    """
    sizes = tuple(_number(part, least) for part in _axes(text))
    return sizes if len(sizes) > 1 else sizes[0]


def parse_padding(text: str) -> str | int | tuple[int | tuple[int, int], ...]:
    """``"same"``, ``"valid"``, ``"1"``, ``"1x2"`` (one an axis), ``"0:1x0:1"`` (before and after).

    >>> parse_padding("same"), parse_padding("1"), parse_padding("0:1x0:1"), parse_padding("0:1")
    ('same', 1, ((0, 1), (0, 1)), ((0, 1),))
    """
    if text in ("same", "valid"):
        return text
    sides = []
    for axis in _axes(text):
        before, colon, after = axis.partition(":")
        try:
            sides.append((_number(before, 0), _number(after, 0)) if colon else _number(before, 0))
        except CostModelError:
            raise CostModelError(
                f"{text!r} is not a padding; write same, valid, 1, 1x2 (an axis each) or 0:1x0:1 (before and after)"
            ) from None
    return sides[0] if len(sides) == 1 and isinstance(sides[0], int) else tuple(sides)


# Imported when it is asked for: `costmodel count` starts without it.
def _budget(text: str) -> tuple[str, str]:
    from costmodel.quantities import parse_budget

    return parse_budget(text)[0], text.partition("=")[2].strip()


def parse_choice(text: str) -> tuple[str, object]:
    """``name=value``: a number, True, False, None, a list or tuple of those, or else a text.

    >>> parse_choice("width=0.5"), parse_choice("depths=(2, 2)"), parse_choice("act=relu")
    (('width', 0.5), ('depths', (2, 2)), ('act', 'relu'))
    """
    from ast import literal_eval

    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise CostModelError(f"{text!r} is not name=value; write it as in width=0.5")
    try:
        return name, literal_eval({"true": "True", "false": "False", "none": "None"}.get(value.lower(), value))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return name, value


def _resolution(text: str) -> int:
    if text.count("x") == 1 and text.replace("x", "").isdecimal():
        raise CostModelError(f"{text!r} is a height and a width; write --input 3x{text}")
    if "," in text or ":" in text:
        raise CostModelError(f"{text!r} are several; `costmodel sweep MODEL --resolution {text}` counts each")
    return _number(text, 1)


class _Model(Parsed):
    """A model; a shell completes the names of the registry, and their variants after a colon."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from costmodel.models.registry import names

        files = [] if ":" in incomplete else [CompletionItem(incomplete, type="file")]
        known = [name for name in names() if name.startswith(incomplete)]
        return [CompletionItem(name) for name in known] or files


MODEL = _Model("MODEL", "costmodel.models.registry:spelled")
SHAPE = Parsed("CxHxW", Shape.parse)
SIZES = Parsed("N|NxN", parse_sizes)
INPUT = Parsed("[NAME=]CxHxW[:TYPE[:VALUE]]", "costmodel.capture.input_spec:parse_open_input")
CHOICE = Parsed("NAME=VALUE", parse_choice)
CONVENTION = Parsed("NAME", "costmodel.conventions:convention")
EXTRA = Parsed("N|NxN", lambda text: parse_sizes(text, least=0))
PADDING = Parsed("N|same|valid|A:B", parse_padding)
POSITIVE = Parsed("N", lambda text: _number(text, 1))
RESOLUTION = Parsed("N", _resolution)
BUDGET = Parsed("QUANTITY=NUMBER", _budget)
PLOT = Parsed("FILE.png|svg|pdf", "costmodel.report.plots:plot_path")


class Group(click.Group):
    """A group that fixes a misspelled command in one line."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, command.get_short_help_str(limit=1000)) for name, command in commands if command is not None]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args[0] not in known:
            raise click.UsageError(
                f"no command is called {args[0]!r}; {nearest(args[0], known)}`{ctx.command_path} --help` lists them all"
            )
        return super().resolve_command(ctx, args)


def formats(*styles: str, default: str | None = "text", note: str = "") -> Callable[[Command], Command]:
    """The option that says how to print the answer; a ``default`` of None tells whether it is given."""
    shown = "" if default else "  [default: text]"
    return click.option(
        "--format",
        "style",
        type=click.Choice(styles),
        default=default,
        show_default=True,
        help=f"How to print the answer{note}.{shown}",
    )


#: What every table is printed as.
STYLES = ("text", "json", "csv", "markdown", "latex")
#: The format that the end of a file's name asks for.
_SUFFIXES = {".txt": "text", ".json": "json", ".csv": "csv", ".md": "markdown", ".tex": "latex"}
#: Formats for people, which may be cut; what programs read stays whole.
_PEOPLE = ("text", "markdown", "latex")
#: Where options are kept that no command but :func:`answer` reads.
_SHOWN = "costmodel.shown"


def _keep(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
    ctx.meta.setdefault(_SHOWN, {})[parameter.name] = value


def _kept(*names: str, help: str, **more: Any) -> Callable[[Command], Command]:  # noqa: A002  # as click calls it
    return click.option(*names, help=help, expose_value=False, callback=_keep, **more)


def options(*several: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator, in the order of the help."""
    return lambda command: reduce(lambda wrapped, option: option(wrapped), reversed(several), command)


#: Which rows of a table are shown.
rows_options = options(
    _kept("--top", type=POSITIVE, metavar="N", help="Show the first N rows of the table; json and csv have all."),
    _kept("--nonzero", is_flag=True, help="Leave out rows that cost nothing."),
)
format_option = options(
    formats(*STYLES),
    _kept("-o", "--output", metavar="FILE", help="Write a .txt, .json, .csv, .md or .tex file instead."),
    rows_options,
)
plot_option = click.option("--plot", "plot_file", type=PLOT, help="Draw a plot into this file as well.")


dtype_option = click.option(
    "--dtype",
    type=Parsed("TYPE", "costmodel.quantities:parse_dtype"),
    callback=lambda ctx, param, value: value or "",
    help="Type of the values and weights, as in int8 or fp16, instead of floating-point ones.  [default: theirs]",
)


def _policy(text: str) -> str:
    from costmodel.analyses.policies import policy_named

    return policy_named(text).name


policy_option = click.option(
    "--policy",
    type=Parsed("NAME", _policy),
    default="fused",
    show_default=True,
    help="What shares memory: separate, fused, in-place, mcunet or arena.",
)


def on_a_terminal(stream: TextIO | None) -> bool:
    """Whether a person watches ``stream``, and wants color there. A closed stream is None."""
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return stream is not None and stream.isatty() and not plain


def _width() -> int:
    """How wide the terminal is that a person watches; 0 for what is read by a program, or has no known width."""
    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return 0
    from shutil import get_terminal_size

    return max(get_terminal_size().columns, 40)


def answer(report: Answer, style: str) -> None:
    """Print ``report`` in the format asked for; on a terminal alone in color, and as wide as that is.

    With ``--output`` it is written into that file instead, and with ``--top`` or ``--nonzero`` it is a part.
    """
    context = click.get_current_context()
    shown = context.meta.get(_SHOWN, {})
    path = shown.get("output")
    if path:
        given = context.get_parameter_source("style") is not ParameterSource.DEFAULT
        style = _style_of(path, style if given else "")
    if style in _PEOPLE and (shown.get("top") or shown.get("nonzero")):
        from costmodel.report.excerpt import Excerpt

        report = Excerpt(report, shown.get("top") or 0, shown.get("nonzero") or False)
    if path:
        from costmodel.files import write_whole

        write_whole(path, f"{getattr(report, style)()}\n".encode())
        print(f"{report.lines()[0]}; written to {path}")
    elif style == "text":
        print(report.text(on_a_terminal(sys.stdout), _width()))
    else:
        print(getattr(report, style)())
    sys.stdout.flush()


def _style_of(path: str, given: str) -> str:
    """The format of an answer in a file: what its name ends in, which a ``given`` one must not contradict."""
    style = _SUFFIXES.get(os.path.splitext(path)[1].lower(), given)
    if not style:
        raise CostModelError(f"the suffix of {path} names no format; write {', '.join(_SUFFIXES)}, or add --format")
    if given and given != style:
        raise CostModelError(f"--format={given} and the suffix of {path} both say the format; leave one of them out")
    return style
