"""Measure the design space of MobileNetV2: ``python -m benchmarks.surface [--json FILE] [--quick]``.

Three measurements: the (alpha, resolution) surface, everything from the call to the finished array; a sweep whose every
point is a network of its own; and what peers would take for the surface, extrapolated from a few counts of theirs.
A wrong answer of costmodel ends the run; a time, however long, does not.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy

import costmodel as cm
from benchmarks import results
from benchmarks.peers import PEERS, Peer
from costmodel.scaling.surface import surface

DEFAULT = Path(__file__).with_name("results") / "surface.json"

MODEL = "mobilenet_v2"
#: The widths and sizes of the papers, in a thousand steps each.
ALPHAS: list[float] = numpy.linspace(0.25, 1.4, 1000).tolist()
RESOLUTIONS = list(range(32, 1032))

#: Here every point is a network of its own: its padding follows the parity of its sizes.
POINTS_MODEL = "mobilenet_v2:keras"

COUNTERS = ("fvcore", "flop-counter", "flop-counter-meta")


@dataclass(frozen=True)
class Effort:
    """How often everything is repeated."""

    surfaces: int
    points: int
    samples: int


FULL = Effort(surfaces=15, points=200, samples=7)
QUICK = Effort(surfaces=2, points=20, samples=2)


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


def _check(counts: Any) -> None:
    """Every 97th design against its own network."""
    for index in range(0, counts.size, 97 * 101):
        row, column = divmod(index, len(RESOLUTIONS))
        network = cm.load(MODEL, alpha=ALPHAS[row], resolution=RESOLUTIONS[column])
        assert counts[row, column] == network.multiply_adds, (row, column)


def measure_points(alphas: int) -> dict[str, Any]:
    """Designs a second of a sweep that builds a network for each: the table with its parameters and accuracies."""
    axes = {"alpha": ALPHAS[:: len(ALPHAS) // alphas], "resolution": range(96, 321, 32)}
    frame = cm.sweep(POINTS_MODEL, **axes)
    seconds = _seconds(lambda: cm.sweep(POINTS_MODEL, **axes), 3)
    return {
        "model": POINTS_MODEL,
        "designs": len(frame),
        "seconds": [round(value, 7) for value in seconds],
        "designs_a_second": round(len(frame) / median(seconds)),
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
    found["points"] = points = measure_points(effort.points)
    found["peers"] = peers = measure_peers(effort.samples, ours["median_seconds"])
    print(
        f"Surface: {ours['alphas'][2]:,} alphas x {ours['resolutions'][2]:,} resolutions of {MODEL},"
        f" {ours['different_networks']} different networks:\n"
        f"{ours['designs_a_second'] / 1e6:.1f} million designs a second (median of {effort.surfaces});"
        f" peak memory {ours['peak_to_result']:.2f} times the result\n"
        f"Point by point: {points['designs_a_second']:,} designs a second of {points['model']}"
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
