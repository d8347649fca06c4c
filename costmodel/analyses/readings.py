"""The quantities that budgets, sweeps and searches are of: each a number of a network, some of them at a type."""

from __future__ import annotations

from costmodel.analyses.memory import memory
from costmodel.analyses.size import size
from costmodel.core.network import Network


def reading(network: Network, quantity: str, dtype: str = "", policy: str = "fused") -> int:
    """The number that ``quantity``, one of :data:`~costmodel.quantities.QUANTITIES`, is of ``network``.

    ``peak_memory`` and ``size`` are bytes, of values of ``dtype`` or of their own types; ``policy`` is that of the
    memory. Raises as :meth:`Network.memory` does.

    >>> import costmodel as cm
    >>> net = cm.mobilenet_v2()
    >>> reading(net, "peak_memory", "int8"), reading(net, "size", "fp16"), reading(net, "parameters")
    (1505280, 7009744, 3504872)
    """
    if quantity == "peak_memory":
        return memory(network, dtype, policy).peak_bytes
    if quantity == "size":
        return size(network, dtype)
    number: int = getattr(network, quantity)
    return number
