"""``costmodel space``: a whole search space, counted exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from costmodel.cli.arguments import BUDGET, answer, format_option, plot_option, policy_option
from costmodel.errors import CostModelError
from costmodel.quantities import budget
from costmodel.report.space import SpaceReport
from costmodel.scaling.spaces.named import space as named
from costmodel.scaling.spaces.space import Between, Space

if TYPE_CHECKING:
    from pathlib import Path


@click.command("space")
@click.argument("name")
@click.option(
    "--max", "limits", type=BUDGET, multiple=True, help="How many networks fit this budget; repeat it for another."
)
@click.option("--sample", "number", type=click.IntRange(1), metavar="N", help="Draw N of them, each equally likely.")
@click.option("--seed", type=int, metavar="N", default=0, show_default=True, help="The seed of --sample.")
@click.option("--at", "share", type=float, metavar="SHARE", help="A network at this quantile of all: 0.5 is a median.")
@click.option(
    "--bin", "width", type=click.IntRange(1), metavar="N", help="Count in bins about so wide: for very large spaces."
)
@policy_option
@format_option
@plot_option
def command(
    name: str,
    limits: tuple[tuple[str, str], ...],
    number: int | None,
    seed: int,
    share: float | None,
    width: int | None,
    policy: str,
    style: str,
    plot_file: Path | None,
) -> None:
    """Count all networks of a search space.

    NAME is once_for_all_mobilenet_v3, once_for_all_resnet50, proxyless, mnasnet, fbnet, nas_bench_201 or
    nats_bench_size, or a space of your own: FILE.toml or MODULE:NAME.

    A budget is of multiply_adds, flops, parameters, weights or activations, or of peak_memory in bytes. One is counted
    exactly, several at once between two bounds. Without any, multiply-adds are counted.

    \b
    costmodel space once_for_all_mobilenet_v3 --max multiply_adds=230M --sample 5 --seed 1
    costmodel space nas_bench_201 --at 0.5
    """
    if number is not None and share is not None:
        raise CostModelError("--sample and --at both choose networks; ask for one of them")
    if width is not None and share is not None:
        raise CostModelError("--at is counted exactly; leave out --bin")
    texts = dict(limits)
    if len(texts) < len(limits):
        raise CostModelError("--max names a quantity twice; give each once")
    memory = texts.pop("peak_memory", "")
    most = {quantity: budget(quantity, text)[1] for quantity, text in texts.items()}
    quantities = list(most) or ["multiply_adds"]
    space = named(name, quantities)
    fitting = named(name, quantities, peak_memory=memory, policy=policy) if memory else space
    within = _within(fitting, most, width) if limits else None
    chosen = (
        [space.at(share)] if share is not None else fitting.sample(number, seed, most, width or 0) if number else []
    )
    report = SpaceReport(space, dict(limits), within, tuple(chosen), width)
    if plot_file is not None:
        from costmodel.report import plots

        plots.save(plots.space(space, next(iter(most.values()), None), tuple(chosen)), plot_file)
    answer(report, style)


def _within(space: Space, most: dict[str, int], width: int | None) -> Between:
    """How many networks fit, exactly where there is one budget of what adds up and nobody asks for bins."""
    if width is not None or len(most) > 1:
        return space.between(most, dict.fromkeys(most, width) if width else None)
    space.check_budgets(most)
    fit = space.within(next(iter(most.values()))) if most else space.networks
    return Between(fit, fit, dict.fromkeys(most, 1))
