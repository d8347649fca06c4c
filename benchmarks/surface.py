"""Measure grids of designs: ``python -m benchmarks.surface [--json FILE] [--quick]``.

Four measurements: the (alpha, resolution) surface of MobileNetV2, everything from the call to the finished array; the
same of every architecture and variant that has an alpha; a loop that builds each design of one; and what peers would
take for the first surface, extrapolated from a few counts of theirs.
A wrong answer of costmodel ends the run; a time, however long, does not.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy

import costmodel as cm
from benchmarks import results
from benchmarks.peers import PEERS, Peer
from costmodel.models.registry import architecture, names
from costmodel.scaling.surface import surface

DEFAULT = Path(__file__).with_name("results") / "surface.json"

MODEL = "mobilenet_v2"
#: The widths and sizes of the papers, in a thousand steps each.
ALPHAS: list[float] = numpy.linspace(0.25, 1.4, 1000).tolist()
RESOLUTIONS = list(range(32, 1032))

#: Not every network takes every design: the widths of a table, and the sizes that a 7x7 window fits once.
TAKEN: dict[str, tuple[list[float], list[int]]] = {
    "shufflenet_v2": ([(0.5, 1.0, 1.5, 2.0)[index % 4] for index in range(1000)], RESOLUTIONS),
    "mobilenet_v1:plain": (ALPHAS, [193 + index % 223 for index in range(1000)]),
}

COUNTERS = ("fvcore", "flop-counter", "flop-counter-meta")


@dataclass(frozen=True)
class Effort:
    """How often everything is repeated."""

    surfaces: int
    each: int
    points: int
    samples: int


FULL = Effort(surfaces=15, each=9, points=200, samples=7)
QUICK = Effort(surfaces=2, each=1, points=20, samples=2)


def _seconds(call: Callable[[], Any], times: int) -> list[float]:
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds


def measure_surface(times: int) -> dict[str, Any]:
    """Designs a second, and the peak of memory beside the size of the result."""
    counts = surface(MODEL, ALPHAS, RESOLUTIONS)  # not timed: imports
    _check(counts)
    seconds = _seconds(lambda: surface(MODEL, ALPHAS, RESOLUTIONS), times)
    tracemalloc.start()
    held = surface(MODEL, ALPHAS, RESOLUTIONS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {
        "model": MODEL,
        "alphas": [ALPHAS[0], ALPHAS[-1], len(ALPHAS)],
        "resolutions": [RESOLUTIONS[0], RESOLUTIONS[-1], len(RESOLUTIONS)],
        "different_networks": len(numpy.unique(held, axis=0)),
        "seconds": [round(value, 7) for value in seconds],
        "median_seconds": round(median(seconds), 7),
        "designs_a_second": round(held.size / median(seconds)),
        "result_bytes": held.nbytes,
        "peak_bytes": peak,
        "peak_to_result": round(peak / held.nbytes, 3),
    }


def _check(counts: Any, model: str = MODEL, alphas: list[float] = ALPHAS, resolutions: list[int] = RESOLUTIONS) -> int:
    """Every 9797th design against its own network; how many there were."""
    places = range(0, counts.size, 97 * 101)
    for index in places:
        row, column = divmod(index, len(resolutions))
        network = cm.load(model, alpha=alphas[row], resolution=resolutions[column])
        assert counts[row, column] == network.multiply_adds, (model, row, column)
    return len(places)


def measure_architectures(times: int) -> list[dict[str, Any]]:
    """Designs a second of every network that scales."""
    rows = []
    for model in names():
        if "alpha" in architecture(model.partition(":")[0]).choices:
            alphas, resolutions = TAKEN.get(model, (ALPHAS, RESOLUTIONS))
            counts = surface(model, alphas, resolutions)  # not timed: caches
            seconds = _seconds(partial(surface, model, alphas, resolutions), times)
            rows.append(
                {
                    "model": model,
                    "designs": counts.size,
                    "checked": _check(counts, model, alphas, resolutions),
                    "seconds": [round(value, 7) for value in seconds],
                    "designs_a_second": round(counts.size / median(seconds)),
                }
            )
    return rows


def measure_points(alphas: int) -> dict[str, Any]:
    """Designs a second of a loop that builds and counts a network for each."""
    designs = [(alpha, size) for alpha in ALPHAS[:: len(ALPHAS) // alphas] for size in range(96, 321, 32)]
    seconds = _seconds(lambda: [cm.load(MODEL, alpha=a, resolution=r).multiply_adds for a, r in designs], 3)
    return {
        "model": MODEL,
        "designs": len(designs),
        "seconds": [round(value, 7) for value in seconds],
        "designs_a_second": round(len(designs) / median(seconds)),
    }


def measure_peers(samples: int, surface_seconds: float) -> list[dict[str, Any]]:
    """What a loop over a peer would take for the surface: the median of ``samples`` counts, times its designs.

    Generous: the module is built beforehand, once, and not for every alpha; and it is counted at alpha 1 on 50,176
    pixels, where the mean design of the surface has 365,826, which a peer that runs the network would feel.
    """
    rows = []
    for peer in PEERS:
        if peer.name in COUNTERS:
            try:
                rows.append(_peer(peer, samples, surface_seconds))
            except ModuleNotFoundError as error:
                rows.append({"name": peer.name, "missing": str(error)})
    return rows


def _peer(peer: Peer, samples: int, surface_seconds: float) -> dict[str, Any]:
    count = peer.load()
    module, image = peer.subject()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        count(module, image)
        seconds = _seconds(lambda: count(module, image), samples)
    designs = len(ALPHAS) * len(RESOLUTIONS)
    return {
        "name": peer.name,
        "seconds": [round(value, 7) for value in seconds],
        "designs_a_second": round(1 / median(seconds), 2),
        "extrapolated_surface_seconds": round(median(seconds) * designs),
        "extrapolated_ratio_to_ours": round(median(seconds) * designs / surface_seconds),
    }


def run(effort: Effort, path: Path) -> None:
    """Measure, print, write ``path``."""
    found = results.circumstances()
    found["surface"] = ours = measure_surface(effort.surfaces)
    found["architectures"] = architectures = measure_architectures(effort.each)
    found["points"] = points = measure_points(effort.points)
    found["peers"] = peers = measure_peers(effort.samples, ours["median_seconds"])
    print(
        f"Surface: {ours['alphas'][2]:,} alphas x {ours['resolutions'][2]:,} resolutions of {MODEL},"
        f" {ours['different_networks']} different networks:\n"
        f"{ours['designs_a_second'] / 1e6:.1f} million designs a second (median of {effort.surfaces});"
        f" peak memory {ours['peak_to_result']:.2f} times the result\n"
        + "".join(
            f"{row['model']}: {row['designs_a_second'] / 1e6:.1f} million designs a second, {row['checked']} checked\n"
            for row in architectures
        )
        + f"Point by point: {points['designs_a_second']:,} designs a second of {points['model']}"
    )
    for peer in peers:
        if "missing" in peer:
            print(f"{peer['name']}: not installed: pip install nn-costmodel[peers]")
            continue
        print(
            f"{peer['name']}: {peer['designs_a_second']} designs a second;"
            f" {peer['extrapolated_ratio_to_ours']:,} times as long, extrapolated from {effort.samples} counts"
        )
    results.write(path, found)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.surface", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, default=DEFAULT, metavar="FILE", help="where to write the results")
    parser.add_argument("--quick", action="store_true", help="few repeats, to see that it runs")
    options = parser.parse_args()
    run(QUICK if options.quick else FULL, options.json)


if __name__ == "__main__":
    main()
