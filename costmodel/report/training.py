"""The report of ``costmodel training``: a step in a line, what a device must hold for it, then a row an operation."""

from __future__ import annotations

from fractions import Fraction
from typing import final

from costmodel import formulas
from costmodel.analyses.roofline import Machine
from costmodel.analyses.training import Training
from costmodel.report.answer import Answer
from costmodel.report.costs import subject
from costmodel.report.roofline import machine_text
from costmodel.report.table import Table
from costmodel.report.units import duration, percent, si

_COLUMNS = ("forward", "input_gradient", "weight_gradient", "saved_bytes")
_CHECKPOINTS = {
    "": "every operation keeps what PyTorch's autograd keeps of it",
    "block": "only what blocks read of each other is kept, and each block runs again in the backward pass",
}


@final
class TrainingReport(Answer):
    """What a step of training costs; with a ``machine`` and the seconds of a step, the share of its peak."""

    step: Training
    machine: Machine | None = None
    seconds: Fraction = Fraction(0)

    def lines(self) -> list[str]:
        step = self.step
        backward = step.input_gradient + step.weight_gradient
        again = f" + {step.recomputed:,} again" if step.recomputed else ""
        return [
            f"{step.multiply_adds:,} multiply-adds a step: {step.forward:,} forward + {backward:,} backward{again};"
            f" peak {step.peak_bytes:,} bytes ({si(step.peak_bytes, 'B')})",
            subject(step.network, step.batch),
            *self._utilization(),
            f"Peak: parameters {step.parameter_bytes:,} + gradients {step.gradient_bytes:,} + {step.optimizer.name}"
            f" {step.optimizer_bytes:,} + activations and their gradients {step.activation_peak_bytes:,}",
            f"Kept for the backward pass: {step.saved_bytes:,} bytes ({si(step.saved_bytes, 'B')});"
            f" {_CHECKPOINTS[step.checkpoint]}.",
            f"Optimizer: {step.optimizer.source}. The loss is not counted, nor what an allocator wastes.",
        ]

    def _utilization(self) -> list[str]:
        """The share of the machine's peak, without what runs again, and as six times parameters and tokens say."""
        if self.machine is None:
            return []
        rule = [f"; {percent(share)} by 6ND" for share in [self._share_by_6nd()] if share is not None]
        return [
            f"{percent(self._share())} of the peak of {machine_text(self.machine)}, at {duration(float(self.seconds))}"
            f" a step{''.join(rule)}"
        ]

    def _able(self) -> Fraction:
        assert self.machine is not None
        return self.machine.peak * self.seconds

    def _share(self) -> float:
        """The model FLOPs utilization (arXiv:2204.02311, appendix B): what runs again is no work of the model."""
        return float(2 * (self.step.multiply_adds - self.step.recomputed) / self._able())

    def _share_by_6nd(self) -> float | None:
        """That of six FLOPs for each parameter and token; None where the network reads no tokens."""
        network = self.step.network
        if network.nodes[0].dtype != "int64":
            return None
        tokens = self.step.batch * network.input.elements
        return float(formulas.training_flops(network.parameters, tokens) / self._able())

    def table(self) -> Table:
        rows = self.step.rows
        totals = [sum([getattr(row, column) for row in rows]) for column in _COLUMNS]
        return Table(("name", "type", *_COLUMNS), tuple([tuple(row) for row in rows]), ("total", "", *totals))

    def notes(self) -> list[str]:
        """What a capture does not know of training."""
        if all(node.provenance.built for node in self.step.network.nodes):
            return []
        return ["Captured as at inference: a dropout that is no module, as inside attention, is not in it."]

    def document(self) -> object:
        """The stable contract: exact multiply-adds and bytes, in total and an operation."""
        step = self.step
        document: dict[str, object] = {
            "model": step.network.name,
            "choices": dict(step.network.config),
            "batch": step.batch,
            "dtype": step.dtype or None,
            "optimizer": step.optimizer.name,
            "checkpoint": step.checkpoint or None,
            "multiply_adds": step.multiply_adds,
            "forward": step.forward,
            "input_gradient": step.input_gradient,
            "weight_gradient": step.weight_gradient,
            "recomputed": step.recomputed,
            "parameter_bytes": step.parameter_bytes,
            "gradient_bytes": step.gradient_bytes,
            "optimizer_bytes": step.optimizer_bytes,
            "saved_bytes": step.saved_bytes,
            "activation_peak_bytes": step.activation_peak_bytes,
            "peak_bytes": step.peak_bytes,
        }
        if self.machine is not None:
            document["utilization"] = {
                "device": self.machine.name,
                "peak_flops_per_second": float(self.machine.peak),
                "step_seconds": float(self.seconds),
                "share": self._share(),
                "share_by_6nd": self._share_by_6nd(),
            }
        return {**document, "rows": self.table().records()}
