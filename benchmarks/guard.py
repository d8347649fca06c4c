"""Measure the cost check: ``python -m benchmarks.guard [--json FILE] [--quick]``.

A project of 100 models, every architecture and variant that costmodel knows and some of them twice: how long
``costmodel lock`` and ``costmodel check`` take as processes of their own, from start to end, beside the bare
interpreter. A wrong answer ends the run; a time, however long, does not.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import results
from costmodel.models.registry import names

DEFAULT = Path(__file__).with_name("results") / "guard.json"
ROOT = Path(__file__).resolve().parent.parent

MODELS = 100
#: The lock is taken away before each of its runs, so that it is written and not found.
COMMANDS = {
    "bare interpreter": ("-c", "pass"),
    "costmodel lock": ("-m", "costmodel", "lock"),
    "costmodel check": ("-m", "costmodel", "check"),
    "costmodel check --format json": ("-m", "costmodel", "check", "--format", "json"),
}


def _project(folder: Path) -> None:
    known = names()
    tables = [
        f'[models."{number:03} {known[number % len(known)]}"]\nbuild = "{known[number % len(known)]}"\n'
        'budgets = { multiply_adds = "<= 1 T", growth = "<= 0 %" }\n'
        for number in range(MODELS)
    ]
    (folder / "costmodel.toml").write_text("\n".join(tables))


def _seconds(arguments: tuple[str, ...], folder: Path) -> float:
    lock = folder / "costmodel.lock"
    if arguments[-1] == "lock":
        lock.unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    expected = {"lock": f"{MODELS} models\n", "check": f"{MODELS} models: {MODELS} in order\n"}.get(arguments[-1], "")
    if done.returncode != 0 or not done.stdout.endswith(expected):
        raise RuntimeError(f"{' '.join(arguments)} ended with status {done.returncode}:\n{done.stdout}{done.stderr}")
    return seconds


def measure(rounds: int) -> dict[str, Any]:
    """Times in seconds by command; the commands take turns, after one run of each that does not count."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _project(folder)
        for turn in range(rounds + 1):
            for command, arguments in COMMANDS.items():
                seconds = _seconds(arguments, folder)
                if turn:
                    times[command].append(round(seconds, 4))
        lock = (folder / "costmodel.lock").read_text()
    layers = sum(line.startswith("  ") for line in lock.splitlines())
    commands = {
        command: {"seconds": found, "min_seconds": min(found), "median_seconds": round(median(found), 4)}
        for command, found in times.items()
    }
    return {"models": MODELS, "layers": layers, "lock_bytes": len(lock), "commands": commands}


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, default=DEFAULT, metavar="FILE", help="where to write the results")
    parser.add_argument("--quick", action="store_true", help="few repeats, to see that it runs")
    options = parser.parse_args()
    found = results.circumstances()
    print(f"{found['machine']['cpu']}, {found['machine']['cores']} cores, Python {found['python']}")
    measured = measure(1 if options.quick else 15)
    print(f"{measured['models']} models, {measured['layers']:,} layers, a lock of {measured['lock_bytes']:,} bytes")
    for command, times in measured["commands"].items():
        print(f"{command}: {times['median_seconds']:.3f} s, at best {times['min_seconds']:.3f} s")
    results.write(options.json, found | measured)


if __name__ == "__main__":
    main()
