"""What a capture says of the models that people run: ``python -m benchmarks.coverage [--only LIBRARY] [NAME ...]``.

It installs nothing, and runs over whatever of the libraries is importable. Each model is captured without weights and
checked against PyTorch's FlopCounterMode, and gets one verdict:

- ``exact``: as many multiply-adds as FlopCounterMode, halved;
- ``exact, PyTorch blind``: FlopCounterMode has no formula for something that multiplies; without that, both agree;
- ``upper bound``: with ``--assume all-nonzero``;
- ``refused``: the capture stops, and ``reason`` says why;
- ``wrong``: the two differ;
- ``not checked``: captured, and FlopCounterMode cannot run it here, or counts by no rule that is known;
- ``does not run``: the library itself does not build or run the model so.

FlopCounterMode runs on meta: with the inputs, without the mask of ones (which changes no product), and in bfloat16; and
where none of these works, on the CPU with weights that are all one zero.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import signal
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.results import circumstances, write

DEFAULT = Path(__file__).with_name("results") / "coverage.json"
VERDICTS = ("exact", "exact, PyTorch blind", "upper bound", "refused", "wrong", "not checked", "does not run")
SECONDS = 30
#: FlopCounterMode on the CPU computes: no more than this.
MOST_ON_CPU = 5 * 10**10


@dataclass
class Row:
    """One model."""

    library: str
    name: str
    verdict: str = "does not run"
    masked_text: bool = False
    multiply_adds: int | None = None
    torch_multiply_adds: float | None = None
    reason: str = ""


class _TooLongError(Exception):
    pass


def _stop(*_: Any) -> None:
    raise _TooLongError(f"longer than {SECONDS} s")


def measure(library: str, name: str) -> Row:
    """Capture one model, and count it as PyTorch does."""
    import torch

    torch.set_num_threads(1)
    os.environ["HF_HUB_OFFLINE"] = "1"
    signal.signal(signal.SIGALRM, _stop)
    row = Row(library, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _measure(row)
    except _TooLongError as error:
        row.reason = str(error)
    finally:
        signal.alarm(0)
        gc.collect()
    row.reason = re.sub(r"/\S*/(?:site-packages|python[\d.]+)/", "", row.reason)  # where it lies on this machine
    return row


def _measure(row: Row) -> None:
    from benchmarks.coverage_models import LIBRARIES
    from costmodel import CostModelError
    from costmodel.capture.torch.api import from_torch

    def make() -> Any:
        return LIBRARIES[row.library].make(row.name)

    signal.alarm(SECONDS)
    try:
        case = make()
    except _TooLongError:
        raise
    except CostModelError as error:  # inputs that nobody has decided on
        row.reason = str(error)
        return
    except Exception as error:
        row.reason = _first_line(error)
        return
    row.masked_text = case.masked_text
    inputs, assumed = case.inputs, ""
    try:
        network = from_torch(case.module, inputs)
    except CostModelError as error:
        row.verdict, row.reason = "refused", str(error)
        try:
            network = from_torch(case.module, inputs, assume="all-nonzero")
        except CostModelError:
            _runs_at_all(row, make)
            return
        row.verdict, assumed = "upper bound", "all-nonzero"
    row.multiply_adds = network.multiply_adds
    if assumed:
        return
    row.verdict, row.reason = "not checked", ""
    flops = _reference(row, make)
    if flops is None:
        return
    row.torch_multiply_adds, row.reason = flops / 2, ""
    try:
        same = flops == 2 * network.multiply_adds
        row.verdict = "exact" if same else "wrong"
        if not same and flops == network.under("flop_counter_mode"):
            row.verdict = "exact, PyTorch blind"
    except CostModelError as error:  # what FlopCounterMode would say of all that was captured is not known
        row.verdict, row.reason = "not checked", str(error)


def _reference(row: Row, make: Callable[[], Any]) -> int | None:
    """What FlopCounterMode counts, the first way that works."""
    for way in (_on_meta, _without_mask, _in_bfloat16, _on_cpu):
        signal.alarm(SECONDS)
        try:
            if way is not _on_cpu or (row.multiply_adds or 0) <= MOST_ON_CPU:
                return way(make())
        except Exception as error:  # among them, that it took too long
            row.reason = f"FlopCounterMode: {_first_line(error)}"
    return None


def _runs_at_all(row: Row, make: Callable[[], Any]) -> None:
    """A model that breaks off without a capture, in the same way, is no refusal."""
    signal.alarm(SECONDS)
    try:
        _on_meta(make())
    except Exception as error:
        kind, _, told = _first_line(error).partition(": ")
        if kind in row.reason and told[:60] in row.reason:
            row.verdict = "does not run"


def _on_meta(case: Any, without: tuple[str, ...] = (), dtype: Any = None) -> int:
    import torch
    from torch.utils._pytree import tree_map_only

    def moved(tensor: Any) -> Any:
        return tensor.to("meta", dtype if dtype and tensor.is_floating_point() else tensor.dtype)

    model = case.module.eval().to("meta", dtype)
    with torch.device("meta"):
        return _counted(model, tree_map_only(torch.Tensor, moved, case.inputs), without)


def _without_mask(case: Any) -> int:
    return _on_meta(case, ("attention_mask",))


def _in_bfloat16(case: Any) -> int:
    import torch

    return _on_meta(case, ("attention_mask",), torch.bfloat16)


def _on_cpu(case: Any) -> int:
    import torch
    from torch import nn
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils._pytree import tree_map_only

    def zeros(tensor: Any) -> Any:
        return torch.zeros((), dtype=tensor.dtype).expand(tensor.shape) if tensor.is_meta else tensor

    for module in case.module.modules():
        for key, parameter in module._parameters.items():
            if parameter is not None:
                module._parameters[key] = nn.Parameter(zeros(parameter.detach()), requires_grad=False)
        for key, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[key] = zeros(buffer)
    inputs = tree_map_only(torch.Tensor, lambda tensor: torch.zeros_like(zeros(tensor)) if tensor.is_meta else tensor,
                           case.inputs)  # fmt: skip
    # The kernels of the CPU that compute attention or a recurrent network in one piece are in no table of PyTorch's.
    torch.backends.mha.set_fastpath_enabled(False)
    with sdpa_kernel(SDPBackend.MATH), torch.backends.mkldnn.flags(enabled=False):
        return _counted(case.module.eval(), inputs)


def _counted(model: Any, inputs: Any, without: tuple[str, ...] = ()) -> int:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        if isinstance(inputs, dict):
            model(**{key: value for key, value in inputs.items() if key not in without})
        else:
            model(*inputs)
    return int(counter.get_total_flops())


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"[:300]


def rows(only: str, chosen: list[str]) -> Iterator[Row]:
    """A row a model, a fresh process for every forty, so that memory stays bounded."""
    from benchmarks.coverage_models import LIBRARIES

    for library, models in LIBRARIES.items():
        if not models.importable or (only and library != only):
            continue
        names = [name for name in models.names() if not chosen or name in chosen]
        for start in range(0, len(names), 40):
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                yield from pool.map(measure, [library] * 40, names[start : start + 40])


def main() -> None:
    """Read the command line, write the table, say the totals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="these models alone")
    parser.add_argument("--only", default="", metavar="LIBRARY", help="this library alone")
    parser.add_argument("--json", type=Path, default=DEFAULT, metavar="FILE", help="where the results go")
    given = parser.parse_args()
    results: dict[str, Any] = circumstances()
    measured = []
    for row in rows(given.only, given.names):
        measured.append(row)
        shown = f"{row.library:20} {row.name:36} {row.verdict:22} {row.multiply_adds or ''} {row.reason[:120]}"
        print(shown, flush=True)
    totals = {library: dict(Counter(row.verdict for row in measured if row.library == library))
              for library in dict.fromkeys(row.library for row in measured)}  # fmt: skip
    texts = Counter(row.verdict for row in measured if row.library == "transformers" and row.masked_text)
    results |= {"totals": totals, "texts_with_mask": dict(texts), "rows": [asdict(row) for row in measured]}
    write(given.json, results)
    for library, verdicts in totals.items():
        print(library, ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in VERDICTS if verdict in verdicts))
    print("texts with a mask", dict(texts))


if __name__ == "__main__":
    main()
