"""``costmodel space``: a whole search space, counted exactly."""

from __future__ import annotations

import click

from costmodel.cli.arguments import BUDGET, answer, format_option
from costmodel.errors import CostModelError
from costmodel.quantities import budget
from costmodel.report.space import SpaceReport
from costmodel.scaling.spaces.named import space as named


@click.command("space")
@click.argument("name")
@click.option("--max", "limit", type=BUDGET, help="How many networks fit this budget, and sample those alone.")
@click.option("--sample", "number", type=click.IntRange(1), metavar="N", help="Draw N networks, each equally likely.")
@click.option("--seed", type=int, metavar="N", default=0, show_default=True, help="The seed of --sample.")
@click.option("--at", "share", type=float, metavar="SHARE", help="A network at this quantile of all: 0.5 is a median.")
@format_option
def command(
    name: str, limit: tuple[str, str] | None, number: int | None, seed: int, share: float | None, style: str
) -> None:
    """Count all networks of the search space NAME: nas_bench_201.

    A budget is of multiply_adds, flops, parameters or weights; without one, multiply-adds are counted.

    \b
    costmodel space nas_bench_201
    costmodel space nas_bench_201 --max multiply_adds=50M --sample 5 --seed 1
    costmodel space nas_bench_201 --at 0.5
    """
    if number is not None and share is not None:
        raise CostModelError("--sample and --at both choose networks; ask for one of them")
    quantity, text = limit or ("multiply_adds", None)
    space = named(name, quantity)
    most = None if text is None else budget(quantity, text)[1]
    if most is not None and most < space.smallest:
        raise CostModelError(f"{name}: no network has at most {most:,} {quantity}; the smallest has {space.smallest:,}")
    chosen = [space.at(share)] if share is not None else space.sample(number, seed, most) if number else []
    answer(SpaceReport(space, most, tuple(chosen)), style)
