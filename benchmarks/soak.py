"""Count and capture for long in one process: ``python -m benchmarks.soak [--captures 10000] [--counts 100000]``.

Prints how much memory the process gained after warming up, and how many files it has open. It needs Linux. A wrong
answer ends the run; a gain of memory, however large, does not.
"""

from __future__ import annotations

import argparse
import gc
import os
from collections.abc import Callable
from pathlib import Path

import costmodel as cm

WARM = 500
MEBIBYTE = 2**20


def resident() -> int:
    """Bytes of this process in memory, after collecting garbage."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_files() -> int:
    """How many files this process has open."""
    return len(os.listdir("/proc/self/fd"))


def count(number: int) -> None:
    """A network of another width and resolution each time, so that caches cannot answer."""
    net = cm.mobilenet_v2(alpha=0.25 + number % 1000 / 1000, resolution=32 * (1 + number % 10))
    assert net.multiply_adds > net.parameters > 0


def capture(number: int) -> None:
    """A module of another width each time."""
    from torch import nn

    width = 4 + number % 61
    module = nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(width * 64, 10))
    assert cm.from_torch(module, (3, 8, 8)).multiply_adds == width * 64 * (27 + 10)


def soak(what: Callable[[int], None], times: int) -> None:
    """Print what ``times`` calls leave behind, and how it is halfway."""
    for number in range(WARM):
        what(number)
    before, files = resident(), open_files()
    half = 0
    for number in range(times):
        what(number)
        if number == times // 2:
            half = resident() - before
    gained = resident() - before
    print(
        f"{what.__name__}: {times:,} times after {WARM} to warm up: {gained / MEBIBYTE:+.1f} MiB,"
        f" {half / MEBIBYTE:+.1f} MiB halfway; {open_files() - files:+d} open files"
    )


def main() -> None:
    """Soak both."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--captures", type=int, default=10_000)
    parser.add_argument("--counts", type=int, default=100_000)
    asked = parser.parse_args()
    soak(count, asked.counts)
    soak(capture, asked.captures)


if __name__ == "__main__":
    main()
