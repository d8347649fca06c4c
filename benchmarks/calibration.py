"""How often a reading that ``explain`` gives a probability is right, on figures that its odds were not set by.

    python -m benchmarks.calibration docs/calibration.svg

Every reading that fits a figure of ``tests/reproduction/figures.csv`` counts once, by its probability; the plot has the
share that is right of each group beside the probability, on average.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import NamedTuple

from costmodel import load
from costmodel.core.network import Network
from costmodel.reproduction.explain import explain

FIGURES = Path(__file__).parents[1] / "tests" / "reproduction" / "figures.csv"
#: The groups of probabilities: from each to the next.
LEAST = (0.01, 0.1, 0.3, 0.5, 0.7, 0.95)


class Group(NamedTuple):
    """Readings of about the same probability: how many, how many are right, and how many should be."""

    least: float
    readings: int
    right: int
    expected: float


def right_number(figure: dict[str, str], network: Network) -> int | None:
    """The exact number behind a figure; None where no rule is known, or the network is another."""
    words = figure["truth"].split()
    plain = {"multiply_adds": network.multiply_adds, "parameters": network.parameters}
    if figure["truth"] == "the plain reading":
        return plain.get(figure["of"], network.ledger.activations)
    return network.under(words[1]) // (2 if "halved" in words else 1) if words[0] == "as" else None


def network_of(figure: dict[str, str]) -> Network:
    options = dict(option.split("=") for option in figure["options"].split())
    return load(figure["model"], **{name: float(value) for name, value in options.items()})


def calibration() -> list[Group]:
    """The groups, the unlikeliest first."""
    seen: list[tuple[float, bool]] = []
    for figure in csv.DictReader(FIGURES.read_text("utf-8").splitlines()):
        network = network_of(figure)
        right = right_number(figure, network)
        seen += [
            (fit.probability, fit.reading.number == right or str(fit.reading) == figure["truth"])
            for fit in explain(network, figure["claim"], figure["of"]).fits
        ]
    groups = []
    for least, most in zip(LEAST, (*LEAST[1:], 2.0), strict=True):
        inside = [(probability, right) for probability, right in seen if least <= probability < most]
        expected = sum(probability for probability, _ in inside)
        groups.append(Group(least, len(inside), sum(right for _, right in inside), expected))
    return groups


def draw(groups: list[Group], path: str) -> None:
    """The plot of the groups."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 5), layout="constrained")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for group in groups:
        at = group.expected / group.readings, group.right / group.readings
        axes.plot(*at, "o", color="#0072B2")
        axes.annotate(f"{group.right} of {group.readings}", at, xytext=(6, -10), textcoords="offset points")
    axes.set(xlabel="probability that explain says", ylabel="share that is right", xlim=(0, 1.15), ylim=(0, 1.05))
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    measured = calibration()
    for group in measured:
        print(f"from {group.least:.2f}: {group.right} of {group.readings} are right, expected {group.expected:.1f}")
    draw(measured, sys.argv[1])
