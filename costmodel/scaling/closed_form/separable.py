"""Why a depthwise separable convolution costs 1/N + 1/K^2 of a standard one: the formulas, read with symbols."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from costmodel import formulas
from costmodel.errors import CostModelError, missing_package


class Step(NamedTuple):
    """One line of the derivation: what is counted, the call that counts it, and what comes out."""

    what: str
    call: str
    text: str
    latex: str


def separable_steps() -> tuple[Step, ...]:
    """The derivation of 1/N + 1/K^2, from the cost of three convolutions on; the ratio itself is the last but one.

    Raises :class:`~costmodel.errors.CostModelError` where sympy is missing.

    >>> [step.text for step in separable_steps()][-2:]
    ['(K^2 + N)/(K^2*N)', '1/N + 1/K^2']
    """
    try:
        import sympy  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        raise missing_package("this derivation", "sympy") from None
    p, m, n, k = sympy.symbols("P M N K", integer=True, positive=True)
    work, weights = formulas.conv_multiply_adds, formulas.conv_weights
    standard: Any = work(p, m, n, k**2)
    depthwise: Any = work(p, m, m, k**2, groups=m)
    pointwise: Any = work(p, m, n, 1)
    separable = sympy.factor(depthwise + pointwise)
    ratio = sympy.cancel(separable / standard)
    stored = sympy.cancel((weights(m, m, k**2, groups=m) + weights(m, n, 1)) / weights(m, n, k**2))
    top, bottom = formulas.separable_ratio(n, k**2)
    # The formula that counts, and the one derived here, are the same; so are the ratios of work and of weights.
    if sympy.simplify(ratio - sympy.Integer(1) * top / bottom) != 0 or ratio != stored:
        raise CostModelError(f"the derivation gives {ratio} and {stored}, formulas.separable_ratio {top}/{bottom}")
    return (
        _step("standard convolution", "conv_multiply_adds(P, M, N, K^2)", standard),
        _step("depthwise convolution", "conv_multiply_adds(P, M, M, K^2, groups=M)", depthwise),
        _step("pointwise convolution", "conv_multiply_adds(P, M, N, 1)", pointwise),
        _step("separable: depthwise + pointwise", "", separable),
        _step("separable / standard", "separable_ratio(N, K^2)", ratio),
        _step("depthwise / standard + pointwise / standard", "", sympy.apart(ratio, n)),
    )


def _step(what: str, call: str, expr: Any) -> Step:
    from sympy import latex

    # 1/K^2 rather than sympy's K^(-2).
    text = re.sub(r"(\w+)\^\(-(\d+)\)", r"1/\1^\2", str(expr).replace("**", "^"))
    return Step(what, call, text, latex(expr))
