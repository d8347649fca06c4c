"""``costmodel solve``: the largest designs within budgets."""

from __future__ import annotations

from typing import TypeVar

import click

from costmodel.cli.arguments import BUDGET, MODEL, Parsed, answer, dtype_option, format_option, policy_option
from costmodel.errors import CostModelError
from costmodel.report.solve import SolveReport
from costmodel.scaling.solve import MAXIMIZE, solve

_V = TypeVar("_V")


def _fixed(text: str) -> tuple[str, str]:
    name, equals, values = text.partition("=")
    if not equals or not values:
        raise CostModelError(f"{text!r} fixes nothing; write ARGUMENT=VALUE, as in resolution=160")
    return name.strip().replace("-", "_"), values


@click.command("solve")
@click.argument("model", type=MODEL)
@click.option("--max", "budgets", type=BUDGET, multiple=True, required=True, help="A budget; repeat it for another.")
@click.option(
    "--at",
    "fixed",
    type=Parsed("ARGUMENT=VALUE", _fixed),
    multiple=True,
    help="Fix an argument; a resolution may have several values.  [default: resolution=96:320:32]",
)
@click.option("--maximize", type=click.Choice(MAXIMIZE), default="multiply_adds", show_default=True)
@dtype_option
@policy_option
@click.option("--verbose", is_flag=True, help="Show the interval of alpha that builds each network, to the float.")
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    model: str,
    budgets: tuple[tuple[str, str], ...],
    fixed: tuple[tuple[str, str], ...],
    maximize: str,
    dtype: str,
    policy: str,
    verbose: bool,
    style: str,
) -> None:
    """Find the largest alpha of MODEL within budgets, at each resolution; exit status 1 where nothing fits.

    A budget is of multiply_adds, flops, activations, parameters or weights: 100M, 0.5G, 3,000,000; or of peak_memory
    or size, in bytes: 256KiB, 1.4MB.

    \b
    costmodel solve mobilenet_v2 --max multiply_adds=100M --max parameters=3M --at resolution=160
    costmodel solve mobilenet_v2 --max peak_memory=256KiB --max size=1MB --dtype int8
    """
    solution = solve(model, _once("--max", budgets), _once("--at", fixed), maximize, dtype, policy)
    answer(SolveReport(solution, verbose), style)
    if not solution.designs:
        ctx.exit(1)


def _once(option: str, pairs: tuple[tuple[str, _V], ...]) -> dict[str, _V]:
    named = dict(pairs)
    if len(named) < len(pairs):
        raise CostModelError(f"{option} names {', '.join(name for name, _ in pairs)}; give each name once")
    return named
