"""Measure search spaces and summaries: ``python -m benchmarks.spaces [--json FILE] [--quick]``.

Each part runs in a process of its own, which says its peak memory: the exact and the binned histogram of
once-for-all, its other answers, a million uniform samples under a budget, what 12,500 random networks would say
instead, and summaries of a grid on one and on two cores, and within a limit of memory. A wrong answer of costmodel
ends the run.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import results

DEFAULT = Path(__file__).with_name("results") / "spaces.json"

SPACE, BUDGET, NETWORKS, DISTINCT = "once_for_all_mobilenet_v3", 230_000_000, 7371**5, 24_293_979

#: What people draw, as SinglePathOneShot#13 does.
DRAWN = 12_500

#: Address space of the summary that is measured within a limit.
LIMIT_BYTES = 1 << 30


def _space() -> Any:
    import costmodel as cm

    return cm.space(SPACE)


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    answer = call()
    return answer, round(time.perf_counter() - start, 4)


def exact(quick: bool) -> dict[str, Any]:
    """Every cost and how many networks have it."""
    space = _space()
    histogram, seconds = _timed(space.histogram)
    total = sum((histogram.numbers >> 32).tolist()) * 2**32 + sum((histogram.numbers & 0xFFFFFFFF).tolist())
    assert (len(histogram.costs), total) == (DISTINCT, NETWORKS)
    return {"seconds": seconds, "distinct": len(histogram.costs)}


def binned(quick: bool) -> dict[str, Any]:
    """Bins of 1,024 multiply-adds."""
    space = _space()
    histogram, seconds = _timed(lambda: space.histogram(1024))
    return {"seconds": seconds, "bins": len(histogram.costs), "width": histogram.width, "spread": histogram.spread}


def answers(quick: bool) -> dict[str, Any]:
    """Building the space, how many fit, again, the median and how many costs there are."""
    space, build = _timed(_space)
    fit, first = _timed(lambda: space.within(BUDGET))
    _, again = _timed(lambda: space.within(BUDGET + 1))
    _, median = _timed(lambda: space.quantile(0.5))
    count, distinct = _timed(lambda: space.distinct)
    assert count == DISTINCT
    return {
        "build_seconds": build,
        "within": fit,
        "within_seconds": first,
        "again_seconds": again,
        "median_seconds": median,
        "distinct_seconds": distinct,
    }


def samples(quick: bool) -> dict[str, Any]:
    """A million networks within the budget, by the names of their choices; without the count before."""
    space = _space()
    space.within(BUDGET)
    number = 50_000 if quick else 1_000_000
    before = time.process_time()
    drawn, seconds = _timed(lambda: space.sample(number, seed=1, most=BUDGET))
    cpu = time.process_time() - before
    assert all(space.network(choices).multiply_adds <= BUDGET for choices in drawn[:20])
    return {
        "samples": number,
        "seconds": seconds,
        "samples_a_second": round(number / seconds),
        "samples_a_cpu_second": round(number / cpu),
    }


def sampling(quick: bool) -> dict[str, Any]:
    """What random networks say: each stage's depth and blocks drawn evenly, costs added from a table."""
    space = _space()
    fit, quantile = space.within(BUDGET), space.quantile(0.01)
    table = [
        {state: [choice for choice in stage if choice.before == state] for state in {one.before for one in stage}}
        for stage in space.stages
    ]
    draw = random.Random(1)

    def one() -> int:
        state, cost = space.start, 0
        for stage in table:
            choice = draw.choice(stage[state])
            state, cost = choice.after, cost + choice.costs[0]
        return cost

    costs, seconds = _timed(lambda: sorted(one() for _ in range(DRAWN)))
    return {
        "drawn": DRAWN,
        "seconds": seconds,
        "share_within": sum(cost <= BUDGET for cost in costs) / DRAWN,
        "exact_share_within": fit / space.networks,
        "one_percent": costs[DRAWN // 100],
        "exact_one_percent": quantile,
        "median": costs[DRAWN // 2],
        "exact_median": space.quantile(0.5),
    }


def _summary(quick: bool, workers: int) -> dict[str, Any]:
    import costmodel as cm

    step = "0.0001" if quick else "0.000001"
    grid = {"alpha": f"0.25:1.4:{step}", "resolution": "96:960:1"}
    most = {"multiply_adds": "300M"}
    summary, seconds = _timed(lambda: cm.summarize("mobilenet_v2", most=most, workers=workers, **grid))
    return {
        "designs": summary.designs,
        "within": summary.within,
        "workers": workers,
        "seconds": seconds,
        "designs_a_second": round(summary.designs / seconds),
    }


def summary_1(quick: bool) -> dict[str, Any]:
    """MobileNetV2 over alphas and resolutions, on one core."""
    return _summary(quick, 1)


def summary_2(quick: bool) -> dict[str, Any]:
    """The same on two cores."""
    return _summary(quick, 2)


def summary_limited(quick: bool) -> dict[str, Any]:
    """The same on one core, where the process may address no more than a gibibyte."""
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    return {**_summary(quick, 1), "limit_bytes": LIMIT_BYTES}


PARTS = (exact, binned, answers, samples, sampling, summary_1, summary_2, summary_limited)


def _alone(part: str, quick: bool) -> dict[str, Any]:
    """One part in a process of its own."""
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.spaces", "--part", part, *["--quick"] * quick]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=one_thread)
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def run(quick: bool, path: Path) -> None:
    """Measure, print, write ``path``."""
    measured = results.circumstances()
    for part in PARTS:
        measured[part.__name__] = _alone(part.__name__, quick)
        print(f"{part.__name__}: {measured[part.__name__]}", flush=True)
    results.write(path, measured)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spaces", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, default=DEFAULT, metavar="FILE", help="where to write the results")
    parser.add_argument("--quick", action="store_true", help="less of everything, to see that it runs")
    parser.add_argument("--part", choices=[part.__name__ for part in PARTS], help="one part alone, in this process")
    options = parser.parse_args()
    if options.part is None:
        run(options.quick, options.json)
        return
    (part,) = (part for part in PARTS if part.__name__ == options.part)
    answer = part(options.quick)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    times = os.times()
    cpu = {"cpu_seconds": round(times.user + times.system + times.children_user + times.children_system, 2)}
    workers = {"worker_peak_bytes": children} if children else {}
    print(json.dumps({**answer, **cpu, "peak_bytes": peak, **workers}))


if __name__ == "__main__":
    main()
