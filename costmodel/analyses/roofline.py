"""The least time that a machine needs for a network: it can compute no faster than its peak, nor move bytes faster
than its bandwidth (Williams, Waterman, Patterson, 2009: "Roofline: an insightful visual performance model").

An operation takes at least the longer of two times: its FLOPs over the peak, its bytes over the bandwidth. FLOPs are
those of multiply-adds, which the peaks of devices are made of; bytes are those of
:func:`~costmodel.analyses.traffic.traffic`: each operation runs on its own, or with what is fused into it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, final

from costmodel.analyses.policies import policy_named
from costmodel.analyses.traffic import traffic
from costmodel.core.graph import Node
from costmodel.core.network import Network
from costmodel.errors import CostModelError, nearest, positive_int
from costmodel.published.tables import paper_table
from costmodel.quantities import parse_dtype, parse_quantity

#: What binds an operation.
COMPUTE, MEMORY = "compute", "memory"


class Machine(NamedTuple):
    """FLOPs and bytes a second that a machine reaches at most, for numbers of ``dtype``, and who says so."""

    name: str
    dtype: str
    peak: Fraction
    bandwidth: Fraction
    source: str = ""

    @property
    def ridge(self) -> Fraction:
        """The FLOPs a byte from which on computing takes longer than moving."""
        return self.peak / self.bandwidth


class Bound(NamedTuple):
    """FLOPs and bytes of one operation, or of several, and the seconds that they take at least.

    ``compute`` is the part of the seconds in operations that the peak binds; the rest is bound by the bandwidth.
    """

    flops: int = 0
    bytes: int = 0
    seconds: Fraction = Fraction(0)
    compute: Fraction = Fraction(0)

    @property
    def intensity(self) -> Fraction:
        """FLOPs for each byte; 0 where nothing moves."""
        return Fraction(self.flops, self.bytes) if self.bytes else Fraction(0)

    @property
    def bound_by(self) -> str:
        """``"compute"`` or ``"memory"``, whichever binds more of the seconds; empty where there are none."""
        if not self.seconds:
            return ""
        return COMPUTE if 2 * self.compute >= self.seconds else MEMORY


@final
@dataclass(frozen=True)
class Roofline:
    """The least time of a network for ``batch`` samples: a bound for each operation, in the order of the network."""

    network: Network
    machine: Machine
    #: The type that takes the place of floating point; empty where values have their own.
    dtype: str
    batch: int
    #: Whether what the policy ``fused`` of :mod:`~costmodel.analyses.policies` joins to an operation takes no time.
    fused: bool
    bounds: dict[Node, Bound]

    def of(self, nodes: Iterable[Node]) -> Bound:
        """The bound of several operations, one after another."""
        bounds = [self.bounds[node] for node in nodes]
        return Bound(
            sum([bound.flops for bound in bounds]),
            sum([bound.bytes for bound in bounds]),
            sum([bound.seconds for bound in bounds], Fraction(0)),
            sum([bound.compute for bound in bounds], Fraction(0)),
        )

    @property
    def total(self) -> Bound:
        """That of the whole network."""
        return self.of(self.bounds)


def roofline(
    network: Network,
    device: str = "",
    *,
    peak: str | int = "",
    bandwidth: str | int = "",
    dtype: str = "",
    batch: int = 1,
    fused: bool = False,
) -> Roofline:
    """The least time that ``network`` takes on ``device``, or on a machine of that ``peak`` and ``bandwidth``.

    A device is a name of the table that ships with the package; the others are rates such as ``"82.6 TFLOPS"`` and
    ``"1008 GB/s"``. ``dtype`` takes the place of floating-point types, and chooses the peak of the device; by default
    the network has its own. With ``fused``, a batch norm or an activation is part of the convolution or linear layer
    before it, as a compiler has it, and takes no time of its own.

    Raises :class:`~costmodel.errors.CostModelError` for an unknown device or type, a type that the device has no
    peak for, a rate that is none, and where it is not said which machine is meant.

    >>> import costmodel as cm
    >>> found = cm.mobilenet_v1().roofline("rtx-4090", dtype="fp16")
    >>> found.total.bound_by, float(found.total.seconds)
    ('memory', 6.877...e-05)
    """
    dtype = dtype and parse_dtype(dtype)
    own = dtype or own_dtype(network)
    if device and (peak or bandwidth):
        raise CostModelError(f"the device {device} has a peak and a bandwidth of its own; leave out one or the other")
    machine = named_machine(device, own) if device else _machine_of(peak, bandwidth, own)
    return bounded(network, machine, dtype, batch, fused)


def bounded(network: Network, machine: Machine, dtype: str = "", batch: int = 1, fused: bool = False) -> Roofline:
    """The least time of ``network`` on ``machine``, as :func:`roofline` has it."""
    positive_int(batch, "batch")
    bounds = {node: _bound(node, machine, dtype, batch) for node in network.ledger.operations}
    if fused:
        steps = policy_named("fused").plan(network, lambda shape, dtype: 0, ()).lives.steps
        bounds = dict.fromkeys(bounds, Bound()) | {step.node: bounds[step.node] for step in steps}
    return Roofline(network, machine, dtype, batch, fused, bounds)


def _bound(node: Node, machine: Machine, dtype: str, batch: int) -> Bound:
    flops, moved = 2 * node.macs * batch, traffic(node, dtype, batch).moved
    computing, moving = flops / machine.peak, moved / machine.bandwidth
    seconds = max(computing, moving)
    return Bound(flops, moved, seconds, seconds if computing >= moving else Fraction(0))


def own_dtype(network: Network) -> str:
    """The type in which a network multiplies, or that of its output where it does not."""
    return next((node.dtype for node in network.ledger.operations if node.macs), network.output.dtype)


def devices() -> tuple[str, ...]:
    """The names of the devices whose peaks and bandwidths ship with the package.

    >>> "rtx-4090" in devices()
    True
    """
    return tuple(dict.fromkeys(row.device for row in paper_table("devices")))


def named_machine(device: str, dtype: str) -> Machine:
    """What the table says of ``device`` for numbers of ``dtype``: dense peaks, without sparsity.

    Raises :class:`~costmodel.errors.CostModelError` for an unknown device and a type that it has no peak for.

    >>> named_machine("t4", "int8").ridge
    Fraction(1625, 4)
    """
    rows = [row for row in paper_table("devices") if row.device == device]
    if not rows:
        known = devices()
        raise CostModelError(
            f"no device is called {device!r}; {nearest(device, known)}there are {', '.join(known)}; of another, give"
            ' --peak "82.6 TFLOPS" and --bandwidth "1008 GB/s"'
        )
    for row in rows:
        if row.dtype == dtype:
            return Machine(device, dtype, _rate(row.peak, "peak"), _rate(row.bandwidth, "bandwidth"), row.source)
    has = ", ".join(row.dtype for row in rows)
    raise CostModelError(f"{device} has no peak for {dtype} in the table; give --dtype, one of {has}, or --peak")


def _machine_of(peak: str | int, bandwidth: str | int, dtype: str) -> Machine:
    if not (peak and bandwidth):
        missing = "bandwidth" if peak else "peak" if bandwidth else ""
        lack = f"the {missing} is missing; " if missing else "no machine is named; "
        raise CostModelError(
            f'{lack}give --device NAME, such as rtx-4090, or both --peak "82.6 TFLOPS" and --bandwidth "1008 GB/s"'
        )
    return Machine("a machine", dtype, _rate(peak, "peak"), _rate(bandwidth, "bandwidth"), "as given")


def _rate(text: str | int, what: str) -> Fraction:
    try:
        amount = parse_quantity(text, {"peak": "flops_per_second", "bandwidth": "bytes_per_second"}[what]).amount
    except CostModelError as error:
        raise error.at(what) from None
    if not amount:
        raise CostModelError(f"{what}: {text!r} is nothing a second; a rate is above 0")
    return amount
