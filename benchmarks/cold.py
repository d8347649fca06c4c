"""Cold: whole processes, from their start to their end, by wall clock and by peak resident memory.

Timed: the bare interpreter (``python -c pass``), ``python -m costmodel count mobilenet_v2``, and the cold script of
each peer (see benchmarks/peers.py), which imports, builds, counts and prints. One run before the timed ones writes the
compiled files and fills the file cache: a cold process on a warm disk.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import ours, peers
from benchmarks.rows import BARE, OURS, Row

ROOT = Path(__file__).resolve().parent.parent
SPAWN = Path(__file__).with_name("spawn.py")

#: Runs of the bare interpreter and of costmodel for each run of a peer: they are short, so they are noisier.
SHORT_RUNS = 3


@dataclass
class _Run:
    seconds: float
    peak: int
    status: int
    stdout: str
    stderr: str


def _run(arguments: tuple[str, ...], folder: Path) -> _Run:
    """One process of this interpreter, from the root of the repository."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    stdout, stderr = folder / "stdout", folder / "stderr"
    done = subprocess.run(
        [sys.executable, "-I", "-S", SPAWN, stdout, stderr, sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, peak, status = done.stdout.split()
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss
    return _Run(float(seconds), int(peak) * unit, int(status), stdout.read_text(), stderr.read_text())


def _number(name: str, run: _Run) -> int | None:
    """The number that a process printed."""
    if run.status != 0:
        raise RuntimeError(f"{name} ended with status {run.status}:\n{run.stderr}")
    if name == BARE:
        return None
    return ours.check_printed(run.stdout) if name == OURS else int(run.stdout.split()[-1])


def _turn(row: Row, arguments: tuple[str, ...], runs: int, folder: Path) -> None:
    for _ in range(runs):
        run = _run(arguments, folder)
        row.gives(_number(row.name, run))
        row.seconds.append(run.seconds)
        row.peaks.append(run.peak)


def _warm_up(row: Row, arguments: tuple[str, ...], folder: Path) -> None:
    """The run that does not count, but for finding out whether the tool is there."""
    run = _run(arguments, folder)
    if row.name not in (BARE, OURS) and run.status == peers.MISSING:
        row.missing = run.stdout.strip()
    else:
        row.gives(_number(row.name, run))


def measure(rounds: int) -> list[Row]:
    """Contenders take turns: one run a turn for a peer, ``SHORT_RUNS`` for the bare interpreter and costmodel."""
    contenders = [
        (Row(BARE, unit=""), ("-c", "pass")),
        (Row(OURS), ("-m", "costmodel", "count", "mobilenet_v2")),
        *((Row(peer.name, peer.unit), ("-m", "benchmarks.peers", peer.name)) for peer in peers.PEERS),
    ]
    with tempfile.TemporaryDirectory() as folder:
        for row, arguments in contenders:
            _warm_up(row, arguments, Path(folder))
        for _ in range(rounds):
            for row, arguments in contenders:
                if row.missing is None:
                    _turn(row, arguments, SHORT_RUNS if row.name in (BARE, OURS) else 1, Path(folder))
    return [row for row, _ in contenders]
