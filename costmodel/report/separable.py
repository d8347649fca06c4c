"""The report of ``costmodel formula separable``: why a separable convolution costs 1/N + 1/K^2 of a standard one."""

from __future__ import annotations

from typing import final

from costmodel import formulas
from costmodel.report.answer import Answer, align_star, aligned
from costmodel.report.table import Table
from costmodel.scaling.closed_form.separable import Step

_ABOUT = (
    "M channels in, N channels out, a kernel of K x K, P positions of the output. Without bias and norm.",
    "The same ratio for multiply-adds and for weights (P = 1), at every size, stride and padding.",
    "Sources: arXiv:1704.04861 section 3.1; arXiv:1801.04381 section 3.1.",
)
_WORKED = "Worked: never cheaper than K^2 times, and as near to it as N is large."

_PYTHON = '''\
def separable_ratio(n, k):
    """Depthwise separable over standard convolution, as (numerator, denominator).

    With n filters and a kernel of k x k; for multiply-adds and weights alike. By costmodel.
    """
    return n + k * k, n * k * k'''


@final
class SeparableReport(Answer):
    """The derivation of the ratio, and what it comes to."""

    steps: tuple[Step, ...]

    def lines(self) -> list[str]:
        return [f"separable / standard = {self.steps[-2].text} = {self.steps[-1].text}", *_ABOUT]

    def table(self) -> Table:
        return Table(("what", "formula", "comes to"), tuple((step.what, step.call, step.text) for step in self.steps))

    def text(self, color: bool = False, width: int = 0) -> str:
        return f"{super().text(color, width)}\n\n{aligned([_WORKED], self.worked(), color, width)}"

    def latex(self) -> str:
        """An ``align*`` of amsmath."""
        return align_star(_ABOUT, [(step.what, step.latex) for step in self.steps])

    def python(self) -> str:
        """The ratio as a function, in integers."""
        return _PYTHON

    def worked(self) -> Table:
        """The ratio for a few N and K."""
        rows = []
        for kernel in (3, 5):
            for channels in (32, 64, 128, 256, 512, 1024):
                top, bottom = formulas.separable_ratio(channels, kernel * kernel)
                rows.append((kernel, channels, f"{top}/{bottom}", top / bottom, f"{bottom / top:.2f} times"))
        return Table(("K", "N", "ratio", "share", "cheaper"), tuple(rows))
