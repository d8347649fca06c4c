"""A grid counted chunk by chunk: here, in several processes or on a cluster, and from where an earlier run ended."""

from __future__ import annotations

import hashlib
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from typing import Any, Protocol, final

from costmodel.errors import CostModelError, missing_package, positive_int
from costmodel.files import read_regular, write_whole
from costmodel.scaling.summary.digest import CountedDesign, Digest
from costmodel.scaling.summary.plan import Chunk, SweepPlan
from costmodel.scaling.sweep import Progress
from costmodel.version import __version__

#: Seconds between two writes of a checkpoint.
_EVERY = 5.0

#: A checkpoint has bins, a front and the best designs, and never more bytes than this.
_MOST_BYTES = 1 << 28


class _Future(Protocol):
    def result(self) -> Any: ...


@final
@dataclass(frozen=True)
class Summary:
    """What is known of the designs of a grid, of those that fit the budgets where there are any."""

    plan: SweepPlan
    digest: Digest

    @property
    def designs(self) -> int:
        """How many designs were counted."""
        return self.digest.designs

    @property
    def within(self) -> int:
        """How many of them keep every budget; all, where there is none."""
        return self.digest.fitting

    def quantile(self, share: float | Fraction) -> tuple[int, int]:
        """The least multiply-adds that at least ``share`` of the designs do not exceed: between two numbers.

        They are at most 1/2,048 apart. Raises :class:`~costmodel.errors.CostModelError` where no design fits, and for
        no share from 0 to 1.
        """
        if not 0 <= share <= 1:
            raise CostModelError(f"{share} is no share of the designs; use 0 to 1, as in 0.5")
        if not self.within:
            raise CostModelError("no design keeps every budget; use larger ones")
        return self.digest.quantile(Fraction(str(share)))

    def rows(self, designs: Iterable[CountedDesign]) -> list[dict[str, Any]]:
        """The arguments of designs, and what they cost."""
        return [
            {**self.plan.design(one.number), "multiply_adds": one.multiply_adds, "parameters": one.parameters}
            for one in designs
        ]


def summarize(
    models: str | Sequence[str],
    *,
    most: Mapping[str, str] | None = None,
    best: int = 10,
    workers: int = 1,
    dask: str = "",
    checkpoint: str = "",
    progress: Progress | None = None,
    dtype: str = "",
    policy: str = "fused",
    **axes: Any,
) -> Summary:
    """Count a grid of any size, and keep a summary in constant memory.

    ``models`` and ``axes`` are those of :func:`~costmodel.sweep`. Of the designs that keep every budget of ``most``
    (``{"multiply_adds": "300M"}``): how many there are, a histogram of their multiply-adds, their Pareto front (no
    other design has as few multiply-adds and as many parameters), and the ``best``, with the most multiply-adds.

    ``workers``: so many processes. ``dask``: the address of a cluster's scheduler, ``tcp://...``; needs the extra
    ``dask``. ``checkpoint``: a file that the state is written to every few seconds, and that a later call with the same
    arguments goes on from. The answer is the same, whatever was ended and whoever counted.

    Raises :class:`~costmodel.errors.CostModelError` as :func:`~costmodel.sweep` does, for a checkpoint of another grid,
    and where a design has operators that are not counted.

    >>> summary = summarize("mobilenet_v2", alpha="0.25:1:0.25", resolution="96:224:32", most={"multiply_adds": "100M"})
    >>> summary.designs, summary.within
    (20, 14)
    >>> summary.rows(summary.digest.best[:1])
    [{'model': 'mobilenet_v2', 'alpha': 1.0, 'resolution': 128, 'multiply_adds': 99074048, 'parameters': 3504872}]
    """
    names = (models,) if isinstance(models, str) else tuple(models)
    plan = SweepPlan(names, axes, dtype, policy, dict(most or {}), positive_int(best, "best", 0))
    total, chunks = plan.designs, plan.chunk_count
    state = _Checkpoint(checkpoint, plan)
    done, digest = state.read()
    if progress:
        progress(digest.designs, total)
    with _counting(plan, islice(plan.chunks(), done, chunks), positive_int(workers, "workers"), dask) as parts:
        try:
            for part in parts:
                digest.merge(part)
                done += 1
                state.write(done, digest, last=done == chunks)
                if progress:
                    progress(digest.designs, total)
        finally:
            state.write(done, digest, last=True)
    return Summary(plan, digest)


class _Checkpoint:
    """The file that the state of a run is written to; none where it has no name."""

    def __init__(self, path: str, plan: SweepPlan) -> None:
        self._path, self._best, self._written = path, plan.best, time.monotonic()
        document = json.dumps([__version__, plan.document()], sort_keys=True)
        self._plan = hashlib.sha256(document.encode()).hexdigest()
        self._last = -1

    def read(self) -> tuple[int, Digest]:
        """How many chunks are done, and what is known of them."""
        fresh = 0, Digest(self._best)
        if not self._path:
            return fresh
        try:
            document = json.loads(read_regular(self._path, _MOST_BYTES))
            if document["plan"] == self._plan:
                return document["chunks"], Digest.restored(document["digest"], self._best)
        except FileNotFoundError:
            return fresh
        except (ValueError, KeyError, TypeError, IndexError) as error:
            if isinstance(error, CostModelError):
                raise
            raise CostModelError(f"{self._path} is no checkpoint of a sweep; name another file, or remove it") from None
        raise CostModelError(f"{self._path} is of another sweep, or version; name another file, or remove it")

    def write(self, done: int, digest: Digest, last: bool) -> None:
        """Write the state, if it is long ago that it was, or the ``last`` one."""
        if not self._path or done == self._last or not (last or time.monotonic() - self._written > _EVERY):
            return
        document = {"plan": self._plan, "chunks": done, "digest": digest.document()}
        write_whole(self._path, json.dumps(document).encode())
        self._written, self._last = time.monotonic(), done


@contextmanager
def _counting(plan: SweepPlan, chunks: Iterator[Chunk], workers: int, dask: str) -> Iterator[Iterator[Digest]]:
    """What is kept of each chunk, in their order."""
    if dask:
        with _cluster(plan, dask) as (submit, processes):
            yield _in_order(submit, chunks, 2 * processes)
    elif workers == 1:
        yield map(plan.count, chunks)
    else:
        from concurrent.futures import ProcessPoolExecutor
        from concurrent.futures.process import BrokenProcessPool
        from multiprocessing import get_context

        pool = ProcessPoolExecutor(workers, get_context("spawn"), _start, (plan,))
        try:
            yield _in_order(lambda chunk: pool.submit(_count, chunk), chunks, 2 * workers)
        except BrokenProcessPool:
            raise CostModelError("a worker was ended; start again, with --checkpoint from where it was") from None
        finally:
            pool.shutdown(cancel_futures=True)


def _in_order(submit: Callable[[Chunk], _Future], chunks: Iterator[Chunk], ahead: int) -> Iterator[Digest]:
    """Results in the order of the chunks, with some of them ``ahead``: memory is for so many."""
    waiting: deque[_Future] = deque()
    for chunk in chunks:
        waiting.append(submit(chunk))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


#: The plan of this process, where it is one of several.
_PLANS: list[SweepPlan] = []


def _start(plan: SweepPlan) -> None:
    _PLANS[:] = [plan]


def _count(chunk: Chunk) -> Digest:
    return _PLANS[0].count(chunk)


def _count_of(plan: SweepPlan, chunk: Chunk) -> Digest:
    """On a cluster: a worker may be new, and knows nothing of the plan but its text."""
    if not _PLANS or _PLANS[0] != plan:
        _start(plan)
    return _count(chunk)


@contextmanager
def _cluster(plan: SweepPlan, address: str) -> Iterator[tuple[Callable[[Chunk], _Future], int]]:
    """What sends a chunk to a cluster, and how many it counts at once."""
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise missing_package("--dask", "distributed") from None
    try:
        client = Client(address, timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CostModelError(f"no scheduler answers at {address}: {error}; write tcp://HOST:PORT") from None
    with client:
        processes = max(1, sum(client.nthreads().values()))
        small = replace(plan)  # without the values that it has read from its axes: it is sent with every chunk
        yield lambda chunk: client.submit(_count_of, small, chunk, pure=False), processes
