"""Time what a step of training costs, and a language model: ``python -m benchmarks.training``.

Both are to take little: a step of MobileNetV2 at most 1 ms, and ``llama2_7b``, built and counted, at most 5 ms. A wrong
answer ends the run; a time, however long, does not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import costmodel as cm

CALLS = 200


def step() -> Callable[[], None]:
    """The multiply-adds of a step of MobileNetV2, and the bytes that it keeps; the network is there."""
    net = cm.mobilenet_v2()
    assert net.nodes

    def count() -> None:
        found = net.training(batch=32)
        answer = found.forward, found.input_gradient, found.weight_gradient, found.saved_bytes
        assert answer == (9_624_776_704, 9_277_960_192, 9_624_776_704, 2_502_841_600), answer

    return count


def peak() -> Callable[[], None]:
    """The peak of its memory as well."""
    net = cm.mobilenet_v2()
    return lambda: _is(net.training(batch=32).peak_bytes, 2_574_648_192)


def llama() -> Callable[[], None]:
    """Llama 2 7B at 4096 tokens, built and counted."""
    return lambda: _is(cm.llama2_7b().multiply_adds, 31_460_635_443_200)


def _is(answer: int, expected: int) -> None:
    assert answer == expected, answer


def milliseconds(ready: Callable[[], Callable[[], None]]) -> list[float]:
    """The times of calls after the first."""
    times = []
    for call in range(CALLS + 1):
        count = ready()
        start = time.perf_counter()
        count()
        if call:
            times.append(1000 * (time.perf_counter() - start))
    return times


def main() -> None:
    """Print the median and the least of each."""
    for ready in (step, peak, llama):
        times = milliseconds(ready)
        print(f"{median(times):7.3f} ms, at least {min(times):.3f} ms: {(ready.__doc__ or '').splitlines()[0]}")


if __name__ == "__main__":
    main()
