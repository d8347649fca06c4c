"""Warm: MobileNetV2 counted again and again in one process, everything imported.

Timed for costmodel: building the network and counting its multiply-adds and parameters, from nothing each time. Timed
for a peer: counting alone. Its module is built before, and so is the copy of it for a peer that changes the module.
Not timed: imports, and the first calls.
"""

from __future__ import annotations

import copy
import gc
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import ours
from benchmarks.peers import PEERS, Peer
from benchmarks.rows import OURS, Row


@dataclass
class _Contender:
    row: Row
    #: Makes the function to time; its own time does not count.
    ready: Callable[[], Callable[[], int]]

    def turn(self, calls: int) -> None:
        """One call that is not timed, then ``calls`` that are."""
        gc.collect()  # nobody pays for what another left
        for call in range(-1, calls):
            count = self.ready()
            start = time.perf_counter()
            figure = count()
            seconds = time.perf_counter() - start
            self.row.gives(figure)
            if call >= 0:
                self.row.seconds.append(seconds)


def _peer(peer: Peer) -> _Contender:
    row = Row(peer.name, peer.unit)
    try:
        count = peer.load()
        module, image = peer.subject()
    except ModuleNotFoundError as error:
        row.missing = str(error)
        return _Contender(row, lambda: lambda: 0)

    def ready() -> Callable[[], int]:
        subject = copy.deepcopy(module) if peer.alters else module
        return lambda: count(subject, image)

    return _Contender(row, ready)


def measure(rounds: int, calls: int) -> list[Row]:
    """Contenders take turns, ``calls`` timed calls a turn, so that a change of the machine's pace meets all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        contenders = [_Contender(Row(OURS), lambda: ours.count), *map(_peer, PEERS)]
        for _ in range(rounds):
            for contender in contenders:
                if contender.row.missing is None:
                    contender.turn(calls)
    return [contender.row for contender in contenders]
