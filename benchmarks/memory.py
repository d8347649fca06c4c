"""Time peak memory: ``python -m benchmarks.memory [--json FILE]``.

Three measurements: the peak of MobileNetV2 beside building and counting it; chains of 5,000 to 20,000 layers; and a
grid of 1,000 alphas x 1,000 resolutions. A wrong answer ends the run; a time, however long, does not.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy

import costmodel as cm
from benchmarks import results
from costmodel.core.layers import conv
from costmodel.scaling.surface import memory_surface

DEFAULT = Path(__file__).with_name("results") / "memory.json"

CALLS = 200
ALPHAS: list[float] = numpy.linspace(0.25, 1.4, 1000).tolist()
RESOLUTIONS = list(range(32, 1032))
LAYERS = (5_000, 10_000, 20_000)


def seconds(call: Callable[[], object], times: int) -> float:
    """The median time of a call."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return median(taken)


def beside_the_count() -> dict[str, Any]:
    """The peak of a network that is there, beside building and counting one."""
    net = cm.mobilenet_v2()
    assert net.nodes
    assert net.memory("int8").peak_bytes == 1_505_280

    def count() -> tuple[int, int]:
        built = cm.mobilenet_v2()
        return built.multiply_adds, built.parameters

    assert count() == (300_774_272, 3_504_872)
    counting, memory = seconds(count, CALLS), seconds(lambda: net.memory("int8").peak_bytes, CALLS)
    return {"count_seconds": counting, "memory_seconds": memory, "ratio": memory / counting}


def chain(layers: int) -> cm.Network:
    """A chain of convolutions that keep their size."""
    x = cm.image(4, 8)
    layer = conv(4, kernel=1)
    for number in range(layers):
        x = cm.apply(x, f"layer{number}", layer)
    return cm.Network(x)


def depth() -> list[dict[str, Any]]:
    """The peak of long chains that are there."""
    rows = []
    for layers in LAYERS:
        net = chain(layers)
        assert net.memory("int8").peak_bytes == 2 * 4 * 8 * 8
        taken = seconds(lambda net=net: net.memory("int8").peak_bytes, 5)  # type: ignore[misc]
        rows.append({"layers": layers, "seconds": taken, "microseconds_a_layer": 1e6 * taken / layers})
    return rows


def grid() -> dict[str, Any]:
    """Exact peaks of a million designs, three of them checked one by one."""
    peaks = memory_surface("mobilenet_v2", ALPHAS, RESOLUTIONS, "int8")
    for row, column in ((0, 0), (500, 250), (999, 999)):
        design = cm.mobilenet_v2(ALPHAS[row], resolution=RESOLUTIONS[column])
        assert peaks[row, column] == design.memory("int8").peak_bytes
    taken = seconds(lambda: memory_surface("mobilenet_v2", ALPHAS, RESOLUTIONS, "int8"), 5)
    return {"designs": peaks.size, "seconds": taken, "designs_a_second": peaks.size / taken}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--json", type=Path, default=DEFAULT, help="where the results go")
    place = parser.parse_args().json
    where = results.circumstances()
    found = {**where, "beside_the_count": beside_the_count(), "depth": depth(), "grid": grid()}
    place.write_text(f"{json.dumps(found, indent=2)}\n")
    one, surface = found["beside_the_count"], found["grid"]
    print(
        f"MobileNetV2: count {1000 * one['count_seconds']:.3f} ms, peak memory {1000 * one['memory_seconds']:.3f} ms:"
    )
    print(f"  {one['ratio']:.2f} times its count")
    for row in found["depth"]:
        print(f"{row['layers']:,} layers: {1000 * row['seconds']:.0f} ms, {row['microseconds_a_layer']:.1f} us a layer")
    print(f"A grid of {surface['designs']:,} designs: {surface['designs_a_second'] / 1e6:.1f} million a second")


if __name__ == "__main__":
    main()
