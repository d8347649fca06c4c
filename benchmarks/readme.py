"""The README's sections on speed and on captures, made from the measured results and from nothing else."""

from __future__ import annotations

import csv
import json
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"

#: How the README calls what the results call by a short name.
NAMES = {
    "costmodel": "**costmodel**",
    "flop-counter": "FlopCounterMode on the CPU, torch",
    "flop-counter-meta": "FlopCounterMode on meta, torch",
    "ptflops": "ptflops (pytorch)",
    "ptflops-aten": "ptflops (aten)",
}


#: What came of a capture, from the best to the worst.
VERDICTS = {
    "exact": "captured exactly: multiply-adds equal FlopCounterMode / 2, parameters equal `numel`",
    "peer failed": "captured, but FlopCounterMode fails",
    "refused": "refused, with the reason in one line",
    "not built": "not built by timm on the meta device",
    "different": "captured, and not equal to FlopCounterMode / 2 or `numel`",
    "failed": "failed without a reason",
}


def speed() -> str:
    """A table of the warm and the cold answer beside each peer, and a paragraph on depth and on the surface."""
    count, surface = _read("count.json"), _read("surface.json")
    machine = f"{count['machine']['cpu']}, {count['machine']['cores']} cores, Python {count['python']}"
    cold, warm = count["cold"]["contenders"], count["warm"]["contenders"]
    rows = [
        f"| {NAMES.get(name, name)} {count['versions'].get(name.split('-')[0], count['versions']['torch'])}"
        f" | {found['figure']:,}"
        f" | {1000 * found['median_seconds']:.2f} ms | {_times(found['time_to_ours'])}"
        f" | {cold[name]['median_seconds']:.2f} s | {_times(cold[name]['time_to_ours'])}"
        f" | {cold[name]['median_peak_bytes'] / 2**20:.0f} MiB |"
        for name, found in warm.items()
    ]
    return "\n".join(
        [
            f"Measured on {count['date'][:10]} ({machine}, one thread, medians; `python -m benchmarks.count`):",
            "",
            "| one MobileNetV2 | its figure | warm | to ours | cold process | to ours | peak memory |",
            "| :--- | ---: | ---: | ---: | ---: | ---: | ---: |",
            *rows,
            "",
            *_notes(count, surface),
        ]
    )


def _notes(count: dict[str, Any], surface: dict[str, Any]) -> list[str]:
    cold = count["cold"]["contenders"]
    deep = next(row for row in count["depth"] if row["layers"] == 10_000 and row["garbage_collector"])
    seconds = deep["median_build_seconds"] + deep["median_count_seconds"]
    rates = sorted(row["designs_a_second"] / 1e6 for row in surface["architectures"])
    peer = max(surface["peers"], key=lambda row: row["designs_a_second"])
    paragraph = (
        f"The bare interpreter starts in {cold['bare interpreter']['median_seconds']:.4f} s; a cold `costmodel count`"
        f" takes {cold['costmodel']['time_to_bare']:.1f} times that. A network of 10,000 layers is built and counted in"
        f" {1000 * seconds:.0f} ms. A grid of 1,000 alphas by 1,000 resolutions is counted at"
        f" {rates[0]:.0f} to {rates[-1]:.0f} million exact designs a second, for each of {len(rates)} networks that"
        f" scale, and at {surface['points']['designs_a_second']:,} where a loop builds every design of MobileNetV2"
        f" (`python -m benchmarks.surface`); a loop over {NAMES.get(peer['name'], peer['name'])} would take"
        f" {peer['extrapolated_ratio_to_ours'] / 1e6:.1f} million times as long as the grid (extrapolated from a few"
        " counts)."
        " Each timed call builds its network anew; warm means that Python's caches of layers and windows are warm too."
    )
    return textwrap.wrap(paragraph, 118, break_long_words=False, break_on_hyphens=False)


def _times(ratio: float) -> str:
    return f"{ratio:.0f} x" if ratio >= 10 else f"{ratio:.1f} x"


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / name).read_text())
    return found


def capture() -> str:
    """How many of timm's architectures are captured exactly, and what five captures take beside the peers."""
    with (RESULTS / "capture.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    counts = Counter(row["verdict"] for row in rows)
    speed = _read("capture_speed.json")
    machine = f"{speed['machine']['cpu']}, {speed['machine']['cores']} cores, Python {speed['python']}"
    told = [f"| {VERDICTS[verdict]} | {counts[verdict]:,} |" for verdict in VERDICTS if counts[verdict]]
    unknown = set(counts) - set(VERDICTS)
    if unknown:
        raise ValueError(f"capture.csv has verdicts that the README does not know: {', '.join(sorted(unknown))}")
    measured = [
        f"| {row['model']} | {row['parameters'] / 1e6:,.1f} M |"
        " "
        + " | ".join(_contender(row["contenders"][tool]) for tool in ("costmodel", "flop-counter-meta", "fvcore"))
        + " |"
        for row in speed["models"]
    ]
    return "\n".join(
        [
            f"| of {len(rows):,} architectures of timm {speed['versions']['timm']} | |",
            "| :--- | ---: |",
            *told,
            "",
            f"Measured on {speed['date'][:10]} ({machine}, one thread, medians and peak memory of the process;\n"
            "`python -m benchmarks.capture`, `python -m benchmarks.capture_speed`):",
            "",
            "| one capture | parameters | **costmodel** | FlopCounterMode on meta | fvcore |",
            "| :--- | ---: | ---: | ---: | ---: |",
            *measured,
        ]
    )


def _contender(found: dict[str, Any]) -> str:
    return f"{1000 * found['median_seconds']:,.0f} ms, {found['peak_bytes'] / 1e6:,.0f} MB"
