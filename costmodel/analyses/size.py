"""Bytes that the parameters of a network take: in a file, in flash. A size is always one at a precision."""

from __future__ import annotations

from collections import Counter

from costmodel.core.graph import Node
from costmodel.core.network import Network
from costmodel.quantities import at_dtype, bytes_of_all, precision


def size(network: Network, dtype: str = "") -> int:
    """The bytes of all parameters, frozen or not, each of its own type, or of ``dtype`` where that is floating point.

    Running statistics are not among them: in inference they are folded into what a norm multiplies and adds.

    Raises :class:`~costmodel.errors.CostModelError` for an unknown type.

    >>> import costmodel as cm
    >>> cm.mobilenet_v2().size(), cm.mobilenet_v2().size("int8")
    (14019488, 3504872)
    """
    return sum([node_size(node, dtype) for node in network.ledger.storing])


def node_size(node: Node, dtype: str = "") -> int:
    """The bytes of the parameters that one node adds; as :func:`size`."""
    return sum([bytes_of_all(count, at_dtype(own, dtype)) for own, count in node.parameter_types])


def types(network: Network) -> Counter[str]:
    """How many parameters are of which type.

    >>> import costmodel as cm
    >>> types(cm.lenet())
    Counter({'float32': 121182})
    """
    counts: Counter[str] = Counter()
    for node in network.ledger.storing:
        for own, count in node.parameter_types:
            if count:
                counts[own] += count
    return counts


def precisions(network: Network, dtype: str = "") -> str:
    """The types of the parameters as people say them after a size, with ``dtype`` in the place of floating-point ones.

    >>> import costmodel as cm
    >>> precisions(cm.lenet()), precisions(cm.lenet(), "int8")
    ('fp32', 'int8')
    """
    own = dict.fromkeys(precision(at_dtype(own, dtype)) for own in types(network))
    return " and ".join(own) or precision(dtype or "float32")
