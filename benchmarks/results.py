"""What the benchmark writes: every raw time, what was made of them, and where they were taken."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

import costmodel
from benchmarks.depth import Depth
from benchmarks.peers import PEERS
from benchmarks.rows import BARE, OURS, Row, fastest_peer, named


def circumstances() -> dict[str, Any]:
    """When, on what and with which versions; taken before the measurements, for the load average."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpu": _cpu(),
            "cores": os.cpu_count(),
            "system": platform.system(),
            "load_average_before": [round(load, 2) for load in os.getloadavg()],
        },
        "python": platform.python_version(),
        "versions": {"costmodel": costmodel.__version__, **{peer.package: _version(peer.package) for peer in PEERS}},
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE) if info.exists() else None
    return found[1] if found else platform.processor()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def warm(rows: list[Row]) -> dict[str, Any]:
    """Warm times in seconds; ratios are of medians, to costmodel's."""
    ours = named(rows, OURS)
    return {"contenders": {row.name: _row(row, {"ours": ours}) for row in rows}, "fastest_peer": _fastest(rows, ours)}


def cold(rows: list[Row]) -> dict[str, Any]:
    """Cold times in seconds and peaks in bytes; ratios are of medians, to the bare interpreter's and costmodel's."""
    bare, ours = named(rows, BARE), named(rows, OURS)
    contenders = {row.name: _row(row, {"bare": bare, "ours": ours}) for row in rows}
    return {"contenders": contenders, "fastest_peer": _fastest(rows, ours)}


def depth(depths: Iterable[Depth]) -> list[dict[str, Any]]:
    """Times in seconds, one entry a length and state of the garbage collector."""
    return [
        {
            "layers": entry.layers,
            "garbage_collector": entry.collector,
            "build_seconds": _rounded(entry.build_seconds),
            "count_seconds": _rounded(entry.count_seconds),
            "median_build_seconds": round(median(entry.build_seconds), 7),
            "median_count_seconds": round(median(entry.count_seconds), 7),
            "microseconds_a_layer": round(entry.microseconds_a_layer, 3),
        }
        for entry in depths
    ]


def write(path: Path, results: dict[str, Any]) -> None:
    """Indented JSON, but a list of numbers on one line."""
    text = json.dumps(results, indent=2)
    text = re.sub(r"\[\s+([\d\s.,e-]+?)\s+\]", lambda found: "[" + " ".join(found[1].split()) + "]", text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


def _row(row: Row, standards: dict[str, Row]) -> dict[str, Any]:
    if row.missing is not None:
        return {"missing": True, "why": row.missing}
    entry: dict[str, Any] = {
        "figure": row.figure,
        "unit": row.unit,
        "seconds": _rounded(row.seconds),
        "min_seconds": round(min(row.seconds), 7),
        "median_seconds": round(row.median, 7),
    }
    entry |= {f"time_to_{name}": round(row.median / other.median, 3) for name, other in standards.items()}
    if row.peaks:
        entry |= {"peak_bytes": row.peaks, "median_peak_bytes": row.peak}
        entry |= {f"peak_to_{name}": round(row.peak / other.peak, 3) for name, other in standards.items()}
    return entry


def _fastest(rows: list[Row], ours: Row) -> dict[str, Any] | None:
    row = fastest_peer(rows)
    return None if row is None else {"name": row.name, "time_to_ours": round(row.median / ours.median, 3)}


def _rounded(seconds: list[float]) -> list[float]:
    return [round(value, 7) for value in seconds]
