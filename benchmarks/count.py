"""Measure costmodel against its peers, in one run: ``python -m benchmarks.count [--json FILE] [--quick]``.

Three measurements: a MobileNetV2 counted in a warm process, the same in a process of its own, and chains of up to
100,000 layers. A wrong answer of costmodel ends the run; a time, however long, does not.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from benchmarks import cold, depth, report, results, warm

DEFAULT = Path(__file__).with_name("results") / "count.json"


@dataclass(frozen=True)
class Effort:
    """How often everything is repeated."""

    warm_rounds: int
    warm_calls: int
    cold_rounds: int
    depth_repeats: int


FULL = Effort(warm_rounds=10, warm_calls=5, cold_rounds=7, depth_repeats=5)
QUICK = Effort(warm_rounds=1, warm_calls=2, cold_rounds=1, depth_repeats=1)


def run(effort: Effort, path: Path) -> None:
    """Measure, print as it goes, write ``path``."""
    found = results.circumstances()
    machine = found["machine"]
    print(f"{machine['cpu']}, {machine['cores']} cores, Python {found['python']}")
    print(", ".join(f"{name} {version or 'not installed'}" for name, version in found["versions"].items()))
    # The measurements that need no PyTorch come first, in a process that has not loaded it.
    depths = depth.measure(effort.depth_repeats)
    cold_rows = cold.measure(effort.cold_rounds)
    warm_rows = warm.measure(effort.warm_rounds, effort.warm_calls)
    parts = [report.warm_table(warm_rows), report.cold_table(cold_rows), report.depth_table(depths), report.NOTES]
    for part in parts:
        print(f"\n{part}")
    for line in report.missing_lines(warm_rows, cold_rows):
        print(line)
    found |= {"warm": results.warm(warm_rows), "cold": results.cold(cold_rows), "depth": results.depth(depths)}
    results.write(path, found)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.count", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, default=DEFAULT, metavar="FILE", help="where to write the results")
    parser.add_argument("--quick", action="store_true", help="few repeats, to see that it runs")
    options = parser.parse_args()
    run(QUICK if options.quick else FULL, options.json)


if __name__ == "__main__":
    main()
