"""Capture every architecture of timm: ``python -m benchmarks.capture [--only PATTERN]``.

Each is built on the meta device, captured, and checked against PyTorch's FlopCounterMode (halved) and ``numel``. The
rows go to ``results/capture.csv`` as they come; what the two tools answer differently is no verdict on either: see
``benchmarks/README.md``.
"""

from __future__ import annotations

import argparse
import csv
import fnmatch
import gc
import os
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, fields
from multiprocessing import get_context
from pathlib import Path
from typing import Any

DEFAULT = Path(__file__).with_name("results") / "capture.csv"


@dataclass
class Row:
    """One architecture: what each side counted, how long it took, and how the two compare."""

    name: str
    verdict: str = ""
    multiply_adds: int | None = None
    torch_multiply_adds: int | None = None
    parameters: int | None = None
    numel: int | None = None
    operations: int | None = None
    seconds: float | None = None
    torch_seconds: float | None = None
    reason: str = ""


def measure(name: str) -> Row:
    """Build ``name`` on the meta device and count it both ways."""
    import timm
    import torch

    from costmodel import CostModelError
    from costmodel.capture.torch.api import from_torch

    torch.set_num_threads(1)
    row = Row(name)
    try:
        with torch.device("meta"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = timm.create_model(name).eval()
    except Exception as error:
        return _refused(row, "not built", error)
    sizes = model.default_cfg.get("input_size", (3, 224, 224))
    row.numel = sum(parameter.numel() for parameter in model.parameters())
    # FlopCounterMode first: the first to run pays for whatever PyTorch loads late.
    try:
        start = time.perf_counter()
        row.torch_multiply_adds = _flop_counter(model, sizes)
        row.torch_seconds = round(time.perf_counter() - start, 4)
    except Exception as error:
        row.reason = f"FlopCounterMode: {type(error).__name__}"
    try:
        start = time.perf_counter()
        network = from_torch(model, sizes)
        row.multiply_adds, row.parameters = network.multiply_adds, network.parameters
        row.seconds = round(time.perf_counter() - start, 4)
        row.operations = len(network.ledger)
    except CostModelError as error:
        return _refused(row, "refused", error)
    except Exception as error:
        return _refused(row, "failed", error)
    same = (row.multiply_adds, row.parameters) == (row.torch_multiply_adds, row.numel)
    row.verdict = "exact" if same else "peer failed" if row.torch_multiply_adds is None else "different"
    return row


def _flop_counter(model: Any, sizes: tuple[int, ...]) -> int:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    # With gradients on: without them it crashes on two models.
    with FlopCounterMode(display=False) as counter:
        model(torch.empty(1, *sizes, device="meta"))
    total = int(counter.get_total_flops())
    return total // 2 if total % 2 == 0 else -1


def _refused(row: Row, verdict: str, error: Exception) -> Row:
    row.verdict = verdict
    row.reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]
    return row


def _safely(name: str) -> Row:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return measure(name)
    finally:
        gc.collect()


def rows(pattern: str) -> Iterator[Row]:
    """A row an architecture, a fresh process for every hundred, so that memory stays bounded."""
    import timm

    names = [name for name in timm.list_models() if fnmatch.fnmatch(name, pattern)]
    for start in range(0, len(names), 100):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            yield from pool.map(_safely, names[start : start + 100])


def main() -> None:
    """Read the command line, write the table, say the totals."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capture", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="*", metavar="PATTERN", help="architectures, as a shell pattern")
    parser.add_argument("--csv", type=Path, default=DEFAULT, metavar="FILE")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    counts: dict[str, int] = {}
    with options.csv.open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        for row in rows(options.only):
            writer.writerow(asdict(row))
            file.flush()
            counts[row.verdict] = counts.get(row.verdict, 0) + 1
            if row.verdict != "exact":
                figures = f"{row.multiply_adds} {row.torch_multiply_adds}, {row.parameters} {row.numel}"
                print(f"{row.name}: {row.verdict}: {figures} {row.reason}", flush=True)
    print(", ".join(f"{verdict} {count}" for verdict, count in sorted(counts.items())))


if __name__ == "__main__":
    main()
