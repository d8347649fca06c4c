"""Capture five models of timm beside FlopCounterMode and fvcore: ``python -m benchmarks.capture_speed [--json FILE]``.

Each count runs in a process of its own (``--child TOOL MODEL``), the tools in turn, several rounds; a process builds
the model (on the meta device, but for fvcore, which cannot), counts it once to load what PyTorch loads late, then
counts it a few times more and says its times and its peak memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

DEFAULT = Path(__file__).with_name("results") / "capture_speed.json"

#: The last has 1.01 billion parameters.
MODELS = ("mobilenetv2_100", "resnet50", "vit_base_patch16_224", "convnext_base", "eva_giant_patch14_224")
TOOLS = ("costmodel", "flop-counter-meta", "fvcore")
COUNTS = 5


def child(tool: str, name: str) -> None:
    """Count one model with one tool and print what it took."""
    import timm
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    with torch.device("cpu" if tool == "fvcore" else "meta"), torch.no_grad():
        model = timm.create_model(name).eval()
    sizes = model.default_cfg["input_size"]
    figures, seconds = [], []
    for _ in range(1 + COUNTS):
        start = time.perf_counter()
        figures.append(_count(tool, model, sizes))
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(json.dumps({"figure": figures[0], "seconds": seconds[1:], "peak_bytes": peak, "parameters": parameters}))


def _count(tool: str, model: Any, sizes: tuple[int, ...]) -> int:
    import torch

    if tool == "costmodel":
        from costmodel.capture.torch.api import from_torch

        return from_torch(model, sizes).multiply_adds
    if tool == "fvcore":
        from fvcore.nn import FlopCountAnalysis

        with torch.no_grad():
            analysis = FlopCountAnalysis(model, torch.zeros(1, *sizes))
            return int(analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).total())
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.empty(1, *sizes, device="meta"))
    return int(counter.get_total_flops()) // 2


def run(rounds: int) -> list[dict[str, Any]]:
    """One entry a model: what each tool counted, its median seconds and peak, and the ratios to costmodel."""
    measured = []
    for name in MODELS:
        told: dict[str, list[dict[str, Any]]] = {tool: [] for tool in TOOLS}
        for _ in range(rounds):
            for tool in TOOLS:
                command = [sys.executable, "-m", "benchmarks.capture_speed", "--child", tool, name]
                ran = subprocess.run(command, capture_output=True, text=True, check=True)
                told[tool].append(json.loads(ran.stdout.splitlines()[-1]))
        if told["costmodel"][0]["figure"] != told["flop-counter-meta"][0]["figure"]:
            raise SystemExit(f"{name}: costmodel and FlopCounterMode disagree")
        contenders = {
            tool: {
                "figure": runs[0]["figure"],
                "median_seconds": median(second for one in runs for second in one["seconds"]),
                "peak_bytes": max(one["peak_bytes"] for one in runs),
                "seconds": [one["seconds"] for one in runs],
            }
            for tool, runs in told.items()
        }
        ours = contenders["costmodel"]["median_seconds"]
        for found in contenders.values():
            found["ours_to_time"] = round(ours / found["median_seconds"], 3)
        measured.append({"model": name, "parameters": told["costmodel"][0]["parameters"], "contenders": contenders})
        line = ", ".join(
            f"{tool} {1000 * found['median_seconds']:.0f} ms {found['peak_bytes'] / 1e6:.0f} MB"
            f" (ours takes {found['ours_to_time']:.2f} x its time)"
            for tool, found in contenders.items()
        )
        print(f"{name}: {line}", flush=True)
    return measured


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.capture_speed", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--child", nargs=2, metavar=("TOOL", "MODEL"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, default=DEFAULT, metavar="FILE")
    options = parser.parse_args()
    if options.child:
        child(*options.child)
        return
    from benchmarks import results

    found = results.circumstances()
    found["versions"] |= {"timm": metadata.version("timm")}
    found["models"] = run(options.rounds)
    results.write(options.json, found)


if __name__ == "__main__":
    main()
